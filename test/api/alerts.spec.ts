/** Alerts of the control plane, and what high availability does about lost hosts and fallen VMs. */
import { generate } from 'selfsigned';
import {
  followPlan,
  HostsLiveness,
  restartProtected,
  alertFailedLogins,
  alertGroups,
  warnOfCertificates,
  type Plane,
} from '@xenplane/xapi';
import { eventually, login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let plane: Plane;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  plane = api.plane;
});
afterAll(() => world?.stop());

interface Message {
  readonly name: string;
  readonly priority: string | number;
  readonly cls: string;
  readonly body: string;
}
const messages = async (cls: string, uuid: string, start = ''): Promise<Message[]> =>
  Object.values(await call<Record<string, Message>>('message.get', cls, uuid, '19700101T00:00:00Z')).filter(
    (m) => m.name.startsWith(start),
  );
const namesOf = async (cls: string, uuid: string, start = ''): Promise<string[]> =>
  (await messages(cls, uuid, start)).map((m) => m.name).sort();
async function newVm(name: string): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  return vm;
}

test('another master is told of', async () => {
  const [pool] = await call<string[]>('pool.get_all');
  const old = await call<string>('pool.get_master', pool);
  const next = (await call<string[]>('host.get_all')).find((host) => host !== old) ?? '';
  await call('pool.designate_new_master', next);
  await call('pool.designate_new_master', next);
  expect(await messages('Host', await call('host.get_uuid', next), 'POOL_')).toMatchObject([
    { name: 'POOL_MASTER_TRANSITION', body: '' },
  ]);
});

test('certificates warn of their end, more loudly the nearer it is', async () => {
  const [host = ''] = await call<string[]>('host.get_all');
  const uuid = await call<string>('host.get_uuid', host);
  const day = 86_400_000;
  const soon = { notBeforeDate: new Date(Date.now() - day), notAfterDate: new Date(Date.now() + 10.5 * day) };
  const made = await generate([{ name: 'commonName', value: 'a' }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    ...soon,
  });
  await call('host.install_server_certificate', host, made.cert, made.private, '');
  await call('pool.install_ca_certificate', 'ending', made.cert);
  expect((await warnOfCertificates(plane)).told).toBe(2);
  expect((await warnOfCertificates(plane)).told).toBe(0);
  const [warning] = await messages('Host', uuid, 'HOST_SERVER_');
  expect(warning).toMatchObject({ name: 'HOST_SERVER_CERTIFICATE_EXPIRING_14' });
  expect(Number(warning?.priority)).toBe(2);
  expect(warning?.body).toMatch(
    /^<body><message>[^<]+<\/message><date>\d{8}T\d\d:\d\d:\d\dZ<\/date><\/body>$/,
  );
  const [ca] = Object.values(
    await call<Record<string, { uuid: string; type: string }>>('Certificate.get_all_records'),
  ).filter((c) => c.type === 'ca');
  expect(await namesOf('Certificate', ca?.uuid ?? '')).toEqual(['POOL_CA_CERTIFICATE_EXPIRING_14']);
  await plane.store.query("UPDATE certificate SET not_after = now() - interval '1 hour' WHERE type = 'host'");
  await call('pool.uninstall_ca_certificate', 'ending', false);
  await warnOfCertificates(plane);
  expect(await namesOf('Host', uuid, 'HOST_SERVER_')).toEqual(['HOST_SERVER_CERTIFICATE_EXPIRED']);
  const left = Object.values(await call<Record<string, Message>>('message.get_all_records')).map(
    (m) => m.name,
  );
  expect(left.filter((name) => name.startsWith('POOL_CA_'))).toEqual([]);
});

test('a host that checks its peers no more is told of until it does', async () => {
  await call('pool.enable_tls_verification');
  const told = async (): Promise<string[]> =>
    Object.values(await call<Record<string, Message>>('message.get_all_records')).flatMap((m) =>
      m.name.startsWith('TLS_VERIFICATION') ? [m.body] : [],
    );
  for (let n = 0; n < 2; n += 1) await call('host.emergency_disable_tls_verification');
  expect(await told()).toEqual([expect.stringMatching(/^<body><host>[-0-9a-f]{36}<\/host><\/body>$/)]);
  await call('host.emergency_reenable_tls_verification');
  expect(await told()).toEqual([]);
});

