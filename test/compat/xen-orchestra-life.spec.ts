/** The life of a VM as Xen Orchestra leads it: started, stopped, kept as snapshots, copied, sent to other hosts and storage. */
import { eventually, startWorld, type World } from '../world';
import { GiB, MiB, none, Orchestra, type Failure, type Seen } from './orchestra';

let world: World;
let xo: Orchestra;
let vm: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  xo = await Orchestra.register(world.url);
  vm = await newVm('living');
});
afterAll(async () => {
  await xo?.xapi.disconnect();
  await world?.stop();
});

const nfs = (): string => xo.find('SR', ({ type }) => type === 'nfs').$ref;
const localOf = (host: string): string =>
  xo.find('SR', ({ type, PBDs }) => type === 'ext' && PBDs.some((pbd) => xo.one(pbd).host === host)).$ref;
const otherHost = (host: string): string => xo.find('host', ({ $ref }) => $ref !== host).$ref;
const managementNetwork = (host: string): string =>
  xo.find('PIF', (pif) => pif.host === host && pif['management'] === true).network;
async function newVm(name: string, sr = nfs()): Promise<string> {
  const ref = await xo.task('VM.clone', xo.template('Debian Bookworm 12').$ref, name);
  await xo.call('VM.remove_from_other_config', ref, 'disks');
  await xo.task('VM.provision', ref);
  await xo.createVbd({ VM: ref, VDI: await xo.createVdi(sr, 64 * MiB, { name_label: `${name} disk` }) });
  return ref;
}
const state = (ref: string, power_state: string): Promise<Seen> =>
  xo.sees(ref, (one) => one.power_state === power_state);
const failed = (method: string, ...params: unknown[]): Promise<Failure> =>
  xo.task(method, ...params).then(
    (value) => ({ code: `answered ${value}`, params: [] }),
    ({ code, params: rest }: Failure) => ({ code, params: rest }),
  );

