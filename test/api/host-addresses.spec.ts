/** Each simulated host answers at an address of its own: calls, metrics, consoles, disks, over TLS with that host's certificate. */
import { X509Certificate } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { connect, type Socket } from 'node:net';
import { apiSettings, testServices } from '@xenplane/config';
import { RfbClient } from '@xenplane/testing';
import { generate } from 'selfsigned';
import { createClient } from 'xen-api';
import { startApi, type RunningApi } from '../../apps/api/src/api';
import { NbdClient } from '../nbd-client';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

interface Host {
  readonly ref: string;
  readonly uuid: string;
  readonly address: string;
  readonly hostname: string;
}
interface Pif {
  readonly host: string;
  readonly management: boolean;
  readonly IP: string;
  readonly netmask: string;
  readonly gateway: string;
  readonly DNS: string;
}
const basic = { authorization: `Basic ${Buffer.from(`root:${password}`).toString('base64')}` };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
async function hostsOf(call: Call): Promise<Host[]> {
  const all = await call<Record<string, Omit<Host, 'ref'>>>('host.get_all_records');
  return Object.entries(all)
    .map(([ref, { uuid, address, hostname }]) => ({ ref, uuid, address, hostname }))
    .sort((a, b) => a.hostname.localeCompare(b.hostname));
}
const pifsOf = async (call: Call): Promise<Pif[]> =>
  Object.values(await call<Record<string, Pif>>('PIF.get_all_records'));
/** 127.x.y.z: the number of a range's first address. */
const rangeOf = (address: string): number => {
  const [a = 0, b = 0, c = 0] = address.split('.').map(Number);
  return a * 2 ** 16 + b * 2 ** 8 + (c & 0xc0);
};

/** The certificate that a server at that address shows to a client that knows no name of it, or to one that asks for a name. */
async function shownAt(address: string, port: number, servername?: string): Promise<X509Certificate> {
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const one = connectTls(
      { host: address, port, rejectUnauthorized: false, ...(servername ? { servername } : {}) },
      () => resolve(one),
    ).on('error', reject);
  });
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw);
}

