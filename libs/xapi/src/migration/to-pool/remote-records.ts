/** The objects that a migrating VM needs in the other pool, made step by step; each step may be repeated. */
import { Readable } from 'node:stream';
import { XenError, type Ref } from '@xenplane/model';
import { reading } from '@xenplane/store';
import { chunkedLength, writeChunked } from '@xenplane/wire';
import { Later } from '@xenplane/work';
import type { Plane } from '../../core/context';
import type { RemotePool } from '../../pool/remote-pool';
import { readDisk } from '../../transfer/contents';
import { buildArchive, type Guest } from './build-archive';
import { remoteVm, type RemoteSide } from './remote-choices';
import type { MigrationPlan, MigratedDisk } from './migration-plan';

export interface SendingContext {
  readonly plane: Plane;
  readonly remote: RemotePool;
  readonly remoteSide: RemoteSide;
  readonly migration: MigrationPlan;
  /** The operation's, by which what it made can be found again. */
  readonly mark: string;
}
/** Waits and gives up as the operation does. */
export interface SendingProgress {
  checkpoint(): void;
  progress(fraction: number): Promise<void>;
}
/** A disk of the other pool. */
export interface SentDisk {
  readonly ref: string;
  readonly uuid: string;
}

const labelOf = (
  { mark, migration }: Pick<SendingContext, 'mark' | 'migration'>,
  { vdi }: MigratedDisk,
): string => `${mark} ${migration.disks.findIndex((disk) => disk.vdi === vdi)}`;

/** A disk with the same contents; named after the operation until all has come. */
export async function sendDisk(
  sending: SendingContext,
  disk: MigratedDisk,
  pace: SendingProgress,
): Promise<SentDisk> {
  const { plane, remote } = sending;
  const row = await reading(plane.store, (tx) => tx.get('VDI', disk.vdi));
  const { name_description, virtual_size, type, sharable, xenstore_data, tags } = row;
  const label = labelOf(sending, disk);
  const given = {
    name_label: label,
    name_description,
    SR: disk.sr,
    virtual_size,
    type,
    sharable,
    read_only: false,
    other_config: {},
    sm_config: {},
  };
  const [present] = await remote.call<string[]>('VDI.get_by_name_label', label);
  const ref = present ?? (await remote.call<string>('VDI.create', { ...given, xenstore_data, tags }));
  const stop = new AbortController();
  try {
    const source = await readDisk(plane, row, { signal: stop.signal });
    const length = chunkedLength(source);
    const bytes = paced(writeChunked(source), length, pace);
    await remote.put('VM.migrate_send', {
      path: '/import_raw_vdi',
      query: { vdi: ref, format: 'raw', chunked: 'true' },
      length,
      bytes,
    });
  } finally {
    stop.abort();
  }
  return { ref, uuid: await remote.call<string>('VDI.get_uuid', ref) };
}

async function* paced(
  bytes: AsyncIterable<Uint8Array>,
  length: number,
  pace: SendingProgress,
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const part of bytes) {
    pace.checkpoint();
    yield part;
    sent += part.length;
    await pace.progress(sent / length);
  }
}

/** The VM with its snapshots, on the disks that were sent. It comes with the uuid that it is to have: when it is there it is not sent again. */
export async function sendRecords(
  sending: SendingContext,
  disks: readonly SentDisk[],
  guest: Guest,
): Promise<Ref<'VM'>> {
  const { plane, remote, migration, remoteSide } = sending;
  const present = await remoteVm(remote, migration.uuid);
  if (present) return settled(remote, present);
  const bytes = await buildArchive(plane, migration, remoteSide, guest);
  const query = Object.fromEntries(
    migration.disks.map(({ uuid }, i) => [`vdi:${uuid}`, disks[i]?.uuid ?? '']),
  );
  const to =
    migration.memorySr === ''
      ? { path: '/import_metadata', query }
      : { path: '/import', query: { ...query, sr_id: migration.memorySr } };
  await remote.put('VM.migrate_send', {
    path: to.path,
    query: { ...to.query, restore: 'true', live: String(migration.running) },
    length: bytes.length,
    bytes: Readable.from([bytes]),
  });
  const vm = await remoteVm(remote, migration.uuid);
  if (!vm)
    throw new XenError(
      'VM_MIGRATE_FAILED',
      migration.vm,
      '',
      remoteSide.host,
      'The VM is gone from where it was sent to',
    );
  return vm;
}

