/** Hosts as Xen Orchestra looks after them: asked by plugins, measured, put in maintenance, restarted one after another while their VMs go elsewhere. */
import { eventually, startWorld, type World } from '../world';
import { GiB, MiB, none, Orchestra, type Failure, type Seen, type Texts } from './orchestra';

let world: World;
let xo: Orchestra;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  xo = await Orchestra.register(world.url);
});
afterAll(async () => {
  await xo?.xapi.disconnect();
  await world?.stop();
});

const nfs = (): string => xo.find('SR', ({ type }) => type === 'nfs').$ref;
const master = (): string => xo.pool.master;
const otherHost = (): string => xo.find('host', ({ $ref }) => $ref !== master()).$ref;
async function newVm(name: string): Promise<string> {
  const vm = await xo.task('VM.clone', xo.template('Debian Bookworm 12').$ref, name);
  await xo.call('VM.remove_from_other_config', vm, 'disks');
  await xo.task('VM.provision', vm);
  await xo.createVbd({ VM: vm, VDI: await xo.createVdi(nfs(), 8 * MiB) });
  return vm;
}
/** Runs on the host and has its drivers, without which no VM moves. */
async function running(name: string, host: string, disk?: string): Promise<string> {
  const vm = await newVm(name);
  if (disk !== undefined) await xo.createVbd({ VM: vm, VDI: disk });
  await xo.task('VM.start_on', vm, host, false, false);
  await xo.sees(
    vm,
    ({ resident_on, allowed_operations }) =>
      resident_on === host && (allowed_operations as string[]).includes('pool_migrate'),
  );
  return vm;
}
const startedAt = async (host: string): Promise<number> =>
  Number((await xo.field<Texts>('host', host, 'other_config'))['agent_start_time']);
/** The agent is newer, the host is enabled and its figures are live. */
async function isBack(host: string, since: number): Promise<void> {
  await xo.sees(
    host,
    ({ enabled, other_config }) => enabled && Number(other_config['agent_start_time']) > since,
  );
  await xo.sees(xo.one(host).metrics, ({ live }) => live);
}
/** Without VMs, out of use: the network for their way and how many go at once are said, as far as the pool takes it. */
async function clear(host: string): Promise<void> {
  await xo.call('host.disable', host);
  try {
    await xo.task('host.evacuate', host, none, 3);
  } catch (error) {
    await xo.call('host.enable', host);
    throw error;
  }
}
const plugin = (host: string, name: string, fn: string, args: Texts = {}): Promise<string> =>
  xo.call('host.call_plugin', host, name, fn, args);