async function askConsole(socket: Socket, path: string, host: string): Promise<RfbClient> {
  const client = new RfbClient((out) => socket.write(out));
  let head = Buffer.alloc(0);
  let begun = false;
  socket.on('data', (piece: Buffer) => {
    if (begun) return client.feed(piece);
    head = Buffer.concat([head, piece]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    begun = true;
    client.feed(head.subarray(end + 4));
  });
  socket.write(`CONNECT ${path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
  await eventually(async () => expect(head.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n/));
  await eventually(async () => expect(client.width).toBeGreaterThan(0));
  return client;
}

async function startedVm(call: Call, name: string): Promise<{ vm: string; uuid: string; host: string }> {
  const vm = await call<string>(
    'VM.clone',
    (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
    name,
  );
  await call('VM.provision', vm);
  await call('VM.start', vm, false, false);
  return { vm, uuid: await call('VM.get_uuid', vm), host: await call('VM.get_resident_on', vm) };
}
const locationOf = async (call: Call, vm: string): Promise<URL> => {
  for (const ref of await call<string[]>('VM.get_consoles', vm)) {
    const { protocol, location } = await call<{ protocol: string; location: string }>(
      'console.get_record',
      ref,
    );
    if (protocol === 'rfb') return new URL(location);
  }
  throw new Error('the VM has no screen');
};

/** Another API process over the database of a world. */
const anotherApi = (world: World, variables: Readonly<Record<string, string>> = {}): Promise<RunningApi> =>
  startApi(
    apiSettings({
      DATABASE_URL: world.databaseUrl,
      REDIS_URL: testServices().redisUrl,
      XENPLANE_LOG_LEVEL: 'error',
      XENPLANE_PORT: '0',
      XENPLANE_DATA: `${world.folder}/api-2`,
      XENPLANE_JOIN_KEY: 'a-secret-for-tests-only',
      ...variables,
    }),
  );

describe('at loopback addresses', () => {
  let world: World;
  let call: Call;
  let hosts: Host[];
  let port: number;
  let tlsPort: number;
  const at = (address: string, path: string): Promise<Response> =>
    fetch(`http://${address}:${port}${path}`, { headers: basic });
  const jsonAt = async <T>(address: string, path: string): Promise<T> =>
    (await at(address, path)).json() as Promise<T>;

  beforeAll(async () => {
    tlsPort = await freePort();
    world = await startWorld({ hosts: 3, api: { XENPLANE_TLS_PORT: String(tlsPort) } });
    port = Number(new URL(world.url).port);
    call = await login(world.url);
    hosts = await hostsOf(call);
  });
  afterAll(() => world?.stop());

  test('hosts have one each, in one range, as their names count, and so do their interfaces', async () => {
    const addresses = hosts.map(({ address }) => address);
    expect(addresses.every((a) => /^127\.(?!0\.|255\.)\d+\.\d+\.[123]$/.test(a))).toBe(true);
    expect(new Set(addresses.map(rangeOf)).size).toBe(1);
    expect(addresses.map((a) => Number(a.split('.')[3]))).toEqual([1, 2, 3]);
    for (const { ref, address } of hosts) {
      const [pif] = (await pifsOf(call)).filter((p) => p.host === ref && p.management);
      expect(pif).toMatchObject({ IP: address, netmask: '255.255.192.0' });
      expect(rangeOf(pif?.gateway ?? '')).toBe(rangeOf(address));
      expect([pif?.DNS, addresses.includes(pif?.gateway ?? '')]).toEqual([pif?.gateway, false]);
    }
  });

  test('whoever is ready has the addresses of all hosts open: calls are answered at each', async () => {
    for (const { address } of hosts) {
      const there = await login(`http://${address}:${port}`);
      expect((await hostsOf(there)).map(({ uuid }) => uuid)).toEqual(hosts.map(({ uuid }) => uuid));
    }
  });

  test('the metrics at an address are those of its host', async () => {
    for (const { uuid, address } of hosts) {
      const { meta } = await jsonAt<{ meta: { legend: string[] } }>(
        address,
        '/rrd_updates?start=-20&host=true&json=true',
      );
      expect(new Set(meta.legend.filter((l) => l.includes(':host:')).map((l) => l.split(':')[2]))).toEqual(
        new Set([uuid]),
      );
    }
    const [first, second] = await Promise.all(
      hosts.slice(0, 2).map(async ({ address }) => (await at(address, '/host_rrd')).text()),
    );
    expect(first).not.toBe(second);
  });

  test.each([
    ['/system-status?output=tar&entries=network-config', ({ address }: Host) => `"${address}"`],
    ['/host_backup', ({ uuid }: Host) => `"host": "${uuid}"`],
  ])('%s is about the host whose address was asked', async (path, mark) => {
    for (const host of hosts) {
      const answer = await at(host.address, path);
      const text = (await answer.text()).replace(/"host":\s*/g, '"host": ');
      expect([answer.status, hosts.filter((h) => text.includes(mark(h))).map((h) => h.hostname)]).toEqual([
        200,
        [host.hostname],
      ]);
    }
  });

  test('over TLS each address shows the certificate of its host, as its record has it, and all have one key', async () => {
    const records = Object.values(
      await call<Record<string, { host: string; type: string; fingerprint_sha256: string }>>(
        'Certificate.get_all_records',
      ),
    );
    const keys = new Set<string>();
    for (const { ref, address, hostname } of hosts) {
      const shown = await shownAt(address, tlsPort);
      expect(shown.fingerprint256).toBe(
        new X509Certificate(await call<string>('host.get_server_certificate', ref)).fingerprint256,
      );
      expect(
        records.filter((c) => c.host === ref && c.type === 'host').map((c) => c.fingerprint_sha256),
      ).toEqual([shown.fingerprint256]);
      expect([shown.checkIP(address), shown.checkHost(hostname), shown.checkIP('127.0.0.1')]).toEqual([
        address,
        hostname,
        '127.0.0.1',
      ]);
      keys.add(shown.publicKey.export({ type: 'spki', format: 'pem' }).toString());
    }
    expect(keys.size).toBe(1);
    const pool = await call<string[]>('pool.get_all');
    const master = await call<string>('pool.get_master', pool[0]);
    expect((await shownAt('127.0.0.1', tlsPort)).fingerprint256).toBe(
      new X509Certificate(await call<string>('host.get_server_certificate', master)).fingerprint256,
    );
  });

  test('a client that trusts the certificate of a host is served at its address, and refuses another', async () => {
    const [one, two] = hosts;
    const ca = await call<string>('host.get_server_certificate', one?.ref);
    const ask = (host = ''): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connectTls({ host, port: tlsPort, ca }, () =>
          socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
        );
        socket
          .once('data', (piece: Buffer) => resolve(piece.toString().split('\r\n')[0] ?? ''))
          .on('error', reject);
      });
    expect(await ask(one?.address)).toBe('HTTP/1.1 200 OK');
    await expect(ask(two?.address)).rejects.toThrow();
  });

  test('a certificate that a host is given is shown at its address alone', async () => {
    const [, two, three] = hosts;
    const made = await generate([{ name: 'commonName', value: 'given' }], {
      keyType: 'rsa',
      keySize: 2048,
      algorithm: 'sha256',
    });
    const before = (await shownAt(three?.address ?? '', tlsPort)).fingerprint256;
    await call('host.install_server_certificate', two?.ref, made.cert, made.private, '');
    await eventually(async () =>
      expect((await shownAt(two?.address ?? '', tlsPort)).subject).toBe('CN=given'),
    );
    expect((await shownAt(three?.address ?? '', tlsPort)).fingerprint256).toBe(before);
    await call('host.reset_server_certificate', two?.ref);
    await eventually(async () =>
      expect((await shownAt(two?.address ?? '', tlsPort)).checkIP(two?.address ?? '')).toBe(two?.address),
    );
  });

  test('a console is where its location says: at the host of its VM, over TLS, also after the VM has moved', async () => {
    const { vm, host } = await startedVm(call, 'seen');
    const there = hosts.find(({ ref }) => ref === host);
    const location = await locationOf(call, vm);
    expect([location.protocol, location.hostname, location.port]).toEqual([
      'https:',
      there?.address,
      String(tlsPort),
    ]);
    const token = await sessionOf(`http://127.0.0.1:${port}`);
    const look = async ({ hostname, pathname, search }: URL): Promise<string> => {
      const socket = connectTls({ host: hostname, port: tlsPort, rejectUnauthorized: false });
      const client = await askConsole(socket, `${pathname}${search}&session_id=${token}`, hostname);
      socket.destroy();
      return client.name;
    };
    expect(await look(location)).toBe('seen');
    const other = hosts.find(({ ref }) => ref !== host);
    await call('VM.pool_migrate', vm, other?.ref, { live: 'true' });
    const moved = await locationOf(call, vm);
    expect(moved.hostname).toBe(other?.address);
    expect(await look(moved)).toBe('seen');
    await call('VM.hard_shutdown', vm);
  });

  test('a client that follows the events of a console sees where it is', async () => {
    const { token } = await call<{ token: string }>('event.from', ['console'], '', 0);
    const { vm } = await startedVm(call, 'followed');
    const location = await locationOf(call, vm);
    const { events } = await call<{
      events: { snapshot?: { VM: string; protocol: string; location: string } }[];
    }>('event.from', ['console'], token, 5);
    expect(
      events
        .filter(({ snapshot }) => snapshot?.VM === vm && snapshot.protocol === 'rfb')
        .map((e) => e.snapshot?.location),
    ).toEqual([location.toString()]);
    await call('VM.hard_shutdown', vm);
  });

  test('disks are served at the addresses of the hosts that reach them', async () => {
    const network =
      (await call<Record<string, { network: string; management: boolean }>>('PIF.get_all_records')) ?? {};
    const management = Object.values(network).find((p) => p.management)?.network;
    const [SR] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
    const vdi = await call<string>('VDI.create', {
      name_label: 'read',
      SR,
      virtual_size: 2 ** 20,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    });
    await call('network.add_purpose', management, 'nbd');
    const infos = await call<
      { address: string; port: number; cert: string; subject: string; exportname: string }[]
    >('VDI.get_nbd_info', vdi);
    expect(infos.map((i) => i.address).sort()).toEqual(hosts.map((h) => h.address).sort());
    for (const info of infos) {
      expect(new X509Certificate(info.cert).checkIP(info.address)).toBe(info.address);
      const one = await NbdClient.connect({ address: info.address, port: Number(info.port) });
      expect(await one.greet()).toBe('NBDMAGICIHAVEOPT3');
      await one.startTls(info);
      expect((await one.go(info.exportname)).type).toBe(1);
      one.destroy();
    }
    await call('network.remove_purpose', management, 'nbd');
  });

  test('management that moves to another interface takes the address of the host along', async () => {
    const [, , three] = hosts;
    const pifs = Object.entries(
      await call<Record<string, Pif & { device: string }>>('PIF.get_all_records'),
    ).filter(([, p]) => p.host === three?.ref);
    const refOf = (device: string): string => pifs.find(([, p]) => p.device === device)?.[0] ?? '';
    await call('PIF.reconfigure_ip', refOf('eth1'), 'DHCP', '', '', '', '');
    await call('host.management_reconfigure', refOf('eth1'));
    expect(await call('PIF.get_IP', refOf('eth1'))).toBe(three?.address);
    expect(await call('PIF.get_IP', refOf('eth0'))).toMatch(/^10\./);
    expect(await call('host.get_address', three?.ref)).toBe(three?.address);
    await call('host.management_reconfigure', refOf('eth0'));
    expect([await call('PIF.get_IP', refOf('eth0')), await call('host.get_address', three?.ref)]).toEqual([
      three?.address,
      three?.address,
    ]);
  });

  test('a loopback address that somebody gives to a host is opened, and the one of before closed; with DHCP it comes back', async () => {
    const [one] = hosts;
    const given = (one?.address ?? '').replace(/\d+$/, '77');
    const [pif] =
      Object.entries(await call<Record<string, Pif>>('PIF.get_all_records')).find(
        ([, p]) => p.host === one?.ref && p.management,
      ) ?? [];
    const dom0 = await call<string>('host.get_control_domain', one?.ref);
    await call('PIF.reconfigure_ip', pif, 'Static', given, '255.255.192.0', '', '');
    expect((await locationOf(call, dom0)).hostname).toBe(given);
    const uuidAt = async (address: string): Promise<string | undefined> =>
      (
        await jsonAt<{ meta: { legend: string[] } }>(address, '/rrd_updates?start=-20&host=true&json=true')
      ).meta.legend
        .find((l) => l.includes(':host:'))
        ?.split(':')[2];
    await eventually(async () => expect(await uuidAt(given)).toBe(one?.uuid));
    await eventually(async () => expect(at(one?.address ?? '', '/')).rejects.toThrow());
    await call('PIF.reconfigure_ip', pif, 'DHCP', '', '', '', '');
    await eventually(async () => expect(await uuidAt(one?.address ?? '')).toBe(one?.uuid));
  });

  test('another control plane on the machine has another range; another process of this one has this', async () => {
    const second = await startWorld({ hosts: 1 });
    const [there] = await hostsOf(await login(second.url));
    await second.stop();
    expect(rangeOf(there?.address ?? '')).not.toBe(rangeOf(hosts[0]?.address ?? ''));
    const api = await anotherApi(world);
    try {
      expect((await hostsOf(await login(api.url))).map((h) => h.address)).toEqual(
        hosts.map((h) => h.address),
      );
      for (const { address, uuid } of hosts) {
        const answer = await fetch(
          `http://${address}:${api.port}/rrd_updates?start=-20&host=true&json=true`,
          { headers: basic },
        );
        expect(await answer.text()).toContain(`AVERAGE:host:${uuid}:`);
      }
      const consoles = Object.values(
        await (
          await login(api.url)
        )<Record<string, { location: string }>>('console.get_all_records'),
      );
      expect(consoles.length).toBeGreaterThan(0);
      expect(new Set(consoles.map(({ location }) => new URL(location).port))).toEqual(
        new Set([String(api.port)]),
      );
    } finally {
      await api.stop();
    }
  });
});

