/** Section 4 of the protocol notes: the members that each client reads, from fresh objects and from a running VM. */
import { eventually, startWorld, type World } from '../world';
import { description, post, result, sessionOf } from './raw';

type Fields = Readonly<Record<string, unknown>>;
let world: World;
let session: string;
let vm: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  session = await sessionOf(world);
  const [template = ''] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  vm = await call('VM.clone', template, 'read by clients');
  await call('VM.provision', vm);
  const [network = ''] = await call<string[]>('network.get_all');
  const vif = { device: '0', network, VM: vm, MAC: '', MTU: 1500, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} };
  if ((await call<string[]>('VM.get_VIFs', vm)).length === 0) await call('VIF.create', vif);
  await call('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_guest_metrics', vm)).not.toBe('OpaqueRef:NULL'));
});
afterAll(() => world?.stop());

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> => result<T>(world, method, session, ...params);
const all = async (cls: string): Promise<[string, Fields][]> => Object.entries(await call<Readonly<Record<string, Fields>>>(`${cls}.get_all_records`));
const [text, list, flag, whole] = [expect.any(String), expect.any(Array), expect.any(Boolean), expect.any(Number)];
const map = expect.objectContaining({});
const ref = expect.stringMatching(/^OpaqueRef:/);
const live = expect.stringMatching(/^OpaqueRef:[0-9a-f]{8}-/);
const date = expect.stringMatching(/^\d{8}T\d\d:\d\d:\d\dZ$/);
const seconds = expect.stringMatching(/^\d+\.$/);
const number = expect.stringMatching(/^\d+$/);