describe('what a host tells', () => {
  test('updates there are none; disks are healthy; some things it has not', async () => {
    for (const { $ref, cpu_info, bios_strings } of xo.all('host')) {
      expect(JSON.parse(await plugin($ref, 'updater.py', 'check_update'))).toEqual([]);
      const health = JSON.parse(await plugin($ref, 'smartctl.py', 'health')) as Texts;
      const information = JSON.parse(await plugin($ref, 'smartctl.py', 'information')) as object;
      expect(Object.keys(information)).toEqual(Object.keys(health));
      expect(new Set(Object.values(health))).toEqual(new Set(['PASSED']));
      expect(JSON.parse(await plugin($ref, 'raid.py', 'check_raid_pool'))).toEqual({});
      expect(Number((cpu_info as Texts)['threads_per_core']) > 1).toBe(
        (await plugin($ref, 'hyperthreading.py', 'get_hyperthreading')) === 'true',
      );
      expect(await plugin($ref, 'ipmitool.py', 'is_ipmi_device_available')).toBe('false');
      expect(await plugin($ref, 'netdata.py', 'is_netdata_installed')).toBe('false');
      expect(await xo.call('host.get_bios_strings', $ref)).toEqual(bios_strings);
      expect(await xo.field('host', $ref, 'sched_gran')).toBe('cpu');
    }
  });

  test.each([
    ['linstor-manager', 'healthCheck', 'XENAPI_MISSING_PLUGIN'],
    ['xscontainer', 'register', 'XENAPI_MISSING_PLUGIN'],
    ['smartctl.py', 'selftest', 'UNKNOWN_XENAPI_PLUGIN_FUNCTION'],
    ['zfs.py', 'create', 'UNKNOWN_XENAPI_PLUGIN_FUNCTION'],
  ])('%s %s is not there: %s', async (name, fn, code) => {
    expect(await xo.refused('host.call_plugin', master(), name, fn, {})).toMatchObject({ code });
  });

  test('leaves of disks are folded without being asked', async () => {
    const vm = await newVm('folded');
    expect(
      await xo.task('host.call_plugin', master(), 'coalesce-leaf', 'leaf-coalesce', {
        vm_uuid: await xo.field('VM', vm, 'uuid'),
      }),
    ).toBe('VM has no leaf-coalesceable VDIs');
    await xo.destroyVm(vm);
  });

  test('its time is ours', async () => {
    const found =
      /^(\d{4})(\d\d)(\d\d)T(\d\d):(\d\d):(\d\d)Z$/
        .exec(await xo.call('host.get_servertime', master()))
        ?.slice(1) ?? [];
    const [year, month, day, hour, minute, second] = found.map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    expect(Math.abs(Date.UTC(year, month - 1, day, hour, minute, second) - Date.now())).toBeLessThan(30_000);
  });

  test('its figures and those of its VMs, in rows from the newest back', async () => {
    const vm = await running('measured', master());
    const { uuid } = xo.one(vm);
    const stats = async (interval: number, points: number) => {
      const start = Math.floor(Date.now() / 1000) - interval * points + interval;
      const query = { cf: 'AVERAGE', host: 'true', interval, json: 'true', start };
      const { body } = await xo.xapi.getResource('/rrd_updates', { query });
      const text = Buffer.from(await body.arrayBuffer()).toString();
      return JSON.parse(text.replaceAll('NaN', 'null')) as {
        meta: { step: number; legend: string[]; end: number };
        data: { t: number; values: unknown[] }[];
      };
    };
    await eventually(async () => {
      const { meta, data } = await stats(5, 120);
      expect(Number(meta.step)).toBe(5);
      const legends = meta.legend.map(
        (legend) => /^AVERAGE:([^:]+):(.+):(.+)$/.exec(legend)?.slice(1) ?? [legend],
      );
      expect(legends.every((parts) => parts.length === 3)).toBe(true);
      const of = (type: string, id: string): string[] =>
        legends.filter(([kind, one]) => kind === type && one === id).map(([, , metric]) => String(metric));
      const short = xo.one(nfs()).uuid.slice(0, 8);
      expect(of('host', xo.one(master()).uuid)).toEqual(
        expect.arrayContaining([
          'loadavg',
          'memory_free_kib',
          'memory_total_kib',
          'cpu0',
          'pif_eth0_rx',
          'pif_eth0_tx',
          `iops_read_${short}`,
        ]),
      );
      expect(of('vm', uuid)).toEqual(
        expect.arrayContaining(['memory', 'cpu0', 'vbd_xvda_read', 'vbd_xvda_write', 'vbd_xvda_iops_read']),
      );
      expect(data.map(({ t }) => t)).toEqual(data.map(({ t }) => t).toSorted((a, b) => b - a));
      for (const { values } of data) expect(values).toHaveLength(meta.legend.length);
    });
    for (const [interval, points] of [
      [60, 120],
      [3600, 168],
      [86_400, 366],
    ] as const)
      expect(Number((await stats(interval, points)).meta.step)).toBe(interval);
    await xo.destroyVm(vm);
  });
});