test('who was refused at the door is told of: how often, and by whom the most', async () => {
  const tries = { bob: 1, '<&>': 2, root: 4, eve: 3 };
  for (const [name, times] of Object.entries(tries))
    for (let n = 0; n < times; n += 1)
      await expect(login(world.url, name, 'wrong')).rejects.toThrow(`SESSION_AUTHENTICATION_FAILED ${name}`);
  await alertFailedLogins(plane);
  await alertFailedLogins(plane);
  const [pool] = await call<string[]>('pool.get_all');
  const [told, ...more] = await messages(
    'Host',
    await call('host.get_uuid', await call('pool.get_master', pool)),
    'FAILED_LOGIN',
  );
  expect([Number(told?.priority), more]).toEqual([3, []]);
  const known = (name: string, number: number): string =>
    `<known>\n<username>${name}</username>\n<number>${number}</number>\n<date>D</date>\n</known>\n`;
  const body = told?.body.replaceAll(/\d{8}T\d\d:\d\d:\d\dZ/g, 'D');
  expect(body).toBe(
    `<body>\n<total>10</total>\n${known('root', 4)}${known('eve', 3)}${known('&lt;&amp;&gt;', 2)}</body>`,
  );
});

test('VMs that want to be apart and are not are told of, until they are', async () => {
  const [pool] = await call<string[]>('pool.get_all');
  const [host] = await call<string[]>('host.get_all');
  const group = await call<string>('VM_group.create', {
    name_label: 'apart',
    name_description: '',
    placement: 'anti_affinity',
  });
  const vms = [await newVm('one'), await newVm('two')];
  for (const vm of vms) {
    await call('VM.set_groups', vm, [group]);
    await call('VM.start_on', vm, host, false, false);
  }
  const told = async (): Promise<Message[]> => {
    await alertGroups(plane);
    return messages('Pool', await call('pool.get_uuid', pool), 'ALL_RUNNING_VMS');
  };
  const [only, ...more] = await told();
  expect([only?.body, more]).toEqual([
    expect.stringContaining(`<VM_group>${await call('VM_group.get_uuid', group)}</VM_group>`),
    [],
  ]);
  expect(await told()).toHaveLength(1);
  await call('VM.hard_shutdown', vms[0]);
  expect(await told()).toEqual([]);
  await call('VM.hard_shutdown', vms[1]);
});