const sessionOf = async (url: string): Promise<string> => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'session.login_with_password',
    params: ['root', password],
  });
  return ((await (await fetch(`${url}/jsonrpc`, { method: 'POST', body })).json()) as { result: string })
    .result;
};

describe('after another kind of addresses', () => {
  test('hosts of an earlier version get addresses at which they answer; one that somebody set stays', async () => {
    const world = await startWorld({ hosts: 3 });
    try {
      const call = await login(world.url);
      const before = await hostsOf(call);
      const [one, two, three] = before;
      const query = (text: string, values: unknown[]): Promise<unknown> | undefined =>
        world.apis[0]?.plane.store.query(text, values);
      await query("UPDATE host SET address = '169.254.7.' || right(hostname, 1) WHERE ref = ANY($1)", [
        [one?.ref, two?.ref],
      ]);
      await query("UPDATE host_run SET address = '169.254.7.' || number WHERE host = ANY($1)", [
        [one?.ref, two?.ref],
      ]);
      await query(
        "UPDATE pif SET \"IP\" = '169.254.7.1', netmask = '255.255.0.0', gateway = '' WHERE management AND host = ANY($1)",
        [[one?.ref, two?.ref]],
      );
      await query("UPDATE host SET address = '192.0.2.3' WHERE ref = $1", [three?.ref]);
      await query("UPDATE host_run SET address = '' WHERE host = $1", [three?.ref]);
      const api = await anotherApi(world);
      try {
        const there = await login(api.url);
        expect((await hostsOf(there)).map(({ address }) => address)).toEqual([
          one?.address,
          two?.address,
          '192.0.2.3',
        ]);
        const [pif] = (await pifsOf(there)).filter((p) => p.host === one?.ref && p.management);
        expect(pif).toMatchObject({ IP: one?.address, netmask: '255.255.192.0' });
        expect(
          (await locationOf(there, await there<string>('host.get_control_domain', two?.ref))).hostname,
        ).toBe(two?.address);
      } finally {
        await api.stop();
      }
    } finally {
      await world.stop();
    }
  });
});