describe('its settings', () => {
  test('name, initiator, where its log goes, whether several paths are used', async () => {
    const host = otherHost();
    await Promise.all([
      xo.call('host.set_name_label', host, 'renamed'),
      xo.call('host.set_iscsi_iqn', host, 'iqn.2026-11.org.example:one'),
    ]);
    await xo.call('host.set_logging', host, { syslog_destination: '192.0.2.5' });
    await xo.call('host.syslog_reconfigure', host);
    expect(await xo.barrier(host)).toMatchObject({
      name_label: 'renamed',
      iscsi_iqn: 'iqn.2026-11.org.example:one',
      logging: { syslog_destination: '192.0.2.5' },
    });
    await xo.call('host.set_logging', host, {});
    await xo.call('host.syslog_reconfigure', host);
    // Paths are changed while nothing is connected.
    await xo.call('host.disable', host);
    const plugged = (await xo.barrier(host)).PBDs.filter((pbd) => xo.one(pbd).currently_attached);
    for (const pbd of plugged) await xo.task('PBD.unplug', pbd);
    await xo.update(xo.one(host), 'other_config', { multipathing: 'true', multipathhandle: 'dmp' });
    expect((await xo.barrier(host)).other_config).toMatchObject({
      multipathing: 'true',
      multipathhandle: 'dmp',
    });
    await xo.update(xo.one(host), 'other_config', { multipathing: 'false' });
    for (const pbd of plugged) await xo.task('PBD.plug', pbd);
    await xo.call('host.enable', host);
    expect((await xo.barrier(host)).enabled).toBe(true);
  });

  test('devices: PCI kept from Dom0 and given back, USB found and passed on', async () => {
    const [pci] = xo.one(otherHost())['PCIs'] as string[];
    expect(await xo.call('PCI.get_dom0_access_status', pci)).toBe('enabled');
    await xo.call('PCI.disable_dom0_access', pci);
    expect(await xo.call('PCI.get_dom0_access_status', pci)).toBe('disable_on_reboot');
    await xo.call('PCI.enable_dom0_access', pci);
    expect(await xo.call('PCI.get_dom0_access_status', pci)).toBe('enabled');
    const pusb = xo.find('PUSB', () => true);
    await xo.call('PUSB.scan', pusb.host);
    await xo.call('PUSB.set_passthrough_enabled', pusb.$ref, true);
    expect((await xo.barrier(pusb.$ref))['passthrough_enabled']).toBe(true);
    await xo.call('PUSB.set_passthrough_enabled', pusb.$ref, false);
  });

  test('the memory of its control domain is set while it is out of use', async () => {
    const host = xo.one(otherHost());
    const domain = xo.one(String(host['control_domain']));
    await xo.call('host.disable', host.$ref);
    await xo.call('VM.set_memory_limits', domain.$ref, domain.memory_static_min, 4 * GiB, 4 * GiB, 4 * GiB);
    expect(await xo.barrier(domain.$ref)).toMatchObject({ memory_static_max: 4 * GiB });
    await xo.call('host.enable', host.$ref);
  });
});

describe('out of use', () => {
  test('its VMs go to the other; one that cannot is the reason why not, and the host is in use again', async () => {
    const host = otherHost();
    const vm = await running('moving', host);
    await clear(host);
    expect(await xo.sees(vm, ({ resident_on }) => resident_on === master())).toMatchObject({
      power_state: 'Running',
    });
    expect((await xo.barrier(host)).enabled).toBe(false);
    await xo.call('host.enable', host);
    const local = xo.find(
      'SR',
      ({ type, PBDs }) => type === 'ext' && PBDs.some((pbd) => xo.one(pbd).host === host),
    ).$ref;
    const bound = await running('bound', host, await xo.createVdi(local, 8 * MiB));
    const blocked = await xo.call<Record<string, string[]>>('host.get_vms_which_prevent_evacuation', host);
    expect(Object.keys(blocked)).toEqual([bound]);
    expect(blocked[bound]?.[0]).toBe('VM_REQUIRES_SR');
    expect((await xo.refused('host.assert_can_evacuate', host)).code).toBe('CANNOT_EVACUATE_HOST');
    await expect(clear(host)).rejects.toMatchObject({ code: 'VM_REQUIRES_SR', params: [bound, local] });
    expect((await xo.barrier(host)).enabled).toBe(true);
    for (const one of [vm, bound]) await xo.destroyVm(one);
  });

  test('its agent is restarted, and is newer', async () => {
    const since = await startedAt(master());
    await xo.call('host.restart_agent', master());
    await isBack(master(), since);
  });

  test('it is restarted with its VMs suspended, those of the control domain left alone, and resumed', async () => {
    const host = otherHost();
    const vm = await running('asleep', host);
    const since = await startedAt(host);
    await xo.task('host.disable', host);
    await xo.allows(vm, 'suspend');
    const suspended: string[] = [];
    for (const one of await xo.field<string[]>('host', host, 'resident_VMs')) {
      const failed = await xo.task('VM.suspend', one).then(
        () => undefined,
        ({ code }: Failure) => code,
      );
      if (failed === undefined) suspended.push(one);
      else expect([one, failed]).toEqual([xo.one(host)['control_domain'], 'OPERATION_NOT_ALLOWED']);
    }
    expect(suspended).toEqual([vm]);
    await xo.task('host.reboot', host);
    await isBack(host, since);
    await xo.task('VM.resume', vm, false, false);
    await xo.sees(vm, ({ power_state }) => power_state === 'Running');
    await xo.destroyVm(vm);
  });
});