describe('power', () => {
  test('started, paused, unpaused, suspended, resumed, rebooted and shut down', async () => {
    await xo.call('VM.start', vm, false, false);
    for (const [method, after, ...params] of [
      ['VM.pause', 'Paused'],
      ['VM.unpause', 'Running'],
      ['VM.suspend', 'Suspended'],
      ['VM.resume', 'Running', false, true],
      ['VM.clean_reboot', 'Running'],
      ['VM.hard_reboot', 'Running'],
      ['VM.clean_shutdown', 'Halted'],
    ] as const) {
      if (['VM.suspend', 'VM.clean_reboot', 'VM.clean_shutdown'].includes(method))
        await xo.allows(vm, method.replace('VM.', ''));
      await xo.task(method, vm, ...params);
      await state(vm, after);
    }
    expect(xo.one(vm)).toMatchObject({ resident_on: none, suspend_VDI: none });
  });

  test('a start that comes too late is told what the VM is, in small letters, so that it is resumed or unpaused instead', async () => {
    await xo.task('VM.start', vm, false, false);
    expect(await failed('VM.start', vm, false, false)).toEqual({
      code: 'VM_BAD_POWER_STATE',
      params: [vm, 'halted', 'running'],
    });
    await xo.task('VM.pause', vm);
    expect((await failed('VM.start', vm, false, false)).params[2]).toBe('paused');
    await xo.task('VM.unpause', vm);
    await xo.allows(vm, 'suspend');
    await xo.task('VM.suspend', vm);
    expect((await failed('VM.start', vm, false, false)).params[2]).toBe('suspended');
    expect(await failed('VM.suspend', vm)).toEqual({
      code: 'VM_BAD_POWER_STATE',
      params: [vm, 'running', 'suspended'],
    });
    await xo.task('VM.hard_shutdown', vm);
    expect(await failed('VM.clean_shutdown', vm)).toMatchObject({ code: 'VM_BAD_POWER_STATE' });
  });

  test('where it can be started nowhere, each host tells why; on one host the same', async () => {
    const torn = await newVm('torn', localOf(xo.pool.master));
    await xo.createVbd({ VM: torn, VDI: await xo.createVdi(localOf(otherHost(xo.pool.master)), 8 * MiB) });
    expect((await failed('VM.start', torn, false, false)).code).toBe('NO_HOSTS_AVAILABLE');
    for (const host of await xo.call<string[]>('host.get_all')) {
      expect(await xo.call('host.get_name_label', host)).toMatch(/./);
      expect((await xo.refused('VM.assert_can_boot_here', torn, host)).code).toBe('VM_REQUIRES_SR');
    }
    expect((await failed('VM.start_on', torn, xo.pool.master, false, false)).code).toBe('VM_REQUIRES_SR');
    await xo.destroyVm(torn);
    const big = await newVm('big');
    await xo.call('VM.set_memory_limits', big, GiB, 4096 * GiB, 4096 * GiB, 4096 * GiB);
    expect((await failed('VM.start', big, false, false)).code).toBe('HOST_NOT_ENOUGH_FREE_MEMORY');
    await xo.destroyVm(big);
  });

  test('it is started on a host that is chosen', async () => {
    const host = otherHost(xo.pool.master);
    await xo.task('VM.start_on', vm, host, false, false);
    expect(await state(vm, 'Running')).toMatchObject({ resident_on: host });
    await xo.task('VM.hard_shutdown', vm);
  });

  test('what is blocked says so with its reason; force takes the block away and puts it back', async () => {
    await xo.call('VM.add_to_blocked_operations', vm, 'start', 'by me');
    expect(await failed('VM.start', vm, false, false)).toEqual({
      code: 'OPERATION_BLOCKED',
      params: [vm, 'by me'],
    });
    await xo.call('VM.remove_from_blocked_operations', vm, 'start');
    await xo.task('VM.start', vm, false, false);
    for (const operation of ['clean_shutdown', 'hard_shutdown'])
      await xo.call('VM.add_to_blocked_operations', vm, operation, 'true');
    expect((await failed('VM.hard_shutdown', vm)).code).toBe('OPERATION_BLOCKED');
    await xo.call('VM.remove_from_blocked_operations', vm, 'hard_shutdown');
    await xo.task('VM.hard_shutdown', vm);
    await xo.call('VM.add_to_blocked_operations', vm, 'hard_shutdown', 'true');
    await xo.update(xo.one(vm), 'blocked_operations', { clean_shutdown: null, hard_shutdown: null });
    expect((await xo.barrier(vm)).blocked_operations).toEqual({});
  });

  test('to be repaired it is started from its CD once', async () => {
    const { order } = xo.one(vm).HVM_boot_params;
    await xo.update(xo.one(vm), 'HVM_boot_params', { order: 'd' });
    await xo.call('VM.start', vm, false, false);
    await xo.update(xo.one(vm), 'HVM_boot_params', { order: order ?? null });
    expect((await xo.barrier(vm)).HVM_boot_params).toMatchObject({ order });
    await xo.task('VM.hard_shutdown', vm);
  });

  test('a guest without drivers cannot be asked to shut down', async () => {
    const bare = await xo.task('VM.clone', xo.template('Other install media').$ref, 'bare');
    await xo.task('VM.provision', bare);
    await xo.task('VM.start', bare, false, false);
    expect((await failed('VM.clean_shutdown', bare)).code).toBe('VM_LACKS_FEATURE');
    await xo.destroyVm(bare);
  });
});

