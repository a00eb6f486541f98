/** xo-server's own calls, as its web pages make them, with this pool as its one server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from './programs.mjs';
import { startOrchestra } from './orchestra-server.mjs';

const GiB = 2 ** 30;

/** A session of its JSON-RPC, and the objects as it tells of their changes. */
class Orchestra {
  objects = new Map();
  waiting = new Map();
  constructor(url, socket) {
    this.url = url;
    this.socket = socket;
    socket.on('message', (data) => this.take(JSON.parse(data)));
    socket.on('close', () =>
      this.waiting.forEach(({ method, reject }) => reject(new Error(`${method}: the connection ended`))),
    );
  }
  /** The server listens before it takes connections and calls: what comes too early is never answered. */
  static async connect(server, tries = 24) {
    const { url, WebSocket } = server;
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/`, { handshakeTimeout: 5000 });
    const opened = await new Promise((resolve) =>
      socket.on('open', () => resolve(true)).on('error', () => resolve(false)),
    );
    const orchestra = new Orchestra(url, socket);
    const signedIn =
      opened &&
      orchestra
        .call('session.signIn', { email: 'admin@admin.net', password: 'admin' })
        .catch(() => undefined);
    if (await Promise.race([signedIn, sleep(5000)])) return orchestra;
    socket.terminate();
    if (tries === 0) throw new Error('xo-server takes no calls');
    await sleep(500);
    return Orchestra.connect(server, tries - 1);
  }
  take({ id, method, params, error, result }) {
    if (method === 'all')
      return Object.entries(params.items).forEach(([key, value]) => this.tell(params.type, key, value));
    const asked = this.waiting.get(id);
    this.waiting.delete(id);
    if (error)
      asked?.reject(
        new Error(`${asked.method}: ${error.message} ${JSON.stringify(error.data ?? {}).slice(0, 1000)}`),
      );
    else asked?.resolve(result);
  }
  tell(type, key, value) {
    if (type === 'exit') this.objects.delete(key);
    else this.objects.set(key, value);
  }
  call(method, params = {}) {
    const id = (this.last = (this.last ?? 0) + 1);
    this.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve, reject) => this.waiting.set(id, { method, resolve, reject }));
  }
  all(type, matches = () => true) {
    return [...this.objects.values()].filter((object) => object.type === type && matches(object));
  }
  named(type, name_label) {
    return this.all(type, (object) => object.name_label === name_label)[0];
  }
  async until(what, holds) {
    for (let tries = 0; !(await holds()); tries += 1) {
      if (tries > 600) throw new Error(`${what}: not within two minutes`);
      await sleep(200);
    }
  }
  /** The bytes that a call offers at an address of its own. */
  async fetched(method, params) {
    const { $getFrom } = await this.call(method, params);
    const answer = await fetch(`${this.url}${$getFrom}`);
    const { byteLength } = await answer.arrayBuffer();
    if (answer.status !== 200 || byteLength === 0)
      throw new Error(`${method}: ${answer.status}, ${byteLength} bytes`);
  }
}

async function register(xo, { master, password }) {
  await xo.call('server.add', {
    host: master,
    username: 'root',
    password,
    label: 'interop',
    allowUnauthorized: true,
  });
  await xo.until(
    'the pool is connected',
    async () => (await xo.call('server.getAll'))[0].status === 'connected',
  );
  xo.objects = new Map([...Object.entries(await xo.call('xo.getAllObjects')), ...xo.objects]);
  await xo.until('three hosts are known', () => xo.all('host').length === 3);
}

async function created(xo) {
  const [template, sr, network] = [
    xo.named('VM-template', 'Xenplane demo server'),
    xo.named('SR', 'Shared storage'),
    xo.all('network', (n) => /eth0/.test(n.name_label))[0],
  ];
  const given = {
    template: template.id,
    name_label: 'of xo-server',
    name_description: '',
    clone: true,
    CPUs: 2,
    memoryMax: GiB,
    existingDisks: {},
  };
  const second = { size: GiB, SR: sr.id, type: 'user', name_label: 'second', name_description: '' };
  const vm = await xo.call('vm.create', {
    ...given,
    VIFs: [{ network: network.id }],
    VDIs: [second],
    tags: ['interop'],
    bootAfterCreate: true,
  });
  return {
    vm,
    sr,
    network,
    isOn: () => xo.objects.get(vm)?.power_state === 'Running' && xo.objects.get(vm).pvDriversDetected,
  };
}

async function statistics(xo, { vm, sr }) {
  const { stats } = await xo.call('vm.stats', { id: vm, granularity: 'seconds' });
  if (Object.keys(stats.cpus).length !== 2)
    throw new Error(`vm.stats: ${JSON.stringify(stats).slice(0, 500)}`);
  for (const { id } of xo.all('host')) {
    const { stats: ofHost } = await xo.call('host.stats', { host: id, granularity: 'seconds' });
    if (!ofHost.cpus || !ofHost.memory || !ofHost.pifs) throw new Error(`host.stats: ${Object.keys(ofHost)}`);
  }
  await xo.call('sr.stats', { id: sr.id, granularity: 'seconds' });
}

async function life(xo, { vm, network, isOn }) {
  await xo.call('vm.set', { id: vm, name_label: 'renamed', auto_poweron: true, cpuWeight: 512 });
  const other = xo.all('host', ({ id }) => id !== xo.objects.get(vm).$container)[0];
  await xo.call('vm.migrate', { vm, targetHost: other.id });
  await xo.until('it is there', () => xo.objects.get(vm).$container === other.id);
  const [local] = xo.all('SR', (sr) => sr.name_label === 'Local storage' && sr.$container === other.id);
  await xo.call('vm.migrate', {
    vm,
    targetHost: other.id,
    sr: local.id,
    mapVdisSrs: {},
    mapVifsNetworks: {},
    migrationNetwork: network.id,
  });
  await xo.call('vm.pause', { id: vm });
  await xo.call('vm.start', { id: vm });
  await xo.call('vm.suspend', { id: vm });
  await xo.call('vm.resume', { id: vm });
  await xo.until('its guest is back', isOn);
  await xo.call('vm.restart', { id: vm, force: false });
  await xo.until('its guest has started anew', isOn);
}

async function copies(xo, { vm, sr, isOn }) {
  const snapshot = await xo.call('vm.snapshot', { id: vm, name: 'of disks' });
  await xo.call('vm.snapshot', { id: vm, name: 'with memory', saveMemory: true });
  await xo.call('vm.revert', { snapshot });
  await xo.until('it runs again as it was', isOn);
  await xo.call('vm.copy', { vm: snapshot, name: 'copied', sr: sr.id });
  await xo.fetched('vm.export', { vm: snapshot, compress: 'zstd' });
  const device = xo.objects
    .get(snapshot)
    .$VBDs.map((vbd) => xo.objects.get(vbd))
    .find(({ is_cd_drive, VDI }) => !is_cd_drive && VDI);
  await xo.fetched('disk.exportContent', { id: device.VDI, format: 'vhd' });
}

async function devices(xo, { vm, sr, network }) {
  const disk = await xo.call('disk.create', {
    name: 'third',
    size: '1 GiB',
    sr: sr.id,
    vm,
    mode: 'RW',
    bootable: false,
  });
  await xo.call('vdi.set', { id: disk, name_label: 'third of all' });
  await xo.call('vm.createInterface', {
    vm,
    network: network.id,
    allowedIpv4Addresses: [],
    allowedIpv6Addresses: [],
  });
  await xo.call('sr.scan', { id: sr.id });
  const [pool] = xo.all('pool');
  const [pif] = xo.all('PIF', ({ device, $host }) => device === 'eth1' && $host === pool.master);
  await xo.call('network.create', {
    pool: pool.id,
    name: 'a VLAN',
    description: '',
    pif: pif.id,
    mtu: 1500,
    vlan: 77,
  });
  await xo.until(
    'the network is known on every host',
    () => xo.named('network', 'a VLAN')?.PIFs.length === 3,
  );
  await xo.call('network.delete', { id: xo.named('network', 'a VLAN').id });
  await xo.call('host.disable', { id: pool.master });
  await xo.call('host.enable', { id: pool.master });
  await xo.call('pool.set', { id: pool.id, name_label: 'a pool' });
  await xo.call('tag.add', { tag: 'a tag', id: vm });
}

async function ends(xo, { vm, isOn }) {
  await xo.until('its guest speaks', isOn);
  await xo.call('vm.stop', { id: vm, force: false });
  const template = await xo.call('vm.clone', { id: vm, name: 'a template', full_copy: true });
  await xo.until('the clone is known', () => xo.objects.has(template));
  await xo.call('vm.convertToTemplate', { id: template });
  await xo.call('vm.delete', { id: vm, deleteDisks: true });
  await xo.call('vm.delete', { id: xo.named('VM', 'copied').id, deleteDisks: true });
  await xo.until('it is gone', () => !xo.objects.has(vm));
}

export async function xoServer({ master, password, privileged }) {
  if (!privileged)
    throw new Unavailable('its graphs want port 443 of the hosts, which this user may not bind');
  const server = await startOrchestra();
  try {
    const xo = await Orchestra.connect(server);
    await register(xo, { master, password });
    const made = await created(xo);
    await xo.until('its guest speaks', made.isOn);
    for (const story of [statistics, life, copies, devices, ends]) await story(xo, made);
    return `${xo.last} calls`;
  } finally {
    server.stop();
  }
}