describe('by names', () => {
  let world: World;
  let call: Call;
  let hosts: Host[];
  let tlsPort: number;
  beforeAll(async () => {
    tlsPort = await freePort();
    world = await startWorld({
      hosts: 2,
      api: { XENPLANE_TLS_PORT: String(tlsPort), XENPLANE_HOST_NAMES: 'host-{n}.xen.example:9443' },
    });
    call = await login(world.url);
    hosts = await hostsOf(call);
  });
  afterAll(() => world?.stop());

  test('hosts are called by the template, and clients find their consoles by name and port', async () => {
    expect(hosts.map(({ address }) => address)).toEqual(['host-1.xen.example', 'host-2.xen.example']);
    for (const { ref, address } of hosts) {
      const { host, protocol } = await locationOf(call, await call<string>('host.get_control_domain', ref));
      expect([protocol, host]).toEqual(['https:', `${address}:9443`]);
    }
    expect(
      (await pifsOf(call))
        .filter((p) => p.management)
        .every((p) => /^10\.\d+\.\d+\.\d+$/.test(p.IP) && p.gateway !== ''),
    ).toBe(true);
  });

  test('the Host header tells them apart', async () => {
    for (const { uuid, address } of hosts)
      for (const name of [address, `${address.toUpperCase()}:9443`]) {
        const socket = connect(Number(new URL(world.url).port), '127.0.0.1');
        socket.write(
          `GET /rrd_updates?start=-20&host=true&json=true HTTP/1.0\r\nHost: ${name}\r\nAuthorization: ${basic.authorization}\r\n\r\n`,
        );
        const parts: Buffer[] = [];
        for await (const part of socket) parts.push(part as Buffer);
        const text = Buffer.concat(parts).toString();
        expect(hosts.filter((h) => text.includes(`:host:${h.uuid}:`)).map((h) => h.uuid)).toEqual([uuid]);
      }
  });

  test('a client of TLS that asks for a name is shown the certificate of that host, one without a name that of the master', async () => {
    for (const { ref, address } of hosts) {
      const shown = await shownAt('127.0.0.1', tlsPort, address);
      expect([shown.checkHost(address), shown.subject]).toEqual([address, `CN=${address}`]);
      expect(shown.fingerprint256).toBe(
        new X509Certificate(await call<string>('host.get_server_certificate', ref)).fingerprint256,
      );
    }
    const [pool] = await call<string[]>('pool.get_all');
    const master = await call<string>('pool.get_master', pool);
    const shown = new X509Certificate(await call<string>('host.get_server_certificate', master));
    // An API that listened before the pool had hosts shows the master's from its next second on.
    await eventually(async () =>
      expect((await shownAt('127.0.0.1', tlsPort)).fingerprint256).toBe(shown.fingerprint256),
    );
    expect((await shownAt('127.0.0.1', tlsPort, 'unknown.example')).fingerprint256).toBe(
      shown.fingerprint256,
    );
  });

  test('without the names hosts are at loopback addresses again, with certificates for them', async () => {
    const other = await freePort();
    const api = await anotherApi(world, { XENPLANE_TLS_PORT: String(other) });
    try {
      const now = await hostsOf(await login(api.url));
      expect(now.every(({ address }) => address.startsWith('127.'))).toBe(true);
      for (const { address } of now) expect((await shownAt(address, other)).checkIP(address)).toBe(address);
    } finally {
      await api.stop();
    }
  });
});