describe('snapshots', () => {
  test('some disks are left out, by a word in their names; the VM goes back to it and starts again', async () => {
    const left = await xo.createVdi(nfs(), 8 * MiB, { name_label: '[NOSNAP] scratch' });
    const vbd = await xo.createVbd({ VM: vm, VDI: left });
    await xo.task('VM.start', vm, false, false);
    const taken = await xo.snapshot(vm, 'running', [left]);
    await xo.sees(taken);
    expect(await xo.disksOf(taken)).toHaveLength(1);
    await xo.xapi.setField('VM', taken, 'name_description', 'described');
    expect(await xo.barrier(taken)).toMatchObject({
      name_label: 'running',
      name_description: 'described',
      is_a_snapshot: true,
      is_a_template: false,
      snapshot_of: vm,
      power_state: 'Halted',
      snapshot_info: { 'power-state-at-snapshot': 'Running' },
    });
    const before = xo.one(vm).name_description;
    await xo.call('VM.set_name_description', vm, 'changed');
    await xo.task('VM.revert', taken);
    expect(await xo.barrier(vm)).toMatchObject({
      power_state: 'Halted',
      name_label: 'living',
      name_description: before,
    });
    await xo.task('VM.start', vm, false, false);
    await xo.task('VM.hard_shutdown', vm);
    await xo.destroyVm(taken);
    if ((await xo.field<string[]>('VM', vm, 'VBDs')).includes(vbd)) await xo.destroyVbd(vbd);
    await xo.task('VDI.destroy', left);
  });

  test('with its memory only while it runs; it goes back to that suspended and is resumed', async () => {
    expect(await failed('VM.checkpoint', vm, 'at rest')).toMatchObject({ code: 'VM_BAD_POWER_STATE' });
    await xo.task('VM.start', vm, false, false);
    await xo.allows(vm, 'checkpoint');
    const taken = await xo.task('VM.checkpoint', vm, 'with memory');
    await xo.xapi.setField('VM', taken, 'is_a_template', false);
    const shown = await xo.barrier(taken);
    expect(shown).toMatchObject({ power_state: 'Suspended', is_a_snapshot: true });
    expect(xo.one(shown.suspend_VDI)).toMatchObject({ type: 'suspend' });
    await xo.task('VM.revert', taken);
    expect(await xo.barrier(vm)).toMatchObject({ power_state: 'Suspended' });
    await xo.task('VM.resume', vm, false, true);
    await state(vm, 'Running');
    await xo.task('VM.hard_shutdown', vm);
    await xo.destroyVm(taken);
    await eventually(async () => expect(xo.xapi.getObject(shown.suspend_VDI, undefined)).toBeUndefined());
  });

  test('a disk of its own: taken and named', async () => {
    const [disk = ''] = await xo.disksOf(vm);
    const taken = await xo.task('VDI.snapshot', disk);
    await xo.sees(taken);
    await xo.call('VDI.set_name_label', taken, 'of the disk');
    expect(await xo.barrier(taken)).toMatchObject({
      is_a_snapshot: true,
      snapshot_of: disk,
      name_label: 'of the disk',
    });
    await xo.task('VDI.destroy', taken);
  });
});

describe('copies', () => {
  test('a fast clone, and a full copy without a repository said and with one', async () => {
    for (const [method, ...params] of [
      ['VM.clone'],
      ['VM.copy', ''],
      ['VM.copy', localOf(xo.pool.master)],
    ] as const) {
      const copy = await xo.sees(await xo.task(method, vm, 'copied', ...params));
      expect(copy).toMatchObject({ name_label: 'copied', power_state: 'Halted', is_a_template: false });
      const [disk = ''] = await xo.disksOf(copy.$ref);
      expect((await xo.sees(disk)).SR).toBe(params[0] || nfs());
      expect(copy.other_config['mac_seed']).not.toBe(xo.one(vm).other_config['mac_seed']);
      await xo.destroyVm(copy.$ref);
    }
  });

  test('of a running VM by a snapshot, that is gone afterwards', async () => {
    await xo.task('VM.start', vm, false, false);
    expect((await failed('VM.copy', vm, 'no', '')).code).toBe('VM_BAD_POWER_STATE');
    const taken = await xo.snapshot(vm, 'to copy');
    const copy = await xo.task('VM.copy', taken, 'of a snapshot', '');
    await xo.destroyVm(taken);
    await xo.call('VM.set_is_a_template', copy, false);
    expect(await xo.barrier(copy)).toMatchObject({
      is_a_snapshot: false,
      is_a_template: false,
      name_label: 'of a snapshot',
      snapshot_of: none,
    });
    await xo.destroyVm(copy);
    await xo.task('VM.hard_shutdown', vm);
  });
});

