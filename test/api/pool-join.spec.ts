import { randomBytes } from 'node:crypto';
import { complaints } from '@xenplane/testing';
import { eventually, login, password, startWorld, statusOf, type Call, type World } from '../world';

/** Plane A, which joins, and plane B. */
let a: World;
let b: World;
let there: Call;
beforeAll(async () => {
  [a, b] = await Promise.all([startWorld({ hosts: 1, seed: 21 }), startWorld({ hosts: 1, seed: 22 })]);
  there = await login(b.url);
});
afterAll(async () => {
  await Promise.all([a?.stop(), b?.stop()]);
});
afterEach(async () => {
  for (const { plane } of [...a.apis, ...b.apis])
    await eventually(async () => expect(await complaints(plane.store)).toEqual([]));
});

interface Answer<T> {
  readonly result?: T;
  readonly error?: { readonly message: string; readonly data: readonly string[] };
}
async function raw<T>(at: World, method: string, ...params: unknown[]): Promise<Answer<T>> {
  const response = await fetch(`${at.url}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  return (await response.json()) as Answer<T>;
}
const loginAt = (at: World): Promise<Answer<string>> =>
  raw(at, 'session.login_with_password', 'root', password);
const join = (call: Call, to: string, pwd = password): Promise<unknown> => call('pool.join', to, 'root', pwd);

type Records = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
/** The bootstrap's shared storage would be refused. */
async function dropShared(call: Call): Promise<void> {
  for (const [sr, { shared, type }] of Object.entries(await call<Records>('SR.get_all_records'))) {
    if (shared !== true || type !== 'nfs') continue;
    for (const pbd of await call<string[]>('SR.get_PBDs', sr)) await call('PBD.unplug', pbd);
    await call('SR.forget', sr);
  }
}
async function newVm(call: Call): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'joined');
  // Without a disk it needs no storage.
  await call('VM.remove_from_other_config', vm, 'disks');
  await call('VM.provision', vm);
  return vm;
}
async function startsOn(call: Call, host: string): Promise<void> {
  const vm = await newVm(call);
  await call('VM.start_on', vm, host, false, false);
  expect(await call('VM.get_resident_on', vm)).toBe(host);
  await call('VM.hard_shutdown', vm);
  await call('VM.destroy', vm);
}
const hostOf = async (call: Call): Promise<{ ref: string; uuid: string }> => {
  const [ref = ''] = await call<string[]>('host.get_all');
  return { ref, uuid: await call<string>('host.get_uuid', ref) };
};
/** Back to a pool of one, with sessions. */
const backHome = (): Promise<Call> =>
  eventually(async () => {
    const call = await login(a.url);
    const host = await hostOf(call);
    expect(await call('host_metrics.get_live', await call('host.get_metrics', host.ref))).toBe(true);
    return call;
  });

test('what stands in the way is told', async () => {
  const call = await login(a.url);
  await expect(join(call, b.url)).rejects.toThrow('JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS');
  await expect(call('pool.join_force', b.url, 'root', password)).rejects.toThrow(
    'JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS',
  );
  await dropShared(call);
  await expect(join(call, 'http://127.0.0.1:1')).rejects.toThrow('JOINING_HOST_CONNECTION_FAILED');
  await expect(join(call, a.imagesUrl)).rejects.toThrow('JOINING_HOST_SERVICE_FAILED');
  await expect(join(call, b.url, 'wrong')).rejects.toThrow('SESSION_AUTHENTICATION_FAILED');
  await expect(join(call, a.url)).rejects.toThrow('OPERATION_NOT_ALLOWED Host cannot become slave of itself');
  const vm = await newVm(call);
  await call('VM.start', vm, false, false);
  await expect(join(call, b.url)).rejects.toThrow('JOINING_HOST_CANNOT_HAVE_RUNNING_VMS');
  await call('VM.hard_shutdown', vm);
  await call('VM.destroy', vm);
  // A disk that cannot be copied stands in the way before the host has moved.
  const [local] = Object.entries(await call<Records>('SR.get_all_records')).flatMap(([ref, r]) =>
    r['type'] === 'ext' ? [ref] : [],
  );
  const disk = await call('VDI.create', {
    name_label: 'd',
    SR: local,
    virtual_size: 2 ** 20,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  });
  await call('VDI.enable_cbt', disk);
  await expect(join(call, b.url)).rejects.toThrow(`VDI_CBT_ENABLED ${disk}`);
  await call('VDI.destroy', disk);
  expect(
    await b.apis[0]?.plane.store.query("SELECT ref FROM session WHERE originator = 'pool.join'"),
  ).toEqual([]);
});

test('what the other pool is stands in the way too', async () => {
  const call = await login(a.url);
  const set = async (sql: string): Promise<void> => void (await b.apis[0]?.plane.store.query(sql));
  const [vendor = ''] =
    (
      await b.apis[0]?.plane.store.query<{ vendor: string }>(
        `SELECT cpu_info ->> 'vendor' AS vendor FROM pool`,
      )
    )?.map((p) => p.vendor) ?? [];
  await set(`UPDATE pool SET cpu_info = cpu_info || '{"vendor": "other"}'`);
  await expect(join(call, b.url)).rejects.toThrow('HOSTS_NOT_HOMOGENEOUS CPUs differ');
  await set('UPDATE pool SET ha_enabled = true');
  // Differences of CPU and software may be overlooked, but nothing else.
  await expect(call('pool.join_force', b.url, 'root', password)).rejects.toThrow('HA_IS_ENABLED');
  await set('UPDATE pool SET ha_enabled = false');
  await set(`UPDATE pool SET cpu_info = cpu_info || '{"vendor": "${vendor}"}'`);
  await startsOn(call, (await hostOf(call)).ref);
});

test('networks of the host that no other pool takes over stand in the way', async () => {
  const call = await login(a.url);
  const pifs = await call<Records>('PIF.get_all_records');
  const [management = ''] = Object.keys(pifs).filter((ref) => pifs[ref]?.['management'] === true);
  const [free = ''] = Object.keys(pifs).filter((ref) => pifs[ref]?.['management'] === false);
  const newNetwork = (): Promise<string> =>
    call('network.create', {
      name_label: 'extra',
      name_description: '',
      MTU: 1500,
      other_config: {},
      tags: [],
    });
  const vlan = await call<string>('pool.create_VLAN_from_PIF', free, await newNetwork(), 7).then(
    ([made = '']: string | string[]) => made,
  );
  await expect(join(call, b.url)).rejects.toThrow('POOL_JOINING_HOST_HAS_NON_MANAGEMENT_VLANS');
  await expect(call('pool.join_force', b.url, 'root', password)).rejects.toThrow(
    'POOL_JOINING_HOST_HAS_NON_MANAGEMENT_VLANS',
  );
  await call('VLAN.destroy', await call('PIF.get_VLAN_master_of', vlan));
  const tunnel = await call<string>('tunnel.create', management, await newNetwork(), 'gre');
  await expect(join(call, b.url)).rejects.toThrow('POOL_JOINING_HOST_HAS_TUNNELS');
  await call('tunnel.destroy', tunnel);
  const bond = await call<string>(
    'Bond.create',
    await newNetwork(),
    [management, free],
    '',
    'active-backup',
    {},
  );
  await expect(join(call, b.url)).rejects.toThrow('POOL_JOINING_HOST_HAS_BONDS');
  await call('Bond.destroy', bond);
  for (const [ref, { name_label }] of Object.entries(await call<Records>('network.get_all_records')))
    if (name_label === 'extra') await call('network.destroy', ref);
});

test('what differs between host and pool is told, each with its own words', async () => {
  const call = await login(a.url);
  const own = async (sql: string): Promise<void> => void (await a.apis[0]?.plane.store.query(sql));
  const set = async (sql: string): Promise<void> => void (await b.apis[0]?.plane.store.query(sql));
  const controller = await call<string>('SDN_controller.introduce', 'ssl', '192.0.2.1', 6640);
  await expect(join(call, b.url)).rejects.toThrow('OPERATION_NOT_ALLOWED SDN controller differs');
  const same = await there<string>('SDN_controller.introduce', 'ssl', '192.0.2.1', 6640);
  await own('UPDATE pool SET tls_verification_enabled = NOT tls_verification_enabled');
  await expect(join(call, b.url)).rejects.toThrow('POOL_JOINING_HOST_TLS_VERIFICATION_MISMATCH');
  await own('UPDATE pool SET tls_verification_enabled = NOT tls_verification_enabled');
  await call('SDN_controller.forget', controller);
  await there('SDN_controller.forget', same);

  const [network = ''] = await call<string[]>('network.get_all');
  const [remote = ''] = await there<string[]>('network.get_all');
  await call('network.add_purpose', network, 'nbd');
  await there('network.add_purpose', remote, 'insecure_nbd');
  await expect(join(call, b.url)).rejects.toThrow(
    'OPERATION_NOT_ALLOWED Incompatible network purposes: nbd and insecure_nbd',
  );
  await call('network.remove_purpose', network, 'nbd');
  await there('network.remove_purpose', remote, 'insecure_nbd');

  const differences: readonly (readonly [change: string, back: string, words: string])[] = [
    [
      'UPDATE pif SET "VLAN" = 5 WHERE management',
      'UPDATE pif SET "VLAN" = -1 WHERE management',
      'POOL_JOINING_HOST_MANAGEMENT_VLAN_DOES_NOT_MATCH -1 5',
    ],
    [
      `UPDATE pif SET primary_address_type = 'IPv6' WHERE management`,
      `UPDATE pif SET primary_address_type = 'IPv4' WHERE management`,
      'OPERATION_NOT_ALLOWED Primary address type differs',
    ],
    [
      `UPDATE host SET edition = edition || '-other'`,
      `UPDATE host SET edition = replace(edition, '-other', '')`,
      'LICENSE_HOST_POOL_MISMATCH',
    ],
    [
      'UPDATE host SET "API_version_minor" = "API_version_minor" + 1',
      'UPDATE host SET "API_version_minor" = "API_version_minor" - 1',
      'POOL_JOINING_HOST_MUST_HAVE_SAME_API_VERSION',
    ],
    [
      `UPDATE sm SET features = features || '{"VDI_SOMETHING_NEW": 1}' WHERE type = 'nfs'`,
      `UPDATE sm SET features = features - 'VDI_SOMETHING_NEW' WHERE type = 'nfs'`,
      'POOL_JOINING_SM_FEATURES_INCOMPATIBLE',
    ],
  ];
  for (const [change, back, words] of differences) {
    await set(change);
    await expect(join(call, b.url)).rejects.toThrow(words);
    await set(back);
  }
  expect(
    await b.apis[0]?.plane.store.query("SELECT ref FROM session WHERE originator = 'pool.join'"),
  ).toEqual([]);
});

test('the host of one pool joins another, and is a pool of its own again when it is ejected', async () => {
  const call = await login(a.url);
  await dropShared(call);
  const { ref, uuid } = await hostOf(call);
  await call('host.set_name_label', ref, 'the traveller');
  const members = await hostOf(there);
  const share = (name: string): Promise<string> =>
    there(
      'SR.create',
      members.ref,
      { server: `\\\\filer\\${name}`, username: 'me', password: 'of the share' },
      0,
      name,
      '',
      'smb',
      'user',
      true,
      {},
    );
  const [kept, lost] = [await share('kept'), await share('lost')];
  const secretsAt = async (sr: string, host: string): Promise<string[]> =>
    Object.values(await there<Records>('PBD.get_all_records')).flatMap((p) =>
      p['SR'] === sr && p['host'] === host
        ? [(p['device_config'] as Record<string, string>)['password_secret'] ?? '']
        : [],
    );
  const [ofMember = ''] = await secretsAt(kept, members.ref);
  await there('secret.destroy', await there('secret.get_by_uuid', (await secretsAt(lost, members.ref))[0]));
  await join(call, b.url);
  expect((await loginAt(a)).error).toMatchObject({ message: 'HOST_IS_SLAVE', data: [b.url] });
  expect((await raw(a, 'session.slave_local_login_with_password', 'root', password)).result).toMatch(
    /^OpaqueRef:/,
  );
  expect(
    await statusOf(
      fetch(`${a.url}/rrd_updates?start=0`, {
        headers: { authorization: `Basic ${btoa(`root:${password}`)}` },
      }),
    ),
  ).toBe(500);
  expect(await (await fetch(`${a.url}/health/ready`)).text()).toContain(`the pool at ${b.url}`);

  const joined = await there<string>('host.get_by_uuid', uuid);
  expect(await there('host.get_name_label', joined)).toBe('the traveller');
  expect(await there('host_metrics.get_live', await there('host.get_metrics', joined))).toBe(true);
  expect(await there('VM.get_is_control_domain', await there('host.get_control_domain', joined))).toBe(true);
  const pifs = Object.values(await there<Records>('PIF.get_all_records')).filter((p) => p['host'] === joined);
  expect(pifs.length).toBe(2);
  const pbds = Object.values(await there<Records>('PBD.get_all_records')).filter((p) => p['host'] === joined);
  expect(pbds.filter((p) => !p['currently_attached']).map((p) => p['SR'])).toEqual([lost]);
  const [ofJoined = ''] = await secretsAt(kept, joined);
  expect(ofJoined).not.toBe(ofMember);
  const valueOf = async (secret: string): Promise<string> =>
    there('secret.get_value', await there<string>('secret.get_by_uuid', secret));
  expect(await Promise.all([ofMember, ofJoined].map(valueOf))).toEqual(['of the share', 'of the share']);
  await startsOn(there, joined);
  expect(
    await b.apis[0]?.plane.store.query("SELECT ref FROM session WHERE originator = 'pool.join'"),
  ).toEqual([]);
  const [written] =
    (await a.apis[0]?.plane.store.query<{ text: string }>(
      "SELECT o::text AS text FROM operation o WHERE method = 'pool.join'",
    )) ?? [];
  expect([written?.text.includes('pool.join'), written?.text.includes(password)]).toEqual([true, false]);

  await there('pool.eject', joined);
  await expect(there('host.get_by_uuid', uuid)).rejects.toThrow('UUID_INVALID');
  // Its secret went with it, and that of the member stays.
  await expect(valueOf(ofJoined)).rejects.toThrow('UUID_INVALID');
  expect(await valueOf(ofMember)).toBe('of the share');
  for (const sr of [kept, lost]) {
    for (const pbd of await there<string[]>('SR.get_PBDs', sr)) await there('PBD.unplug', pbd);
    await there('SR.forget', sr);
  }
  const again = await backHome();
  const home = await hostOf(again);
  expect(home.uuid).toBe(uuid);
  expect(await again('pool.get_master', (await again<string[]>('pool.get_all'))[0])).toBe(home.ref);
  await startsOn(again, home.ref);
});

const MiB = 2 ** 20;
const at = ({ url }: World, path: string, query: Record<string, string>): string =>
  `${url}${path}?${new URLSearchParams(query).toString()}`;
const headers = { authorization: `Basic ${btoa(`root:${password}`)}` };
async function newDisk(call: Call, name_label: string, SR: string, bytes: Buffer): Promise<string> {
  const vdi = await call<string>('VDI.create', {
    name_label,
    SR,
    virtual_size: bytes.length,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: { of: 'a' },
  });
  const sent = await fetch(at(a, '/import_raw_vdi', { vdi }), {
    method: 'PUT',
    body: new Uint8Array(bytes),
    headers,
  });
  expect(sent.status).toBe(200);
  await sent.text();
  await eventually(async () => expect(await call('VDI.get_current_operations', vdi)).toEqual({}));
  return vdi;
}
const contents = async (vdi: string): Promise<Buffer> =>
  Buffer.from(await (await fetch(at(b, '/export_raw_vdi', { vdi }), { headers })).arrayBuffer());
async function attach(call: Call, VM: string, VDI: string, userdevice: string): Promise<void> {
  const vbd = {
    VM,
    VDI,
    userdevice,
    bootable: userdevice === '0',
    mode: 'RW',
    type: 'Disk',
    empty: false,
    other_config: {},
  };
  await call('VBD.create', { ...vbd, qos_algorithm_type: '', qos_algorithm_params: {} });
}

test('VMs at rest, templates of its own, networks and local disks come along', async () => {
  const call = await login(a.url);
  await dropShared(call);
  const { ref: host, uuid } = await hostOf(call);
  const [first = ''] = await call<string[]>('SR.get_by_name_label', 'Local storage');
  const second = await call<string>(
    'SR.create',
    host,
    { device: '/dev/sdb' },
    0,
    'Second disk',
    'of the host',
    'ext',
    'user',
    false,
    {},
  );
  const share = { server: '\\\\filer\\own', username: 'me', password: 'of the share' };
  const third = await call<string>('SR.create', host, share, 0, 'Own share', '', 'smb', 'user', false, {});
  await newDisk(call, 'on the share', third, Buffer.alloc(MiB));
  const own = await call<string>('network.create', {
    name_label: 'private',
    name_description: 'of a',
    other_config: { some: 'thing' },
    MTU: 9000,
    tags: [],
  });
  const [eth0 = ''] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  const bytes = [2, 3, 1].map((n) => Buffer.concat([Buffer.alloc(MiB), randomBytes(n * MiB)]));
  const vm = await newVm(call);
  const [root, data] = [
    await newDisk(call, 'root', first, bytes[0] ?? Buffer.alloc(0)),
    await newDisk(call, 'data', second, bytes[1] ?? Buffer.alloc(0)),
  ];
  await newDisk(call, 'apart', first, bytes[2] ?? Buffer.alloc(0));
  for (const [i, vdi] of [root, data].entries()) await attach(call, vm, vdi, String(i));
  const vif = {
    VM: vm,
    MAC: '',
    MTU: 1500,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  };
  const cards = [
    await call<string>('VIF.create', { ...vif, device: '0', network: eth0 }),
    await call<string>('VIF.create', { ...vif, device: '1', network: own }),
  ];
  const macs = await Promise.all(cards.map((card) => call<string>('VIF.get_MAC', card)));
  await call('VM.snapshot', vm, 'before', []);
  await call('VM.set_blocked_operations', vm, { destroy: 'mine' });
  await call('VM.set_tags', vm, ['kept']);
  const template = await call<string>(
    'VM.clone',
    (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
    'my own kind',
  );
  const uuids = await Promise.all([vm, template].map((one) => call<string>('VM.get_uuid', one)));

  await join(call, b.url);
  const joined = await there<string>('host.get_by_uuid', uuid);
  const arrived = await there<string>('VM.get_by_uuid', uuids[0]);
  const record = await there<
    Record<string, unknown> & { VBDs: string[]; VIFs: string[]; snapshots: string[] }
  >('VM.get_record', arrived);
  expect(record).toMatchObject({
    power_state: 'Halted',
    tags: ['kept'],
    blocked_operations: { destroy: 'mine' },
    current_operations: {},
    is_a_template: false,
  });
  expect(await there('VM.get_record', await there('VM.get_by_uuid', uuids[1]))).toMatchObject({
    is_a_template: true,
    is_default_template: false,
  });
  const drives = await Promise.all(
    record.VBDs.map((vbd) => there<{ VDI: string; userdevice: string }>('VBD.get_record', vbd)),
  );
  for (const { VDI, userdevice } of drives) {
    expect((await contents(VDI)).equals(bytes[Number(userdevice)] ?? Buffer.alloc(0))).toBe(true);
    const { SR, other_config, name_label } = await there<Record<string, string>>('VDI.get_record', VDI);
    expect([other_config, name_label]).toEqual([{ of: 'a' }, userdevice === '0' ? 'root' : 'data']);
    const [pbd] = await there<string[]>('SR.get_PBDs', SR);
    expect([await there('SR.get_name_label', SR), await there('PBD.get_host', pbd)]).toEqual([
      userdevice === '0' ? 'Local storage' : 'Second disk',
      joined,
    ]);
  }
  const nics = await Promise.all(
    record.VIFs.map((card) =>
      there<{ MAC: string; network: string; device: string }>('VIF.get_record', card),
    ),
  );
  expect(nics.toSorted((x, y) => Number(x.device) - Number(y.device)).map(({ MAC }) => MAC)).toEqual(macs);
  const labels = await Promise.all(
    nics.map(({ network }) => there<string>('network.get_name_label', network)),
  );
  expect(labels.toSorted()).toEqual(['Pool-wide network associated with eth0', 'private']);
  const [brought] = await there<string[]>('network.get_by_name_label', 'private');
  expect(await there('network.get_record', brought)).toMatchObject({
    MTU: 9000,
    other_config: { some: 'thing' },
  });
  const [snapshot = ''] = record.snapshots;
  expect(await there('VM.get_record', snapshot)).toMatchObject({
    name_label: 'before',
    snapshot_of: arrived,
  });
  const [alone = ''] = await there<string[]>('VDI.get_by_name_label', 'apart');
  expect((await contents(alone)).equals(bytes[2] ?? Buffer.alloc(0))).toBe(true);
  const [carried = ''] = await there<string[]>('SR.get_by_name_label', 'Own share');
  const [{ device_config } = { device_config: {} as Record<string, string> }] = await Promise.all(
    (await there<string[]>('SR.get_PBDs', carried)).map((pbd) =>
      there<{ device_config: Record<string, string> }>('PBD.get_record', pbd),
    ),
  );
  expect(device_config).toEqual({
    server: share.server,
    username: 'me',
    password_secret: expect.any(String),
  });
  expect(
    await there('secret.get_value', await there('secret.get_by_uuid', device_config['password_secret'])),
  ).toBe(share.password);
  await there('VM.start_on', arrived, joined, false, false);
  expect(await there('VM.get_resident_on', arrived)).toBe(joined);
  // Each pool has its own of the templates that start without an installer.
  for (const name of ['Xenplane demo disk', 'Xenplane demo server'])
    expect(await there<string[]>('VM.get_by_name_label', name)).toHaveLength(1);
  // Nothing is left here that could run.
  expect(
    await a.apis[0]?.plane.store.query(
      "SELECT name_label FROM vm WHERE NOT is_default_template AND name_label NOT LIKE 'Xenplane demo %'",
    ),
  ).toEqual([]);
  expect(
    await a.apis[0]?.plane.store.query('SELECT 1 FROM vdi d JOIN sr s ON s.ref = d."SR" WHERE NOT s.shared'),
  ).toEqual([]);

  await there('VM.hard_shutdown', arrived);
  await there('VM.set_blocked_operations', arrived, {});
  for (const one of [...record.snapshots, arrived, await there<string>('VM.get_by_uuid', uuids[1])])
    await there('VM.destroy', one);
  await there('pool.eject', joined);
  await backHome();
});

test('what is made while the rest is on its way stops the join, and all is here as before', async () => {
  const call = await login(a.url);
  await dropShared(call);
  const [local = ''] = await call<string[]>('SR.get_by_name_label', 'Local storage');
  const disk = await newDisk(call, 'slow', local, Buffer.concat([randomBytes(64 * MiB)]));
  const before = await Promise.all(
    ['VM', 'VDI', 'SR', 'network', 'host'].map((cls) => there<string[]>(`${cls}.get_all`)),
  );
  const task = await call<string>('Async.pool.join', b.url, 'root', password);
  await eventually(async () =>
    expect(await call('VDI.get_current_operations', disk)).toEqual({ [task]: 'mirror' }),
  );
  await newDisk(call, 'late', local, Buffer.alloc(MiB)).catch(() => undefined);
  await eventually(async () => expect(await call('task.get_status', task)).toBe('failure'));
  expect((await call<string[]>('task.get_error_info', task))[0]).toBe('OPERATION_NOT_ALLOWED');
  const home = await backHome();
  expect(await home('VDI.get_current_operations', disk)).toEqual({});
  await eventually(async () =>
    expect(
      await Promise.all(
        ['VM', 'VDI', 'SR', 'network', 'host'].map((cls) => there<string[]>(`${cls}.get_all`)),
      ),
    ).toEqual(before),
  );
  for (const name of ['slow', 'late'])
    for (const vdi of await home<string[]>('VDI.get_by_name_label', name)) await home('VDI.destroy', vdi);
});

test('in the background, and again by a host that was ejected before; one that is off comes home too', async () => {
  const call = await login(a.url);
  const { uuid } = await hostOf(call);
  const task = await call<string>('Async.pool.join', b.url, 'root', password);
  await eventually(async () =>
    expect([await call('task.get_status', task), await call('task.get_error_info', task)]).toEqual([
      'success',
      [],
    ]),
  );
  await expect(call('pool.join', b.url, 'root', password)).rejects.toThrow(`HOST_IS_SLAVE ${b.url}`);
  const joined = await there<string>('host.get_by_uuid', uuid);
  await there('host.disable', joined);
  await there('host.shutdown', joined);
  await there('pool.eject', joined);
  await backHome();
});
