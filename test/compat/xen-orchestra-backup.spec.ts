/** Backups as Xen Orchestra takes and restores them: whole archives, and disks of which only what changed is taken. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { eventually, startWorld, type World } from '../world';
import { GiB, MiB, none, Orchestra, type Seen } from './orchestra';

let world: World;
let xo: Orchestra;
let vm: string;
let disk: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  xo = await Orchestra.register(world.url);
  vm = await xo.task('VM.clone', xo.template('Debian Bookworm 12').$ref, 'backed up');
  await xo.call('VM.remove_from_other_config', vm, 'disks');
  await xo.task('VM.provision', vm);
  disk = await xo.createVdi(nfs(), size, { name_label: 'disk' });
  await xo.createVbd({ VM: vm, VDI: disk });
  await fill(disk, 'raw', first);
  await xo.barrier(vm);
});
afterAll(async () => {
  await xo?.xapi.disconnect();
  await world?.stop();
});

const size = 8 * MiB;
const block = 64 * 1024;
const first = randomBytes(size);
/** The same disk with two blocks written to. */
const second = Buffer.from(first);
for (const at of [3, 100]) randomBytes(block).copy(second, at * block);

const nfs = (): string => xo.find('SR', ({ type }) => type === 'nfs').$ref;
const wire = (): string => xo.find('network', ({ bridge }) => bridge === 'xenbr0').$ref;
const newTask = (label: string): Promise<string> => xo.call('task.create', label, '');
const gone = (ref: string): Promise<void> =>
  eventually(async () => expect(xo.xapi.getObject(ref, undefined)).toBeUndefined());

async function fill(vdi: string, format: 'raw' | 'vhd', contents: Buffer): Promise<void> {
  const stream = Object.assign(Readable.from([contents.subarray(0, MiB), contents.subarray(MiB)]), {
    length: contents.length,
  });
  await xo.xapi.putResource(stream, '/import_raw_vdi/', {
    query: { format, vdi },
    task: await newTask('Importing content'),
  });
}
async function contentsOf(vdi: string, format: 'raw' | 'vhd', base?: string): Promise<Buffer> {
  const query = { format, vdi, ...(base === undefined ? {} : { base }) };
  const { body, task } = await xo.xapi.getResource('/export_raw_vdi/', {
    query,
    task: await newTask('Exporting content'),
  });
  const contents = Buffer.from(await body.arrayBuffer());
  await task;
  return contents;
}
/** Bits for blocks of 64 KiB, the first of a byte in its highest place. */
async function changed(from: string, to: string): Promise<number[]> {
  const bits = Buffer.from(await xo.call('VDI.list_changed_blocks', from, to), 'base64');
  expect(bits).toHaveLength(size / block / 8);
  return Array.from({ length: bits.length * 8 }, (_, i) => i).filter(
    (i) => ((bits[i >> 3] ?? 0) & (0x80 >> (i & 7))) !== 0,
  );
}
const marks = (timestamp: string): Record<string, string> => ({
  'xo:backup:datetime': timestamp,
  'xo:backup:job': 'job',
  'xo:backup:schedule': 'nightly',
  'xo:backup:vm': xo.one(vm).uuid,
});
/** A snapshot with the marks of a job on it and on each of its disks. */
async function jobSnapshot(timestamp: string): Promise<{ readonly snapshot: string; readonly copy: string }> {
  const snapshot = await xo.snapshot(vm, `[XO Backup job] ${timestamp}`);
  const [copy = ''] = await xo.disksOf(snapshot);
  await xo.xapi.setFieldEntries('VM', snapshot, 'other_config', {
    'xo:backup:sr': null,
    ...marks(timestamp),
  });
  await xo.xapi.setFieldEntries('VDI', copy, 'other_config', { 'xo:backup:sr': null, ...marks(timestamp) });
  return { snapshot, copy };
}