/** An import that began before this process did may still be at work. */
async function settled(remote: RemotePool, vm: Ref<'VM'>): Promise<Ref<'VM'>> {
  const [task] = Object.keys(await remote.call<Record<string, string>>('VM.get_current_operations', vm));
  if (task !== undefined)
    throw new Later(500, 120_000, new XenError('OTHER_OPERATION_IN_PROGRESS', 'VM', vm, 'import', task));
  return vm;
}

/** The guest with its memory, standing still. */
export async function resumeRemote({ remote, remoteSide }: SendingContext, vm: Ref<'VM'>): Promise<void> {
  try {
    await remote.follow('VM.resume_on', vm, remoteSide.host, true, false);
  } catch (error) {
    if ((await remote.call('VM.get_power_state', vm)) !== 'Paused') throw error;
  }
}

/** From now on the VM is the other pool's like any other. */
export async function releaseRemote({ remote, migration }: SendingContext, vm: Ref<'VM'>): Promise<void> {
  await remote.call('VM.set_blocked_operations', vm, migration.blocked);
  if (!migration.running) return;
  try {
    await remote.follow('VM.unpause', vm);
  } catch (error) {
    if ((await remote.call('VM.get_power_state', vm)) === 'Paused') throw error;
  }
}

/** The disks get their names. */
export async function nameDisks(
  { plane, remote, migration }: SendingContext,
  disks: readonly SentDisk[],
): Promise<void> {
  const rows = await reading(plane.store, (tx) =>
    tx.getMany(
      'VDI',
      migration.disks.map((disk) => disk.vdi),
    ),
  );
  for (const [i, { ref }] of disks.entries()) {
    const row = rows.find((vdi) => vdi.ref === migration.disks[i]?.vdi);
    if (!row) continue;
    await remote.call('VDI.set_name_label', ref, row.name_label);
    await remote.call('VDI.set_other_config', ref, row.other_config);
    if (row.read_only) await remote.call('VDI.set_read_only', ref, true);
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof XenError && error.code === 'HANDLE_INVALID')) throw error;
}
const tries = 3;
/** Takes all away again that was made there, as far as it can be reached. */
export async function removeRemote(sending: SendingContext, disks: readonly SentDisk[]): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await cleared(sending, disks);
    } catch (error) {
      if (tried === tries)
        return sending.plane.log.warn(
          { error: String(error), mark: sending.mark, vm: sending.migration.uuid },
          'something of a migration is left in the other pool',
        );
      await sending.plane.clock.wait(1_000);
    }
  }
}
async function cleared(sending: SendingContext, disks: readonly SentDisk[]): Promise<void> {
  const { remote, migration } = sending;
  const vm = await remoteVm(remote, migration.uuid);
  if (vm) {
    const snapshots = await remote.call<Ref<'VM'>[]>('VM.get_snapshots', vm);
    // Operations that its owner has blocked must not keep it there.
    for (const one of [...snapshots, vm]) await remote.call('VM.set_blocked_operations', one, {});
    if (['Running', 'Paused'].includes(await remote.call<string>('VM.get_power_state', vm)))
      await remote.follow('VM.hard_shutdown', vm);
    for (const one of [...snapshots, vm]) await remote.follow('VM.destroy', one);
  }
  const unnamed = await Promise.all(
    migration.disks.map((disk) => remote.call<string[]>('VDI.get_by_name_label', labelOf(sending, disk))),
  );
  for (const vdi of new Set([...disks.map((disk) => disk.ref), ...unnamed.flat()]))
    await remote.follow('VDI.destroy', vdi).catch(unlessGone);
}