describe('the whole pool', () => {
  test('restarted host by host: VMs leave before and come back after; what could stand in the way is put aside', async () => {
    const vms = new Map([
      [await running('first', master()), master()],
      [await running('second', otherHost()), otherHost()],
    ]);
    await xo.update(xo.pool, 'other_config', { auto_poweron: 'false' });
    const hosts = [master(), otherHost()];
    for (const host of hosts)
      expect(await xo.call('host.get_vms_which_prevent_evacuation', host)).toEqual({});
    for (const host of hosts) {
      await xo.barrier(xo.one(host).metrics);
      await xo.sees(xo.one(host).metrics, ({ live }) => live);
      await xo.call('host.assert_can_evacuate', host);
      await clear(host);
      expect(await plugin(host, 'updater.py', 'update')).toMatch(/^\{/);
      const since = await startedAt(host);
      await xo.update(xo.one(host), 'other_config', { rpm_patch_installation_time: String(since) });
      await xo.task('host.reboot', host);
      await isBack(host, since);
      const { other_config } = xo.one(host);
      expect(Number(other_config['boot_time'])).toBeGreaterThanOrEqual(
        Number(other_config['rpm_patch_installation_time']),
      );
    }
    for (const [vm, host] of vms) {
      await xo.allows(vm, 'pool_migrate');
      if (!(await xo.field<string[]>('host', host, 'resident_VMs')).includes(vm))
        await xo.task('VM.pool_migrate', vm, host, { force: 'false' });
      expect(await xo.sees(vm, ({ resident_on }) => resident_on === host)).toMatchObject({
        power_state: 'Running',
      });
      await xo.destroyVm(vm);
    }
    await xo.update(xo.pool, 'other_config', { auto_poweron: null });
  });

  test('kept available: on with a repository for the heartbeat, off again; off twice is said', async () => {
    const vm = await running('protected', master());
    await xo.call('pool.enable_ha', [nfs()], {});
    expect(await xo.sees(xo.pool.$ref, (pool) => pool['ha_enabled'] === true)).toMatchObject({
      ha_statefiles: [expect.stringMatching(/^OpaqueRef:/)],
    });
    const [statefile = ''] = xo.pool['ha_statefiles'] as string[];
    expect((await xo.sees(statefile)).SR).toBe(nfs());
    await xo.call('VM.set_ha_restart_priority', vm, 'restart');
    expect(await xo.barrier(vm)).toMatchObject({ ha_restart_priority: 'restart' });
    await xo.call('VM.set_ha_restart_priority', vm, '');
    await xo.call('pool.disable_ha');
    await xo.sees(xo.pool.$ref, (pool) => pool['ha_enabled'] === false);
    expect((await xo.refused('pool.disable_ha')).code).toBe('HA_NOT_ENABLED');
    await xo.destroyVm(vm);
  });

  test('another host coordinates it', async () => {
    const next = otherHost();
    await xo.call('pool.designate_new_master', next);
    await xo.sees(xo.pool.$ref, (pool: Seen) => pool.master === next);
    expect(xo.one(next)).toMatchObject({ enabled: true });
  });

  test('a host is shut down with its VMs suspended, and is off; it has no way to be powered on', async () => {
    const host = otherHost();
    const vm = await running('suspended', host);
    await xo.call('host.disable', host);
    await xo.allows(vm, 'suspend');
    await xo.task('VM.suspend', vm);
    await xo.task('host.shutdown', host);
    await xo.sees(xo.one(host).metrics, ({ live }) => !live);
    expect((await xo.refused('host.power_on', host)).code).toBe('HOST_POWER_ON_MODE_DISABLED');
    await xo.call('VM.hard_shutdown', vm);
    await xo.destroyVm(vm);
  });
});
