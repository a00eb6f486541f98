/** Repositories of every driver: what was given is what is read, what drivers can do is what XCP-ng's can, and where the state of HA may lie. */
import { storage } from '@xenplane/domain';
import { login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let hosts: string[];
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  hosts = await call<string[]>('host.get_all');
});
afterAll(() => world?.stop());

type Config = Record<string, string>;
const refused = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    (value) => `answered ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );
const [target] = storage.targetsOf('10.0.0.7', 3260);
const [unit] = storage.unitsOf(target?.iqn ?? '');
const volumes = { allocation: 'thick', use_vhd: 'true' };
/** For each driver: its description, whether it is shared, and the keys that it adds. */
const kinds: readonly (readonly [string, Config, boolean, Config])[] = [
  ['ext', { device: '/dev/sdb' }, false, {}],
  ['lvm', { device: '/dev/sdc' }, false, volumes],
  ['file', { location: '/srv/given' }, false, {}],
  ['nfs', { server: 'filer', serverpath: '/export/given', nfsversion: '4', options: '' }, true, {}],
  ['smb', { server: '\\\\filer\\given' }, true, {}],
  [
    'lvmoiscsi',
    { target: '10.0.0.7', targetIQN: target?.iqn ?? '', SCSIid: unit?.scsiId ?? '', port: '3260' },
    true,
    { ...volumes, multipathable: 'true' },
  ],
  ['lvmohba', { SCSIid: storage.fabricUnits[0]?.scsiId ?? '' }, true, { ...volumes, multipathable: 'true' }],
  ['iso', { location: 'filer:/given', options: '-o ro', type: 'nfs_iso' }, true, {}],
  ['udev', { location: '/dev/xapi/given' }, false, {}],
  ['dummy', { anything: '' }, true, {}],
  ['image', { location: 'http://images.example.org' }, true, {}],
];

test('every driver is here', async () => {
  expect(kinds.map(([type]) => type).toSorted()).toEqual(
    (await call<string[]>('SR.get_supported_types')).toSorted(),
  );
});

test.each(kinds)('%s: every field reads as it was given', async (type, device_config, shared, noted) => {
  for (const [content_type, sm_config] of [
    ['', {}],
    ['custom', { key: 'value', allocation: 'thin', empty: '' }],
  ] as const) {
    const sr = await call<string>(
      'SR.create',
      hosts[0],
      device_config,
      0,
      `a ${type}`,
      'said',
      type.toUpperCase(),
      content_type,
      shared,
      sm_config,
    );
    const record = await call<{ PBDs: string[] }>('SR.get_record', sr);
    expect(record).toMatchObject({
      name_label: `a ${type}`,
      name_description: 'said',
      type,
      content_type,
      shared,
      other_config: {},
      tags: [],
    });
    expect(await call('SR.get_sm_config', sr)).toEqual({ ...noted, ...sm_config });
    for (const pbd of record.PBDs) expect(await call('PBD.get_device_config', pbd)).toEqual(device_config);
    for (const pbd of record.PBDs) await call('PBD.unplug', pbd);
    await call('SR.forget', sr);
  }
  const uuid = crypto.randomUUID();
  const introduced = await call<string>('SR.introduce', uuid, 'brought', '', type, '', shared, {
    some: 'key',
  });
  expect(await call('SR.get_record', introduced)).toMatchObject({
    uuid,
    type,
    content_type: '',
    shared,
    sm_config: { some: 'key' },
  });
  await call('SR.forget', introduced);
});

const common = ['VDI_CREATE', 'VDI_DELETE', 'VDI_ATTACH', 'VDI_DETACH'];
const copying = [
  ...common,
  'VDI_ACTIVATE',
  'VDI_DEACTIVATE',
  'SR_PROBE',
  'SR_UPDATE',
  'VDI_CLONE',
  'VDI_SNAPSHOT',
  'VDI_RESIZE',
  'VDI_MIRROR',
  'VDI_CONFIG_CBT',
];
const mounted = [
  ...copying,
  'VDI_GENERATE_CONFIG',
  'THIN_PROVISIONING',
  'VDI_UPDATE',
  'VDI_RESET_ON_BOOT',
  'VDI_READ_CACHING',
];
const logical = [...copying, 'VDI_UPDATE', 'VDI_RESET_ON_BOOT', 'SR_TRIM'];
test.each<[string, readonly string[]]>([
  ['ext', [...mounted, 'SR_SUPPORTS_LOCAL_CACHING']],
  ['file', [...copying, 'VDI_GENERATE_CONFIG', 'THIN_PROVISIONING']],
  ['nfs', [...mounted, 'SR_CACHING']],
  ['smb', [...mounted, 'SR_CACHING']],
  ['lvm', logical],
  ['lvmoiscsi', [...logical, 'VDI_GENERATE_CONFIG', 'SR_METADATA']],
  ['lvmohba', [...logical, 'VDI_GENERATE_CONFIG', 'SR_METADATA']],
  ['iso', [...common, 'SR_SCAN', 'SR_ATTACH', 'SR_DETACH']],
  ['udev', ['VDI_INTRODUCE', 'VDI_ATTACH', 'VDI_DETACH', 'VDI_UPDATE', 'SR_UPDATE']],
])('the features of %s are those of its driver in XCP-ng 8.3', async (wanted, features) => {
  const drivers = Object.values(
    await call<Record<string, { type: string; capabilities: string[]; features: Record<string, number> }>>(
      'SM.get_all_records',
    ),
  );
  const driver = drivers.find(({ type }) => type === wanted);
  expect(driver?.features).toEqual(
    Object.fromEntries(features.map((name) => [name, name === 'VDI_RESET_ON_BOOT' ? 2 : 1])),
  );
  expect(driver?.capabilities.toSorted()).toEqual(features.toSorted());
});

test('calls that xapi 26.1 has no more say so, and no disk lists their operations', async () => {
  const sr = await call<string>(
    'SR.create',
    hosts[0],
    { server: 'filer', serverpath: '/export/gone' },
    0,
    'gone',
    '',
    'nfs',
    '',
    true,
    {},
  );
  const vdi = await call<string>('VDI.create', {
    SR: sr,
    virtual_size: 2 ** 20,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  });
  expect(await refused(call('VDI.resize_online', vdi, 2 ** 21))).toBe('MESSAGE_REMOVED');
  expect(await call('VDI.get_allowed_operations', vdi)).not.toContain('resize_online');
  expect(await refused(call('SR.make', hosts[0], {}, 0, 'made', '', 'nfs', '', {}))).toBe(
    'MESSAGE_DEPRECATED',
  );
});

test('the state of HA lies only where every host reaches it, the driver attaches disks by themselves and there is room', async () => {
  const made = new Map<string, string>();
  for (const [type, config, shared] of kinds)
    made.set(
      type,
      await call<string>(
        'SR.create',
        hosts[0],
        { ...config, ...(type === 'file' ? { location: '/srv/ha' } : {}) },
        0,
        `ha ${type}`,
        '',
        type,
        '',
        shared,
        {},
      ),
    );
  const [images] = await call<string[]>('SR.get_by_name_label', 'Template images');
  const answer = async (sr: string): Promise<string[]> => [
    await refused(call('SR.assert_can_host_ha_statefile', sr)),
    await refused(call('pool.enable_ha', [sr], {})),
  ];
  for (const [type, , shared] of kinds) {
    const sr = made.get(type) ?? '';
    const able = ['nfs', 'smb', 'lvmoiscsi', 'lvmohba'].includes(type);
    const wanted = shared ? (able ? undefined : `SR_OPERATION_NOT_SUPPORTED ${sr}`) : `SR_HAS_NO_PBDS ${sr}`;
    if (wanted !== undefined) expect([type, ...(await answer(sr))]).toEqual([type, wanted, wanted]);
    if (able) await call('SR.assert_can_host_ha_statefile', sr);
  }
  expect(await answer(images ?? '')).toEqual([
    `SR_OPERATION_NOT_SUPPORTED ${images}`,
    `SR_OPERATION_NOT_SUPPORTED ${images}`,
  ]);
  expect(await refused(call('pool.enable_redo_log', images))).toBe(
    'CANNOT_ENABLE_REDO_LOG failed to make VDI static.',
  );
  const nfs = made.get('nfs') ?? '';
  const size = await call<number>('SR.get_physical_size', nfs);
  await call('SR.set_physical_size', nfs, 2 ** 20);
  expect(await answer(nfs)).toEqual([
    `SR_SOURCE_SPACE_INSUFFICIENT ${nfs}`,
    `SR_SOURCE_SPACE_INSUFFICIENT ${nfs}`,
  ]);
  await call('SR.set_physical_size', nfs, size);
  await call('pool.enable_ha', [], {});
  const [pool] = await call<string[]>('pool.get_all');
  const [file] = await call<string[]>('pool.get_ha_statefiles', pool);
  const type = await call<string>('SR.get_type', await call('VDI.get_SR', file));
  expect(['nfs', 'smb', 'lvmoiscsi', 'lvmohba']).toContain(type);
  await call('pool.disable_ha');
});