describe('a whole VM', () => {
  test.each(['false', 'true'])(
    'by a snapshot, compression %s: it comes back with its disk',
    async (use_compression) => {
      const { snapshot } = await jobSnapshot('20260101T00:00:00Z');
      const { body, task } = await xo.xapi.getResource('/export/', {
        query: { ref: snapshot, use_compression },
        task: await newTask('VM export'),
      });
      const archive = Buffer.from(await body.arrayBuffer());
      await task;
      await xo.destroyVm(snapshot);

      // While it comes, the VM is known by the task that brings it.
      const importing = await newTask('VM import');
      const brought = new Set<string>();
      const listener = (objects: Readonly<Record<string, unknown>>): void =>
        Object.values(objects as Record<string, Seen>)
          .filter((one) => importing in (one.current_operations ?? {}))
          .forEach((one) => brought.add(`${one.$type} ${one.$ref}`));
      for (const event of ['add', 'update'] as const) xo.xapi.objects.on(event, listener);
      const stream = Object.assign(Readable.from([archive]), { length: archive.length });
      const [restored = ''] = (await xo.xapi.putResource(stream, '/import/', {
        query: { sr_id: nfs() },
        task: importing,
      })) as string[];
      await xo.sees(restored, ({ current_operations }) => Object.keys(current_operations).length === 0);
      for (const event of ['add', 'update'] as const) xo.xapi.objects.removeListener(event, listener);
      expect([...brought]).toContain(`VM ${restored}`);
      expect(xo.one(restored)).toMatchObject({
        power_state: 'Halted',
        is_a_template: false,
        is_a_snapshot: false,
      });
      const [copy = ''] = await xo.disksOf(restored);
      expect((await contentsOf(copy, 'raw')).equals(first)).toBe(true);
      await xo.destroyVm(restored);
    },
  );

  test('with zstd, as the pool and its hosts say that it may', async () => {
    const { body } = await xo.xapi.getResource('/export/', {
      query: { ref: vm, use_compression: 'zstd' },
      task: await newTask('VM export'),
    });
    expect(Buffer.from(await body.arrayBuffer()).subarray(0, 4)).toEqual(
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    );
    for (const host of xo.all('host'))
      expect(host['license_params']).toMatchObject({ restrict_zstd_export: 'false' });
  });

  test('what is no archive is refused with a code, and leaves nothing', async () => {
    const before = xo.all('VM').length;
    const refused = xo.xapi.putResource(Buffer.from('no archive at all'.repeat(100)), '/import/', {
      query: { sr_id: nfs() },
      task: await newTask('VM import'),
    });
    await expect(refused).rejects.toMatchObject({ code: 'IMPORT_ERROR' });
    expect(xo.all('VM')).toHaveLength(before);
  });
});