describe('with the ports that clients use by themselves', () => {
  test('clients that drop the port reach each host at 80 and 443, and the locations of consoles have none', async () => {
    const world = await startWorld({ hosts: 2, api: { XENPLANE_PRIVILEGED_PORTS: 'true' } });
    try {
      const hosts = await hostsOf(await login(world.url));
      for (const protocol of ['http', 'https']) {
        const xapi = createClient({
          url: `${protocol}://${hosts[0]?.address}`,
          auth: { user: 'root', password },
          allowUnauthorized: true,
          watchEvents: false,
        });
        await xapi.connect();
        for (const { uuid } of hosts) {
          const host = await xapi.getRecordByUuid('host', uuid);
          const { body } = await xapi.getResource('/rrd_updates', {
            host,
            task: false,
            query: { cf: 'AVERAGE', host: 'true', json: 'true', interval: 5, start: -20 },
          });
          expect(Buffer.from(await body.arrayBuffer()).toString()).toContain(`AVERAGE:host:${uuid}:`);
        }
        await xapi.disconnect();
      }
      const call = await login(world.url);
      const { vm } = await startedVm(call, 'typed');
      // As Packer's builder does: the host of the location and port 443.
      const { host, pathname, search } = await locationOf(call, vm);
      const socket = connectTls({ host, port: 443, rejectUnauthorized: false });
      expect(
        (await askConsole(socket, `${pathname}${search}&session_id=${await sessionOf(world.url)}`, host))
          .name,
      ).toBe('typed');
      socket.destroy();
    } finally {
      await world.stop();
    }
  });
});
