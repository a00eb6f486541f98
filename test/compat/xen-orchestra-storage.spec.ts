/** Repositories as Xen Orchestra finds, makes, connects, keeps and gives up: what probing fails with is what it shows to choose from. */
import { eventually, startWorld, type World } from '../world';
import { GiB, MiB, none, Orchestra, type Failure, type Fields, type Seen } from './orchestra';

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

const master = (): string => xo.pool.master;
const texts = (xml: string, tag: string): string[] =>
  [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map((found) => (found[1] ?? '').trim());
/** A probe that is to fail with the list of what could be said next; the third parameter has it. */
async function choices(type: string, device_config: Fields, code: string): Promise<string> {
  const refused = await xo.refused('SR.probe', master(), device_config, type, {});
  expect(refused).toEqual({ code, params: ['', expect.any(String), expect.stringMatching(/^<\?xml/)] });
  return refused.params[2] ?? '';
}
const existing = async (type: string, device_config: Fields): Promise<string[]> =>
  texts(await xo.call('SR.probe', master(), device_config, type, {}), 'UUID');

interface Wanted {
  readonly type: string;
  readonly device_config: Fields;
  readonly shared?: boolean;
  readonly content_type?: string;
}
async function createSr({
  type,
  device_config,
  shared = true,
  content_type = 'user',
}: Wanted): Promise<Seen> {
  const ref = await xo.call(
    'SR.create',
    master(),
    device_config,
    0,
    `a ${type}`,
    'made',
    type,
    content_type,
    shared,
    {},
  );
  await xo.xapi.setFieldEntry('SR', ref, 'other_config', 'auto-scan', 'true');
  return xo.barrier(ref);
}
const pbds = (sr: Seen): Seen[] => sr.PBDs.map((pbd) => xo.one(pbd));
async function disconnect(sr: Seen): Promise<void> {
  for (const { $ref } of pbds(sr)) await xo.task('PBD.unplug', $ref);
}
async function destroySr(sr: Seen): Promise<void> {
  await disconnect(sr);
  await xo.call('SR.destroy', sr.$ref);
  await gone(sr.$ref);
}
const gone = (ref: string): Promise<void> =>
  eventually(async () => expect(xo.xapi.getObject(ref, undefined)).toBeUndefined());

describe('NFS', () => {
  const server = 'files.example.org';
  test('its exports are listed, one is taken, found again where it is, given up and taken back', async () => {
    const xml = await choices('nfs', { server }, 'SR_BACKEND_FAILURE_101');
    const [serverpath = ''] = texts(xml, 'Path');
    expect(texts(xml, 'Accesslist')).toHaveLength(texts(xml, 'Path').length);
    expect(await existing('nfs', { server, serverpath })).toEqual([]);
    const device_config = { server, serverpath, nfsversion: '4', options: 'soft' };
    const sr = await createSr({ type: 'nfs', device_config });
    expect(sr).toMatchObject({
      type: 'nfs',
      shared: true,
      content_type: 'user',
      other_config: { 'auto-scan': 'true' },
      physical_size: expect.any(Number),
    });
    expect(pbds(sr)).toHaveLength(2);
    for (const pbd of pbds(sr)) expect(pbd).toMatchObject({ currently_attached: true, device_config });
    expect(await existing('nfs', { server, serverpath })).toEqual([sr.uuid]);
    const vdi = await xo.createVdi(sr.$ref, 8 * MiB, { name_label: 'kept' });
    const { uuid } = await xo.sees(vdi);

    await disconnect(sr);
    await xo.call('SR.forget', sr.$ref);
    for (const ref of [sr.$ref, vdi, ...sr.PBDs]) await gone(ref);
    const back = await xo.call('SR.introduce', sr.uuid, 'back', '', 'nfs', 'user', true, {});
    for (const host of xo.all('host'))
      await xo.call('PBD.plug', await xo.call('PBD.create', { host: host.$ref, SR: back, device_config }));
    expect(((await xo.xapi.getRecord('SR', back)) as Seen).uuid).toBe(sr.uuid);
    await xo.task('SR.scan', back);
    const kept = await eventually(() => xo.call('VDI.get_by_uuid', uuid));
    await xo.task('VDI.destroy', kept);
    await destroySr(await xo.barrier(back));
    expect(await existing('nfs', { server, serverpath })).toEqual([]);
  });

  test('what is not there is told of', async () => {
    const refused = (device_config: Fields): Promise<Failure> =>
      xo.refused('SR.create', master(), device_config, 0, 'no', '', 'nfs', 'user', true, {});
    expect((await refused({ server, serverpath: '/missing' })).code).toBe('SR_BACKEND_FAILURE_73');
    expect((await refused({ server: 'nowhere.invalid', serverpath: '/a' })).code).toBe(
      'SR_BACKEND_FAILURE_140',
    );
    expect(xo.all('SR').filter(({ name_label }) => name_label === 'no')).toEqual([]);
  });
});

describe('iSCSI', () => {
  const target = '10.20.30.40';
  test('targets, then units, then what lies there; a port and names for CHAP go along', async () => {
    const chap = { chapuser: 'me', chappassword: 'secret', port: '3260' };
    const names = await choices('lvmoiscsi', { target, ...chap }, 'SR_BACKEND_FAILURE_96');
    expect(new Set(texts(names, 'IPAddress'))).toEqual(new Set([target]));
    const [targetIQN = ''] = texts(names, 'TargetIQN');
    const units = await choices('lvmoiscsi', { target, targetIQN, ...chap }, 'SR_BACKEND_FAILURE_107');
    for (const tag of ['LUNid', 'vendor', 'serial', 'size', 'SCSIid'])
      expect(texts(units, tag).length).toBeGreaterThan(0);
    expect(Number(texts(units, 'size')[0])).toBeGreaterThan(GiB);
    const [SCSIid = ''] = texts(units, 'SCSIid');
    const device_config = { target, targetIQN, SCSIid, ...chap };
    expect(await existing('lvmoiscsi', device_config)).toEqual([]);
    const sr = await createSr({ type: 'lvmoiscsi', device_config });
    expect(sr).toMatchObject({ type: 'lvmoiscsi', shared: true });
    expect(await existing('lvmoiscsi', device_config)).toEqual([sr.uuid]);
    // Space that its volumes no longer need is given back; a repository of files has none to give.
    const trimmed = (uuid: string): Promise<string> =>
      xo.call('host.call_plugin', master(), 'trim', 'do_trim', { sr_uuid: uuid });
    expect(await trimmed(sr.uuid)).toBe('True');
    expect((await xo.barrier(sr.$ref)).other_config['trim_last_triggered']).toMatch(/^\d+/);
    const { uuid } = xo.find('SR', ({ type }) => type === 'nfs');
    expect(await trimmed(uuid)).toMatch(
      /<key>errcode<\/key><value>(.*?)<\/value>.*<key>errmsg<\/key><value>(.*?)<\/value>/,
    );
    await destroySr(sr);
  });
  test('a server that does not answer has no targets', async () => {
    expect((await xo.refused('SR.probe', master(), { target: '192.0.2.1' }, 'lvmoiscsi', {})).code).toBe(
      'SR_BACKEND_FAILURE_141',
    );
  });
});

test('Fibre Channel: units are listed with their paths, and one is taken', async () => {
  const xml = await choices('lvmohba', {}, 'SR_BACKEND_FAILURE_107');
  expect(xml).toMatch(/<Devlist>.*<BlockDevice>/s);
  for (const tag of ['hba', 'id', 'path', 'SCSIid', 'serial', 'size', 'vendor'])
    expect(texts(xml, tag).length).toBeGreaterThan(0);
  const [SCSIid = ''] = texts(xml, 'SCSIid');
  expect(await existing('lvmohba', { SCSIid })).toEqual([]);
  const sr = await createSr({ type: 'lvmohba', device_config: { SCSIid } });
  expect(await existing('lvmohba', { SCSIid })).toEqual([sr.uuid]);
  await destroySr(sr);
});

describe('local disks', () => {
  test('the devices of a host are listed, and LVM and ext take one each', async () => {
    const { blockdevices } = JSON.parse(
      await xo.call('host.call_plugin', master(), 'lsblk.py', 'list_block_devices', {}),
    ) as {
      blockdevices: { name: string; mountpoint: string; type: string; ro: string }[];
    };
    const free = blockdevices.filter(
      ({ name, type, ro, mountpoint }) =>
        name !== 'sda' && type === 'disk' && ro === '0' && mountpoint === '',
    );
    for (const [i, type] of ['lvm', 'ext'].entries()) {
      const sr = await createSr({ type, device_config: { device: `/dev/${free[i]?.name}` }, shared: false });
      expect(sr).toMatchObject({ type, shared: false });
      expect(pbds(sr)).toEqual([expect.objectContaining({ host: master(), currently_attached: true })]);
      await destroySr(sr);
    }
    expect(
      (await xo.refused('SR.create', master(), { device: '/dev/sda' }, 0, 'no', '', 'lvm', 'user', false, {}))
        .code,
    ).toBe('SR_BACKEND_FAILURE_105');
  });

  test('ZFS where the pool knows it, files else', async () => {
    expect(JSON.parse(await xo.call('host.call_plugin', master(), 'zfs.py', 'list_zfs_pools', {}))).toEqual(
      {},
    );
    const types = await xo.call<string[]>('SR.get_supported_types');
    const type = types.includes('zfs') ? 'zfs' : 'file';
    const sr = await createSr({ type, device_config: { location: '/tank' }, shared: false });
    expect(await xo.field('SR', sr.$ref, 'uuid')).toBe(sr.uuid);
    await destroySr(sr);
  });
});

describe('images of CDs', () => {
  test.each<[string, Fields, boolean]>([
    ['a directory', { legacy_mode: 'true', location: '/opt/isos' }, false],
    ['NFS', { location: 'files.example.org:/export/iso', nfsversion: '4' }, true],
    [
      'SMB',
      { type: 'cifs', username: 'me', cifspassword: 'secret', location: '//files.example.org/isos' },
      true,
    ],
  ])('in %s', async (_where, device_config, shared) => {
    const sr = await createSr({ type: 'iso', content_type: 'iso', device_config, shared });
    expect(sr).toMatchObject({ type: 'iso', content_type: 'iso', shared });
    await xo.task('SR.scan', sr.$ref);
    await disconnect(sr);
    await xo.call('SR.forget', sr.$ref);
    await gone(sr.$ref);
  });
});

describe('a repository in use', () => {
  test('is named, put in maintenance with its VMs stopped, and back', async () => {
    const sr = xo.find('SR', ({ type }) => type === 'nfs');
    await Promise.all([
      xo.call('SR.set_name_label', sr.$ref, 'named'),
      xo.call('SR.set_name_description', sr.$ref, 'described'),
    ]);
    expect(await xo.barrier(sr.$ref)).toMatchObject({ name_label: 'named', name_description: 'described' });
    const vm = await xo.task('VM.clone', xo.template('Other install media').$ref, 'using');
    await xo.task('VM.provision', vm);
    await xo.createVbd({ VM: vm, VDI: await xo.createVdi(sr.$ref, 8 * MiB) });
    await xo.task('VM.start', vm, false, false);
    const { resident_on } = await xo.sees(vm, ({ power_state }) => power_state === 'Running');
    // A host on which a VM uses it keeps it; another may let it go.
    for (const { $ref, host } of pbds(sr)) {
      if (host === resident_on) expect((await xo.refused('PBD.unplug', $ref)).code).toBe('VDI_IN_USE');
      else for (const method of ['PBD.unplug', 'PBD.plug']) await xo.task(method, $ref);
    }
    const mark = 'xo:maintenanceState';
    await xo.call('SR.add_to_other_config', sr.$ref, mark, JSON.stringify({ timestamp: 1 }));
    expect((await xo.refused('SR.add_to_other_config', sr.$ref, mark, '{}')).code).toBe('MAP_DUPLICATE_KEY');
    const users = new Set<string>();
    for (const vdi of await xo.field<string[]>('SR', sr.$ref, 'VDIs'))
      for (const vbd of await xo.field<string[]>('VDI', vdi, 'VBDs'))
        users.add(await xo.field('VBD', vbd, 'VM'));
    const running = new Set<string>();
    for (const user of users)
      if ((await xo.field('VM', user, 'power_state')) === 'Running') running.add(user);
    expect([...running]).toEqual([vm]);
    await xo.task('VM.clean_shutdown', vm).catch(() => xo.task('VM.hard_shutdown', vm));
    for (const ref of await xo.field<string[]>('SR', sr.$ref, 'PBDs')) {
      expect(await xo.field('PBD', ref, 'currently_attached')).toBe(true);
      await xo.task('PBD.unplug', ref);
    }
    expect((await xo.refused('VM.start', vm, false, false)).code).toBe('NO_HOSTS_AVAILABLE');
    await xo.call('SR.remove_from_other_config', sr.$ref, mark);
    for (const { uuid } of pbds(sr)) await xo.task('PBD.plug', await xo.call('PBD.get_by_uuid', uuid));
    await xo.task('VM.start', await xo.call('VM.get_by_uuid', await xo.field('VM', vm, 'uuid')), false, true);
    await xo.destroyVm(vm);
  });

  test('cannot be given up while it is connected, nor destroyed while it holds disks', async () => {
    const sr = await createSr({
      type: 'nfs',
      device_config: { server: 'files.example.org', serverpath: '/export/busy' },
    });
    const vdi = await xo.createVdi(sr.$ref, 8 * MiB);
    expect((await xo.refused('SR.forget', sr.$ref)).code).toBe('SR_HAS_PBD');
    expect((await xo.refused('SR.destroy', sr.$ref)).code).toBe('SR_HAS_PBD');
    await disconnect(sr);
    expect((await xo.refused('SR.destroy', sr.$ref)).code).toBe('SR_NOT_EMPTY');
    await xo.call('SR.forget', sr.$ref);
    for (const ref of [sr.$ref, vdi]) await gone(ref);
  });

  test('becomes the one where new disks go', async () => {
    const sr = xo.find('SR', ({ type }) => type === 'nfs').$ref;
    await xo.call('pool.set_default_SR', xo.pool.$ref, sr);
    expect(await xo.barrier(xo.pool.$ref)).toMatchObject({ default_SR: sr });
    const vdi = await xo.createVdi(xo.pool.default_SR, 8 * MiB);
    expect(await xo.field('VDI', vdi, 'SR')).toBe(sr);
    await xo.task('VDI.destroy', vdi);
    // An object that is destroyed already counts as destroyed.
    expect((await xo.refused('VDI.destroy', vdi)).code).toBe('HANDLE_INVALID');
    await xo.call('pool.set_default_SR', xo.pool.$ref, none);
    expect(await xo.barrier(xo.pool.$ref)).toMatchObject({ default_SR: none });
    await xo.call('pool.set_default_SR', xo.pool.$ref, sr);
  });
});

test('what each kind of repository can do is known of it', async () => {
  for (const { type, features, configuration } of xo.all('SM')) {
    expect([type, Object.keys(features as object).length > 0, configuration]).toEqual([
      type,
      true,
      expect.objectContaining({}),
    ]);
    expect(await xo.call<string[]>('SR.get_supported_types')).toContain(type);
  }
});