describe('what changed of a disk', () => {
  test('it cannot move meanwhile, is tracked, and taken from one snapshot to the next; the data of the older ones goes', async () => {
    const reason = 'VM migration is blocked during backup';
    await xo.update(xo.one(vm), 'blocked_operations', { pool_migrate: reason, migrate_send: reason });
    for (const one of await xo.disksOf(vm)) {
      // A job waits until chains are healthy: no disk has an unmanaged parent that is still to be coalesced.
      await xo.sees(one, ({ sm_config }) => !('vhd-parent' in (sm_config as Record<string, string>)));
      await xo.task('VDI.enable_cbt', one);
    }
    await xo.sees(disk, (one) => one['cbt_enabled'] === true);
    const base = await jobSnapshot('20260101T00:00:00Z');
    expect(await xo.call('VDI.get_nbd_info', base.copy)).toEqual([]);
    const whole = await contentsOf(base.copy, 'vhd');
    expect([whole.subarray(0, 8).toString(), whole.readUInt32BE(60)]).toEqual(['conectix', 3]);
    await fill(disk, 'raw', second);
    const next = await jobSnapshot('20260102T00:00:00Z');
    expect(await changed(base.copy, next.copy)).toEqual(expect.arrayContaining([3, 100]));
    expect(await xo.field('VDI', next.copy, 'snapshot_of')).toBe(disk);
    const delta = await contentsOf(next.copy, 'vhd', base.copy);
    expect([delta.subarray(0, 8).toString(), delta.readUInt32BE(60)]).toEqual(['conectix', 4]);

    // Snapshots of the job are found by the marks of their disks, those of every disk of the VM.
    const found = (await xo.xapi.getRecords(
      'VDI',
      await xo.field<string[]>('VDI', disk, 'snapshots'),
    )) as Seen[];
    expect(
      found
        .filter(({ other_config }) => other_config['xo:backup:job'] === 'job')
        .map(({ $ref }) => $ref)
        .toSorted(),
    ).toEqual([base.copy, next.copy].toSorted());
    // The record of the VM goes, then the data of its disk; what changed since can still be asked.
    await xo.call('VM.destroy', base.snapshot);
    await xo.task('VDI.data_destroy', base.copy);
    expect(await xo.sees(base.copy, ({ type }) => type === 'cbt_metadata')).toMatchObject({
      other_config: marks('20260101T00:00:00Z'),
    });
    expect(await changed(base.copy, next.copy)).toEqual(expect.arrayContaining([3, 100]));
    await expect(contentsOf(base.copy, 'vhd')).rejects.toThrow();
    const last = await jobSnapshot('20260103T00:00:00Z');
    expect(await changed(next.copy, last.copy)).toEqual([]);

    await restore(last.snapshot, [whole, delta]);
    for (const { snapshot } of [next, last]) await xo.destroyVm(snapshot);
    await xo.task('VDI.destroy', base.copy);
    await xo.update(xo.one(vm), 'blocked_operations', { pool_migrate: null, migrate_send: null });
    await xo.call('VM.update_allowed_operations', vm);
    for (const one of await xo.disksOf(vm)) await xo.call('VDI.disable_cbt', one);
  });

  /** A new VM of the record of the old one, kept from starting while its disk comes: the whole first, then each difference on top. */
  async function restore(from: string, streams: readonly Buffer[]): Promise<void> {
    const record = (await xo.xapi.getRecord('VM', from)) as Seen;
    const {
      power_state: _state,
      suspend_VDI: _memory,
      HVM_shadow_multiplier: _shadow,
      bios_strings,
      ...fields
    } = record;
    const { mac_seed: _seed, ...settings } = record.other_config;
    const other_config = { ...settings, 'xo:copy_of': record.uuid };
    const blocked_operations = { ...record.blocked_operations, start: 'Importing…', start_on: 'Importing…' };
    const given = {
      ...fields,
      affinity: none,
      blocked_operations,
      is_a_template: false,
      name_label: `[Importing…] ${record.name_label}`,
      other_config,
    };
    const restored = await xo.call('VM.create', given);
    if (Object.keys(bios_strings as object).length > 0)
      await xo.call('VM.set_bios_strings', restored, bios_strings);
    expect(await xo.field<string[]>('VM', restored, 'VBDs')).toEqual([]);
    const vdi = await xo.createVdi(nfs(), size, {
      name_label: 'restored',
      other_config: { 'xo:copy_of': record.uuid },
    });
    await xo.createVbd({ VM: restored, VDI: vdi, userdevice: '0' });
    for (const stream of streams) await fill(vdi, 'vhd', stream);
    await xo.createVif({ VM: restored, network: wire() });
    await xo.call('VM.set_name_label', restored, record.name_label);
    expect((await contentsOf(vdi, 'raw')).equals(second)).toBe(true);
    expect((await xo.refused('VM.start', restored, false, false)).code).toBe('OPERATION_BLOCKED');
    await xo.update((await xo.xapi.getRecord('VM', restored)) as Seen, 'blocked_operations', {
      start: null,
      start_on: null,
    });
    // Its health is looked at by starting it, until its guest reports.
    await xo.call('VM.start', restored, false, false);
    const { guest_metrics } = await xo.sees(restored, (one) => one.guest_metrics !== none);
    await xo.sees(
      guest_metrics,
      ({ PV_drivers_version }) => (PV_drivers_version as Record<string, string>)['major'] !== undefined,
    );
    await xo.destroyVm(restored);
  }

  test('without tracking there is nothing to ask, and no data to destroy', async () => {
    const from = await xo.task('VDI.snapshot', disk);
    const to = await xo.task('VDI.snapshot', disk);
    expect((await xo.refused('VDI.list_changed_blocks', from, to)).code).toBe('VDI_NO_CBT_METADATA');
    expect((await xo.refused('VDI.data_destroy', from)).code).toBe('VDI_NO_CBT_METADATA');
    for (const vdi of [from, to]) await xo.task('VDI.destroy', vdi);
  });
});