describe('Xen Orchestra makes an object of every record', () => {
  test.each<[string, object]>([
    [
      'pool',
      {
        other_config: map,
        master: live,
        ha_statefiles: list,
        restrictions: expect.objectContaining({ restrict_zstd_export: text, restrict_vtpm: text }),
        cpu_info: expect.objectContaining({ cpu_count: number, socket_count: number }),
        tags: list,
        migration_compression: flag,
        current_operations: map,
        name_label: text,
        default_SR: ref,
        uuid: text,
      },
    ],
    [
      'host',
      {
        metrics: live,
        software_version: expect.objectContaining({
          product_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
          product_brand: text,
          build_number: text,
          platform_version: text,
          xapi: text,
          xen: text,
          date: text,
        }),
        license_params: expect.objectContaining({ expiry: date, restrict_zstd_export: text }),
        other_config: expect.objectContaining({ boot_time: seconds, agent_start_time: seconds }),
        chipset_info: expect.objectContaining({ iommu: text }),
        capabilities: list,
        cpu_info: expect.objectContaining({ cpu_count: number, socket_count: number, modelname: text }),
        bios_strings: map,
        logging: map,
        patches: list,
        updates: list,
        PIFs: list,
        PCIs: list,
        PGPUs: list,
        PBDs: list,
        resident_VMs: list,
        address: expect.stringMatching(/./),
        hostname: expect.stringMatching(/./),
        tags: list,
        enabled: true,
      },
    ],
    ['host_metrics', { live: true, memory_free: whole, memory_total: whole }],
    [
      'VM',
      {
        other_config: map,
        platform: map,
        HVM_boot_params: map,
        recommendations: text,
        VBDs: list,
        current_operations: map,
        blocked_operations: map,
        metrics: ref,
        guest_metrics: ref,
        snapshots: list,
        resident_on: ref,
        tags: list,
        VCPUs_params: map,
        xenstore_data: map,
        domain_type: text,
        ha_restart_priority: text,
        start_delay: whole,
        bios_strings: map,
        snapshot_of: 'OpaqueRef:NULL',
        is_default_template: flag,
        affinity: ref,
        is_control_domain: flag,
        power_state: text,
        children: list,
        parent: ref,
      },
    ],
    ['VM_metrics', { start_time: date, install_time: date, VCPUs_number: whole, memory_actual: whole }],
    [
      'SR',
      {
        PBDs: list,
        other_config: map,
        sm_config: map,
        type: text,
        physical_size: whole,
        physical_utilisation: whole,
        virtual_allocation: whole,
        VDIs: list,
        tags: list,
        shared: flag,
        content_type: text,
      },
    ],
    [
      'VDI',
      {
        sm_config: map,
        SR: live,
        VBDs: list,
        snapshots: list,
        tags: list,
        managed: flag,
        is_a_snapshot: flag,
        snapshot_of: ref,
        cbt_enabled: flag,
        missing: flag,
        virtual_size: whole,
        physical_utilisation: whole,
      },
    ],
    ['VBD', { type: expect.stringMatching(/^(Disk|CD)$/), userdevice: number, VDI: ref, VM: live, device: text, bootable: flag, currently_attached: flag }],
    ['VIF', { other_config: map, qos_algorithm_params: map, ipv4_allowed: list, ipv6_allowed: list, locking_mode: text, MAC: text, MTU: whole }],
    [
      'PIF',
      {
        bond_master_of: list,
        bond_slave_of: ref,
        metrics: live,
        VLAN: whole,
        host: live,
        network: live,
        disallow_unplug: flag,
        ip_configuration_mode: text,
        IP: text,
      },
    ],
    ['PIF_metrics', { device_name: text, carrier: flag, speed: whole }],
    ['network', { purpose: list, default_locking_mode: text, PIFs: list, VIFs: list, bridge: text, MTU: whole }],
    ['SM', { type: text, features: map, vendor: text, configuration: map }],
    ['PBD', { device_config: map, SR: live, host: live, currently_attached: flag }],
  ])('%s', async (cls, shape) => {
    const records = await all(cls);
    expect(records.length).toBeGreaterThan(0);
    for (const [, record] of records) expect(record).toMatchObject(shape);
  });

  test('the master is a host of the cache, and every VM has cores-per-socket, so none is asked to change', async () => {
    const [[, pool]] = (await all('pool')) as [[string, Fields]];
    expect((await all('host')).map(([one]) => one)).toContain(pool['master']);
    const plain = (await all('VM')).filter(([, record]) => record['is_control_domain'] === false);
    for (const [, { platform, name_label }] of plain)
      expect([name_label, platform]).toEqual([name_label, expect.objectContaining({ 'cores-per-socket': number })]);
  });

  test('recommendations and the disks of a template are XML or nothing', async () => {
    for (const [, record] of await all('VM')) {
      expect(record['recommendations']).toMatch(/^$|^<restrictions>.*<\/restrictions>$/s);
      const { disks = '' } = record['other_config'] as { disks?: string };
      expect(disks).toMatch(/^$|^<provision>(<disk [^>]*\/>)*<\/provision>$/);
    }
  });

  test('a running VM has what its page shows', async () => {
    const record = await call<Fields>('VM.get_record', vm);
    expect(record).toMatchObject({
      power_state: 'Running',
      resident_on: live,
      metrics: live,
      guest_metrics: live,
      domid: whole,
    });
    const metrics = await call<Fields>('VM_metrics.get_record', record['metrics']);
    expect(metrics).toMatchObject({ VCPUs_number: Number(record['VCPUs_at_startup']), start_time: expect.stringMatching(/^20/) });
    expect(Number(metrics['memory_actual'])).toBeGreaterThan(0);
    await eventually(async () =>
      expect(await call('VM_guest_metrics.get_record', record['guest_metrics'])).toMatchObject({
        PV_drivers_version: expect.objectContaining({ major: text, minor: text }),
        os_version: expect.objectContaining({ name: text }),
        networks: expect.objectContaining({ '0/ip': expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/) }),
        other: map,
        memory: map,
      }),
    );
  });

  test('no uuid is shared by two objects of any class', async () => {
    const seen = new Map<string, string>();
    for (const cls of [
      'pool',
      'host',
      'host_metrics',
      'VM',
      'VM_metrics',
      'VM_guest_metrics',
      'VBD',
      'VDI',
      'VIF',
      'SR',
      'PBD',
      'PIF',
      'PIF_metrics',
      'network',
      'SM',
      'console',
      'PCI',
      'PGPU',
      'GPU_group',
      'host_cpu',
      'role',
      'task',
    ])
      for (const [one, { uuid }] of await all(cls)) {
        expect([cls, one, uuid, seen.get(String(uuid))]).toEqual([cls, one, expect.stringMatching(/^[0-9a-f-]{36}$/), undefined]);
        seen.set(String(uuid), one);
      }
  });

  test.each(['VM', 'host', 'VDI', 'SR', 'network', 'PIF', 'VBD'])(
    'all records of %s have the same members, as its cache is made from the first',
    async (cls) => {
      const keys = new Set((await all(cls)).map(([, record]) => Object.keys(record).join(' ')));
      expect(keys.size).toBe(1);
    },
  );
});

describe('the SDKs of C#, PowerShell and Java', () => {
  test('the login of C# in 1.0', async () => {
    const own = await result<string>(world, 'session.login_with_password', 'root', world.password, '2.21', 'C#');
    const pools = Object.values(await result<Record<string, { master: string }>>(world, 'pool.get_all_records', own));
    expect(await result(world, 'host.get_record', own, pools[0]?.master)).toMatchObject({ API_version_major: 2, API_version_minor: whole });
    expect(await result(world, 'session.get_is_local_superuser', own, own)).toBe(true);
    expect(await result(world, 'session.get_rbac_permissions', own, own)).toEqual(list);
  });
  test.each(['application/json; charset=UTF-8', 'application/json-rpc'])('Java sends %s', async (type) => {
    const { body } = await post(world, '/jsonrpc', JSON.stringify({ jsonrpc: '2.0', id: '1', method: 'host.get_all_records', params: [session] }), [
      `Content-Type: ${type}`,
    ]);
    expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: '1', result: map });
    expect(body).not.toMatch(/NaN|Infinity/);
  });
  test('CloudStack asks for plugins that are its own, and learns that they are not here', async () => {
    const [host = ''] = await call<string[]>('host.get_all');
    expect(await description(world, 'host.call_plugin', session, host, 'vmops', 'ping', {})).toEqual(['XENAPI_MISSING_PLUGIN', 'vmops']);
  });
});
