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
  for (const { plane } of [...a.apis, ...b.apis]) await eventually(async () => expect(await complaints(plane.store)).toEqual([]));
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
const loginAt = (at: World): Promise<Answer<string>> => raw(at, 'session.login_with_password', 'root', password);
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
  await expect(call('pool.join_force', b.url, 'root', password)).rejects.toThrow('JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS');
  await dropShared(call);
  await expect(join(call, 'http://127.0.0.1:1')).rejects.toThrow('JOINING_HOST_CONNECTION_FAILED');
  await expect(join(call, a.imagesUrl)).rejects.toThrow('JOINING_HOST_SERVICE_FAILED');
  await expect(join(call, b.url, 'wrong')).rejects.toThrow('SESSION_AUTHENTICATION_FAILED');
  await expect(join(call, a.url)).rejects.toThrow('JOINING_HOST_SERVICE_FAILED');
  const vm = await newVm(call);
  await expect(join(call, b.url)).rejects.toThrow('OPERATION_NOT_ALLOWED VMs');
  await call('VM.start', vm, false, false);
  await expect(join(call, b.url)).rejects.toThrow('JOINING_HOST_CANNOT_HAVE_RUNNING_VMS');
  await call('VM.hard_shutdown', vm);
  await call('VM.destroy', vm);
  const [local] = Object.entries(await call<Records>('SR.get_all_records')).flatMap(([ref, r]) => (r['type'] === 'ext' ? [ref] : []));
  const disk = await call('VDI.create', {
    name_label: 'd',
    SR: local,
    virtual_size: 2 ** 20,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  });
  await expect(join(call, b.url)).rejects.toThrow('OPERATION_NOT_ALLOWED The local storage');
  await call('VDI.destroy', disk);
  expect(await b.apis[0]?.plane.store.query("SELECT ref FROM session WHERE originator = 'pool.join'")).toEqual([]);
});

test('what the other pool is stands in the way too', async () => {
  const call = await login(a.url);
  const set = async (sql: string): Promise<void> => void (await b.apis[0]?.plane.store.query(sql));
  await set(`UPDATE host SET cpu_info = cpu_info || '{"modelname": "other"}'`);
  await expect(join(call, b.url)).rejects.toThrow('HOSTS_NOT_HOMOGENEOUS CPU modelname');
  await set('UPDATE pool SET ha_enabled = true');
  // Its CPU may be forced, but nothing else.
  await expect(call('pool.join_force', b.url, 'root', password)).rejects.toThrow('HA_IS_ENABLED');
  await set('UPDATE pool SET ha_enabled = false');
  await set(`UPDATE host h SET cpu_info = h.cpu_info || jsonb_build_object('modelname', c.modelname) FROM host_cpu c WHERE c.host = h.ref`);
  await startsOn(call, (await hostOf(call)).ref);
});

test('the host of one pool joins another, and is a pool of its own again when it is ejected', async () => {
  const call = await login(a.url);
  const { ref, uuid } = await hostOf(call);
  await call('host.set_name_label', ref, 'the traveller');
  await join(call, b.url);
  expect((await loginAt(a)).error).toMatchObject({ message: 'HOST_IS_SLAVE', data: [b.url] });
  expect((await raw(a, 'session.slave_local_login_with_password', 'root', password)).result).toMatch(/^OpaqueRef:/);
  expect(await statusOf(fetch(`${a.url}/rrd_updates?start=0`, { headers: { authorization: `Basic ${btoa(`root:${password}`)}` } }))).toBe(500);
  expect(await (await fetch(`${a.url}/health/ready`)).text()).toContain(`the pool at ${b.url}`);

  const joined = await there<string>('host.get_by_uuid', uuid);
  expect(await there('host.get_name_label', joined)).toBe('the traveller');
  expect(await there('host_metrics.get_live', await there('host.get_metrics', joined))).toBe(true);
  expect(await there('VM.get_is_control_domain', await there('host.get_control_domain', joined))).toBe(true);
  const pifs = Object.values(await there<Records>('PIF.get_all_records')).filter((p) => p['host'] === joined);
  expect(pifs.length).toBe(2);
  const pbds = Object.values(await there<Records>('PBD.get_all_records')).filter((p) => p['host'] === joined);
  expect(pbds.every((p) => p['currently_attached'])).toBe(true);
  await startsOn(there, joined);
  expect(await b.apis[0]?.plane.store.query("SELECT ref FROM session WHERE originator = 'pool.join'")).toEqual([]);
  const [written] = (await a.apis[0]?.plane.store.query<{ text: string }>("SELECT o::text AS text FROM operation o WHERE method = 'pool.join'")) ?? [];
  expect([written?.text.includes('pool.join'), written?.text.includes(password)]).toEqual([true, false]);

  await there('pool.eject', joined);
  await expect(there('host.get_by_uuid', uuid)).rejects.toThrow('UUID_INVALID');
  const again = await backHome();
  const home = await hostOf(again);
  expect(home.uuid).toBe(uuid);
  expect(await again('pool.get_master', (await again<string[]>('pool.get_all'))[0])).toBe(home.ref);
  await startsOn(again, home.ref);
});

test('in the background, and again by a host that was ejected before; one that is off comes home too', async () => {
  const call = await login(a.url);
  const { uuid } = await hostOf(call);
  const task = await call<string>('Async.pool.join', b.url, 'root', password);
  await eventually(async () => expect([await call('task.get_status', task), await call('task.get_error_info', task)]).toEqual(['success', []]));
  await expect(call('pool.join', b.url, 'root', password)).rejects.toThrow(`HOST_IS_SLAVE ${b.url}`);
  const joined = await there<string>('host.get_by_uuid', uuid);
  await there('host.disable', joined);
  await there('host.shutdown', joined);
  await there('pool.eject', joined);
  await backHome();
});