describe('a replica in the pool', () => {
  test('a clone of the disk that came before takes what changed, and grows', async () => {
    const whole = await contentsOf(disk, 'vhd');
    const base = await xo.createVdi(nfs(), size, { other_config: { 'xo:copy_of': xo.one(disk).uuid } });
    await fill(base, 'vhd', whole);
    const clone = await xo.task('VDI.clone', base);
    await xo.xapi.setFieldEntry('VDI', clone, 'other_config', 'xo:copy_of', 'next');
    await xo.task('VDI.resize', clone, 2 * size);
    expect(await xo.barrier(clone)).toMatchObject({
      virtual_size: 2 * size,
      is_a_snapshot: false,
      other_config: { 'xo:copy_of': 'next' },
    });
    expect((await contentsOf(clone, 'raw')).subarray(0, size).equals(await contentsOf(disk, 'raw'))).toBe(
      true,
    );
    for (const vdi of [clone, base]) await xo.task('VDI.destroy', vdi);
  });
});

describe('with its memory', () => {
  test('a checkpoint gives the disk of its memory too, and is restored suspended', async () => {
    await xo.task('VM.start', vm, false, false);
    await xo.allows(vm, 'checkpoint');
    const taken = await xo.task('VM.checkpoint', vm, 'with memory');
    await xo.xapi.setField('VM', taken, 'is_a_template', false);
    const record = (await xo.xapi.getRecord('VM', taken)) as Seen;
    const memory = (await xo.xapi.getRecord('VDI', record.suspend_VDI)) as Seen;
    const saved = await contentsOf(memory.$ref, 'vhd');
    await xo.task('VM.hard_shutdown', vm);

    const suspend_VDI = await xo.createVdi(nfs(), memory.virtual_size, { type: 'suspend' });
    const { HVM_shadow_multiplier: _shadow, bios_strings: _strings, ...fields } = record;
    const restored = await xo.call('VM.create', {
      ...fields,
      affinity: none,
      is_a_template: false,
      power_state: 'Suspended',
      suspend_VDI,
    });
    await fill(suspend_VDI, 'vhd', saved);
    expect(await xo.barrier(restored)).toMatchObject({ power_state: 'Suspended', suspend_VDI });
    await xo.task('VM.resume', restored, false, false);
    await xo.sees(restored, ({ power_state }) => power_state === 'Running');
    await xo.destroyVm(restored);
    await xo.destroyVm(taken);
  });

  test('a device of USB is taken off before a snapshot and put back after it', async () => {
    await xo.call('PUSB.set_passthrough_enabled', xo.find('PUSB', () => true).$ref, true);
    const group = xo.find('USB_group', () => true).$ref;
    const vusb = await xo.call('VUSB.create', vm, group);
    expect((await xo.refused('VM.snapshot', vm, 'no')).code).toBe('VM_HAS_VUSBS');
    const { other_config } = (await xo.xapi.getRecord('VUSB', vusb)) as Seen;
    await xo.call('VUSB.destroy', vusb);
    const taken = await xo.snapshot(vm, 'without USB');
    const again = await xo.call('VUSB.create', vm, group, other_config);
    await xo.sees(again);
    await xo.destroyVm(taken);
    await xo.call('VUSB.destroy', again);
    await gone(again);
  });
});

test('the records of the pool are saved, and a restore is tried', async () => {
  const { body } = await xo.xapi.getResource('/pool/xmldbdump', {
    task: await newTask('Export pool metadata'),
  });
  const dump = Buffer.from(await body.arrayBuffer());
  expect(dump.toString('utf8', 0, 200)).toContain('<database>');
  await xo.xapi.putResource(dump, '/pool/xmldbdump', {
    query: { dry_run: 'true' },
    task: await newTask('Import pool metadata'),
  });
});

test('a disk with nothing on it goes as a file of little more than its head', async () => {
  const empty = await xo.createVdi(nfs(), GiB, { name_label: 'empty' });
  const vhd = await contentsOf(empty, 'vhd');
  expect(vhd.length).toBeLessThan(MiB);
  expect(Number(vhd.readBigUInt64BE(48))).toBe(GiB);
  await xo.task('VDI.destroy', empty);
});