describe('high availability', () => {
  const isUp = (vm: string): Promise<void> =>
    eventually(async () => expect(await call('VM.get_power_state', vm)).toBe('Running'));
  /** The guest dies, and is not brought up again by its host. */
  const crash = async (vm: string): Promise<void> => {
    const [host, uuid] = [
      await call<string>('VM.get_resident_on', vm),
      await call<string>('VM.get_uuid', vm),
    ];
    await world.agent.hypervisor.crash(await call('host.get_uuid', host), uuid);
    await eventually(async () => expect(await namesOf('VM', uuid)).toContain('VM_CRASHED'));
  };
  const alwaysRuns = (vm: string): Promise<boolean> => call('VM.get_ha_always_run', vm);
  beforeAll(() => call('pool.enable_ha', [], {}));
  afterAll(() => call('pool.disable_ha'));

  test('the repository of the heartbeat stays connected', async () => {
    const [pool = ''] = await call<string[]>('pool.get_all');
    const [statefile] = await call<string[]>('pool.get_ha_statefiles', pool);
    const [pbd] = await call<string[]>('SR.get_PBDs', await call('VDI.get_SR', statefile));
    await expect(call('PBD.unplug', pbd)).rejects.toThrow(/^HA_IS_ENABLED$/);
  });

  test('a VM that is to run is started again, but not when it was stopped by will', async () => {
    const vm = await newVm('protected');
    await call('VM.set_actions_after_crash', vm, 'destroy');
    await call('VM.set_ha_restart_priority', vm, 'restart');
    expect(await alwaysRuns(vm)).toBe(false);
    await call('VM.start', vm, false, false);
    expect(await alwaysRuns(vm)).toBe(true);
    await call('pool.ha_prevent_restarts_for', 3600);
    await crash(vm);
    expect(await restartProtected(plane)).toEqual({ begun: 0 });
    expect(await call('VM.get_power_state', vm)).toBe('Halted');
    await call('pool.ha_prevent_restarts_for', 0);
    await isUp(vm);
    await call('VM.set_ha_restart_priority', vm, '');
    expect(await alwaysRuns(vm)).toBe(false);
    await call('VM.set_ha_restart_priority', vm, 'restart');
    expect(await alwaysRuns(vm)).toBe(true);
    await call('VM.hard_shutdown', vm);
    expect(await alwaysRuns(vm)).toBe(false);
    expect(await restartProtected(plane)).toEqual({ begun: 0 });
  });

  test('one that cannot be started again is told of once', async () => {
    const vm = await newVm('unlucky');
    await call('VM.set_actions_after_crash', vm, 'destroy');
    await call('VM.set_ha_restart_priority', vm, 'restart');
    await call('VM.start', vm, false, false);
    await call('VM.add_to_blocked_operations', vm, 'start', 'in repair');
    await crash(vm);
    const uuid = await call<string>('VM.get_uuid', vm);
    const tries = async (): Promise<number> =>
      (
        await plane.store.query<{ tries: number }>(
          "SELECT (value->>'tries')::int AS tries FROM setting WHERE key = $1",
          [`ha-restart/${uuid}`],
        )
      )[0]?.tries ?? 0;
    for (const nth of [1, 2, 3]) {
      await eventually(async () => expect(await tries()).toBe(nth));
      await plane.store.query(`UPDATE setting SET value = value || '{"at": 0}' WHERE key = $1`, [
        `ha-restart/${uuid}`,
      ]);
    }
    expect(await namesOf('VM', uuid, 'HA_')).toEqual(['HA_PROTECTED_VM_RESTART_FAILED']);
    await call('VM.remove_from_blocked_operations', vm, 'start');
    await plane.store.query(`UPDATE setting SET value = value || '{"at": 0}' WHERE key = $1`, [
      `ha-restart/${uuid}`,
    ]);
    await isUp(vm);
    await eventually(async () => expect(await tries()).toBe(0));
    await call('VM.hard_shutdown', vm);
  });

  test('what would break the plan is refused, unless the pool lets it be and tells of it', async () => {
    const [pool = ''] = await call<string[]>('pool.get_all');
    const plan = async (): Promise<unknown[]> => [
      await call('pool.get_ha_plan_exists_for', pool),
      await call('pool.get_ha_overcommitted', pool),
    ];
    const breaks = (method: string, ...params: unknown[]): Promise<void> =>
      expect(call(method, ...params)).rejects.toThrow(/^HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN$/);
    await call('pool.set_ha_host_failures_to_tolerate', pool, 1);
    for (const host of await call<string[]>('host.get_all')) await breaks('host.disable', host, true);
    const vm = await newVm('bound');
    const [SR] = await call<string[]>('SR.get_by_name_label', 'Local storage');
    const VDI = await call<string>('VDI.create', {
      SR,
      virtual_size: 2 ** 20,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    });
    const vbd = { VM: vm, VDI, userdevice: '1', bootable: false, mode: 'RW', type: 'Disk', empty: false };
    await call('VBD.create', { ...vbd, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} });
    await call('VM.set_ha_restart_priority', vm, 'restart');
    await breaks('VM.start', vm, false, false);
    await call('VM.set_ha_restart_priority', vm, '');
    await call('VM.start', vm, false, false);
    await breaks('VM.set_ha_restart_priority', vm, 'restart');
    expect(await plan()).toEqual([1, false]);
    await call('pool.set_ha_allow_overcommit', pool, true);
    await call('VM.set_ha_restart_priority', vm, 'restart');
    expect(await plan()).toEqual([0, true]);
    const told = await messages('Pool', await call('pool.get_uuid', pool), 'HA_POOL');
    expect(told.map((m) => m.name).sort()).toEqual([
      'HA_POOL_DROP_IN_PLAN_EXISTS_FOR',
      'HA_POOL_OVERCOMMITTED',
    ]);
    expect(told.find((m) => m.name === 'HA_POOL_DROP_IN_PLAN_EXISTS_FOR')?.body).toBe('0');
    await call('VM.hard_shutdown', vm);
    await followPlan(plane);
    expect(await plan()).toEqual([1, false]);
    await call('pool.set_ha_allow_overcommit', pool, false);
    await call('pool.set_ha_host_failures_to_tolerate', pool, 0);
  });

  test('hosts that are lost are told of, and what ran there comes back', async () => {
    const vms = [await newVm('kept'), await newVm('tried'), await newVm('left')];
    for (const [i, priority] of ['restart', 'best-effort', ''].entries()) {
      await call('VM.set_ha_restart_priority', vms[i], priority);
      await call('VM.start', vms[i], false, false);
    }
    let now = 0;
    const watching = new HostsLiveness({ ...plane, clock: { ...plane.clock, monotonic: () => now } });
    await watching.reconcile();
    now = 3_600_000;
    const { fenced } = await watching.reconcile();
    expect(fenced.length).toBeGreaterThan(0);
    for (const host of fenced)
      expect(await namesOf('Host', await call('host.get_uuid', host), 'HA_')).toEqual(['HA_HOST_FAILED']);
    await eventually(async () =>
      expect(await plane.store.query('SELECT host FROM host_run WHERE NOT alive')).toEqual([]),
    );
    await plane.store.query(
      `UPDATE setting SET value = value || '{"at": 0}' WHERE starts_with(key, 'ha-restart/')`,
    );
    await isUp(vms[0] ?? '');
    for (const vm of vms)
      await eventually(async () => expect(await call('VM.get_current_operations', vm)).toEqual({}));
    await Promise.all(vms.map((vm) => call('VM.set_ha_restart_priority', vm, '')));
  });
});
