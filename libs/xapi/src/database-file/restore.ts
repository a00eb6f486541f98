/**
 * Brings the records of a database file back, all of them or none. What clients have set is set again; VMs, their devices,
 * networks and appliances that are gone are made again, halted; those made since are taken away. What hosts and storage
 * really have stays as it is: a file that speaks of a host, a storage or a disk that is not there any more is refused.
 */
import { asRef, classNamed, nullRef, XenError, type ClassName, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { vmOverrides } from '../vm/vm';
import type { Context, Plane, Session } from '../core/context';
import { notedNow } from '../tables/layers/disk-chains';
import { broken, readRows, type DumpRow } from './read';

type Loose = Readonly<Record<string, unknown>>;

const made = ['VM_metrics', 'network', 'VM_appliance', 'VM', 'VBD', 'VIF'] as const;
const needed: readonly ClassName[] = ['pool', 'host', 'SR', 'VDI', 'PIF', 'PBD'];
const restored: readonly ClassName[] = [...made, ...needed];
/** The fields that every object has right after it has been restored. */
const fresh: Readonly<Partial<Record<ClassName, Loose>>> = {
  VM: {
    power_state: 'Halted',
    domid: -1,
    resident_on: nullRef(),
    scheduled_to_be_resident_on: nullRef(),
    guest_metrics: nullRef(),
    suspend_VDI: nullRef(),
    current_operations: {},
    allowed_operations: [],
    blobs: {},
  },
  VBD: { currently_attached: false, current_operations: {}, allowed_operations: [] },
  VIF: { currently_attached: false, current_operations: {}, allowed_operations: [] },
  VM_appliance: { current_operations: {}, allowed_operations: [] },
  network: { current_operations: {}, allowed_operations: [], blobs: {} },
};
const atOnce = 200;

/** Those that a client may set and that nothing else follows from; a VM that runs keeps what its domain was made of. */
function changed(cls: ClassName, before: Loose, after: Loose): Loose {
  const fields = Object.entries(classNamed(cls).fields).filter(
    ([, { access, effect, inverse }]) => access === 'readWrite' && !effect && inverse === undefined,
  );
  return Object.fromEntries(
    fields.flatMap(([name]) =>
      JSON.stringify(before[name]) === JSON.stringify(after[name]) ? [] : [[name, after[name]]],
    ),
  );
}

async function bring(tx: Tx, cls: ClassName, rows: readonly DumpRow[]): Promise<void> {
  const here = new Map(
    (
      await tx.getMany(
        cls,
        rows.map((r) => r.ref),
      )
    ).map((row) => [String(row.ref), row]),
  );
  for (const { ref, record } of rows) {
    if (isBase(cls, record)) continue;
    const before = here.get(ref);
    if (before) await tx.update(cls, asRef(ref), changed(cls, before, asKept(cls, before, record)));
    else await make(tx, cls, ref, record);
  }
}

/** Base copies come and go with the chains of disks, which a file says nothing new of. */
const isBase = (cls: ClassName, record: Loose): boolean => cls === 'VDI' && record['managed'] === false;
function asKept(cls: ClassName, before: Loose, record: Loose): Loose {
  const notes = (from: Loose): Readonly<Record<string, string>> =>
    (from['sm_config'] ?? {}) as Readonly<Record<string, string>>;
  return cls === 'VDI' ? { ...record, sm_config: notedNow(notes(before), notes(record)) } : record;
}

async function make(tx: Tx, cls: ClassName, ref: string, record: Loose): Promise<void> {
  if (needed.includes(cls) || record['is_control_domain'] === true)
    throw broken(`There is no ${cls} ${String(record['uuid'])} here any more`);
  await tx.insertAll(cls, [{ ...record, ...fresh[cls], ref: asRef(ref) }]);
}

type Seen = ReadonlyMap<ClassName, ReadonlySet<string>>;
async function since(tx: Tx, cls: ClassName, seen: Seen): Promise<Loose[]> {
  const rows = await tx.query(`SELECT * FROM "${cls.toLowerCase()}" WHERE NOT ref = ANY($1)`, [
    [...(seen.get(cls) ?? [])],
  ]);
  return [...rows];
}

async function takeAway(context: Context, seen: Seen): Promise<void> {
  const { tx } = context;
  for (const vm of await since(tx, 'VM', seen)) {
    const self = asRef<'VM'>(String(vm['ref']));
    if (vm['power_state'] !== 'Halted')
      throw new XenError('VM_BAD_POWER_STATE', self, 'halted', String(vm['power_state']).toLowerCase());
    await vmOverrides.destroy(context, { self });
  }
  for (const cls of ['VBD', 'VIF'] as const)
    for (const device of await since(tx, cls, seen)) {
      if (device['currently_attached'] === true)
        throw broken(`The ${cls} ${String(device['uuid'])} is attached and not in the file`);
      await tx.remove(cls, asRef(String(device['ref'])));
    }
  for (const appliance of await since(tx, 'VM_appliance', seen))
    await tx.remove('VM_appliance', asRef(String(appliance['ref'])));
  for (const network of await since(tx, 'network', seen)) {
    const ref: Ref<'network'> = asRef(String(network['ref']));
    if ((await tx.find('PIF', { network: ref })).length === 0) await tx.remove('network', ref);
  }
}

class DryRun extends Error {}

async function work(context: Context, rows: AsyncIterable<DumpRow>): Promise<void> {
  const seen = new Map<ClassName, Set<string>>(restored.map((cls) => [cls, new Set()]));
  let batch: DumpRow[] = [];
  const flush = async (): Promise<void> => {
    const [first] = batch;
    if (first) await bring(context.tx, first.cls, batch);
    batch = [];
  };
  for await (const row of rows) {
    if (batch.length >= atOnce || (batch[0] && batch[0].cls !== row.cls)) await flush();
    if (seen.get(row.cls)?.has(row.ref)) throw broken(`${row.ref} is there twice`);
    seen.get(row.cls)?.add(row.ref);
    batch.push(row);
  }
  await flush();
  // Every pool has these: a file without them lacks their tables.
  for (const cls of ['pool', 'host', 'VM', 'network'] as const)
    if (seen.get(cls)?.size === 0) throw broken(`The file has no ${cls}`);
  await takeAway(context, seen);
  await context.tx.query('SET CONSTRAINTS ALL IMMEDIATE');
}

/** Postgres' error: a reference leads nowhere, or a uuid is there twice. */
const isInconsistent = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && /^2[23]/.test(String(error.code));

/** `file` begins anew whenever it is called. A dry run does everything and then nothing of it. */
export async function restoreDatabase(
  plane: Plane,
  session: Session,
  file: () => AsyncIterable<Uint8Array>,
  dryRun: boolean,
): Promise<void> {
  try {
    await inTransaction(plane.store, async (tx) => {
      await work(
        { plane, session, tx, task: undefined },
        readRows(file(), (cls) => restored.includes(cls)),
      );
      if (dryRun) throw new DryRun();
    });
  } catch (error) {
    if (error instanceof DryRun) return;
    if (isInconsistent(error))
      throw broken(error instanceof Error ? error.message : 'The file contradicts itself');
    if (error instanceof TypeError) throw broken('The file is not in UTF-8');
    throw error;
  }
}