describe('migration', () => {
  /** With storage: where each disk goes is said for all of them. */
  async function withStorage(ref: string, host: string, map: (vdi: Seen) => string): Promise<void> {
    const vdis = Object.fromEntries((await xo.disksOf(ref)).map((vdi) => [vdi, map(xo.one(vdi))]));
    const token = await xo.call('host.migrate_receive', host, managementNetwork(host), {});
    const params = [ref, token, true, vdis, {}, { force: 'false' }];
    if (xo.one(ref).power_state === 'Running') await xo.allows(ref, 'migrate_send');
    const asserted = await failed('VM.assert_can_migrate', ...params);
    if (!['VDI_CBT_ENABLED', 'answered '].includes(asserted.code))
      throw new Error(`${asserted.code} ${asserted.params.join(' ')}`);
    const first = await failed('VM.migrate_send', ...params);
    if (first.code !== 'VDI_CBT_ENABLED') return expect(first.code).toMatch(/^answered/) as void;
    await Promise.all((await xo.disksOf(ref)).map((disk) => xo.call('VDI.disable_cbt', disk)));
    await xo.task('VM.migrate_send', ...params);
  }

  test('to another host and back, over a network that is named', async () => {
    await xo.task('VM.start_on', vm, xo.pool.master, false, false);
    const host = otherHost(xo.pool.master);
    await xo.allows(vm, 'pool_migrate');
    await xo.task('VM.pool_migrate', vm, host, { force: 'false', network: managementNetwork(host) });
    await xo.sees(vm, ({ resident_on }) => resident_on === host);
    await xo.task('VM.pool_migrate', vm, xo.pool.master, { force: 'false' });
    expect(await xo.sees(vm, ({ resident_on }) => resident_on === xo.pool.master)).toMatchObject({
      power_state: 'Running',
    });
  });

  test('not while a backup forbids it', async () => {
    const reason = 'VM migration is blocked during backup';
    await xo.update(xo.one(vm), 'blocked_operations', { pool_migrate: reason, migrate_send: reason });
    expect(await failed('VM.pool_migrate', vm, otherHost(xo.pool.master), { force: 'false' })).toEqual({
      code: 'OPERATION_BLOCKED',
      params: [vm, reason],
    });
    await xo.update(xo.one(vm), 'blocked_operations', { pool_migrate: null, migrate_send: null });
    await xo.call('VM.update_allowed_operations', vm);
    expect((await xo.barrier(vm)).allowed_operations).toEqual(
      expect.arrayContaining(['pool_migrate', 'migrate_send']),
    );
  });

  test('a VM whose disk only one host has goes with its storage, changed-block tracking or not', async () => {
    const host = xo.pool.master;
    const bound = await newVm('bound', localOf(host));
    const [disk = ''] = await xo.disksOf(bound);
    await xo.task('VDI.enable_cbt', disk);
    await xo.task('VM.start', bound, false, false);
    expect((await state(bound, 'Running')).resident_on).toBe(host);
    const target = otherHost(host);
    await xo.allows(bound, 'pool_migrate');
    expect((await failed('VM.pool_migrate', bound, target, { force: 'false' })).code).toBe('VM_REQUIRES_SR');
    await withStorage(bound, target, () => localOf(target));
    expect(await xo.sees(bound, ({ resident_on }) => resident_on === target)).toMatchObject({
      power_state: 'Running',
    });
    const [moved = ''] = await xo.disksOf(bound);
    expect(await xo.sees(moved)).toMatchObject({ SR: localOf(target), cbt_enabled: false });
    await xo.task('VM.hard_shutdown', bound);
    await withStorage(bound, host, () => nfs());
    const [back = ''] = await xo.disksOf(bound);
    expect(await xo.sees(back)).toMatchObject({ SR: nfs() });
    await xo.destroyVm(bound);
  });

  test('a disk of a running VM alone, and one that belongs to nobody', async () => {
    const [disk = ''] = await xo.disksOf(vm);
    await xo.task('VDI.enable_cbt', disk);
    expect((await failed('VDI.pool_migrate', disk, localOf(xo.pool.master), {})).code).toBe(
      'VDI_CBT_ENABLED',
    );
    await xo.call('VDI.disable_cbt', disk);
    const moved = await xo.task('VDI.pool_migrate', disk, localOf(xo.pool.master), {});
    expect(await xo.barrier(moved)).toMatchObject({ SR: localOf(xo.pool.master) });
    expect(await xo.disksOf(vm)).toEqual([moved]);
    await xo.task('VDI.pool_migrate', moved, nfs(), {});
    const lonely = await xo.createVdi(nfs(), 8 * MiB, { name_label: 'of nobody' });
    expect((await failed('VDI.pool_migrate', lonely, localOf(xo.pool.master), {})).code).toBe(
      'VDI_NEEDS_VM_FOR_MIGRATE',
    );
    const copy = await xo.task('VDI.copy', lonely, localOf(xo.pool.master));
    expect(await xo.barrier(copy)).toMatchObject({ SR: localOf(xo.pool.master), name_label: 'of nobody' });
    for (const vdi of [lonely, copy]) await xo.task('VDI.destroy', vdi);
  });

  test('a disk for which no place is said has none to go to', async () => {
    const bound = await newVm('unmapped', localOf(xo.pool.master));
    await xo.task('VM.start', bound, false, false);
    await xo.allows(bound, 'migrate_send');
    const target = otherHost(xo.pool.master);
    const token = await xo.call('host.migrate_receive', target, managementNetwork(target), {});
    const refused = await failed('VM.assert_can_migrate', bound, token, true, {}, {}, { force: 'false' });
    expect(refused).toEqual({ code: 'VDI_NOT_IN_MAP', params: await xo.disksOf(bound) });
    await xo.destroyVm(bound);
  });
});
