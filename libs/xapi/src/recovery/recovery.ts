/** Disaster recovery: databases on disks are opened, and VMs come back from what they say. */
import { asRef, classes, messages, nullRef, XenError, type CallsOf, type Ref } from '@xenplane/model';
import { inTransaction, reading, type Row } from '@xenplane/store';
import type { Outside, Plane, Session } from '../core/context';
import type { Readable } from '../core/implied-calls';
import { isFollowed, poolOnDisk } from '../tables/database-copies';
import { headersOf, readCopy } from './write-copies';
import { readDump } from './dump';
import { ForeignDatabase, type OpenedDatabases } from './foreign-database';
import { assertOnItsOwn, assertStoragePresent, missingStorage, recover, vmsOfAppliance } from './recover';
import { assertAllowed } from '../people/roles';
import { insertSession, sessionRef, type Sessions } from '../api/sessions';
import { isPlugged } from '../begin/lifecycle-subjects';
import { readDisk } from '../transfer/contents';
import { insertOpenedDatabase } from '../tables/sessions/sessions';

const user = 'disaster-recovery';
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function metadataDisk(plane: Plane, self: Ref<'VDI'>): Promise<Row<'VDI'>> {
  return reading(plane.store, async (tx) => {
    const vdi = await tx.get('VDI', self);
    if (vdi.type !== 'metadata') throw new XenError('VDI_INCOMPATIBLE_TYPE', self, vdi.type);
    if (await isFollowed(tx, self))
      throw new XenError('VDI_CONTAINS_METADATA_OF_THIS_POOL', self, vdi.metadata_of_pool);
    if (!(await isPlugged(tx, vdi.SR))) throw new XenError('SR_HAS_NO_PBDS', vdi.SR);
    return vdi;
  });
}

/** The database as the disk has it now is opened; the session goes on reading that. */
async function openDatabase({ plane, signal }: Outside, self: Ref<'VDI'>): Promise<Ref<'session'>> {
  const vdi = await metadataDisk(plane, self);
  const dump = await wholeDump(plane, vdi, signal).catch((error: unknown) => {
    throw new XenError('COULD_NOT_IMPORT_DATABASE', reasonOf(error));
  });
  return inTransaction(plane.store, async (tx) => {
    const token = await insertSession(tx, plane, {
      user,
      root: false,
      role: 'read-only',
      originator: user,
      userRef: nullRef(),
    });
    await insertOpenedDatabase(tx, sessionRef(token), dump);
    return asRef<'session'>(token);
  });
}
async function wholeDump(plane: Plane, vdi: Row<'VDI'>, signal: AbortSignal): Promise<Buffer> {
  const { packed } = await readCopy(await readDisk(plane, vdi, { signal }));
  new ForeignDatabase(readDump(packed));
  return packed;
}

async function databasePool({ plane, signal }: Outside, self: Ref<'VDI'>): Promise<string> {
  const { vdi, known } = await reading(plane.store, async (tx) => ({
    vdi: await tx.get('VDI', self),
    known: await poolOnDisk(tx, self),
  }));
  if (vdi.type !== 'metadata') return '';
  if (known !== undefined) return known;
  const [newest] = await headersOf(await readDisk(plane, vdi, { signal }));
  return newest?.pool ?? '';
}

export const vdiOutside: Pick<
  CallsOf<typeof classes.VDI, Outside>,
  'open_database' | 'read_database_pool_uuid'
> = {
  open_database: (outside, { self }) => openDatabase(outside, self),
  read_database_pool_uuid: (outside, { self }) => databasePool(outside, self),
};

interface To {
  readonly session_to: Ref<'session'>;
}
/** The source, the target and the session of a recovery. */
interface Sides {
  readonly from: Readable;
  readonly pool: Readable;
  readonly to: Session;
}
type SidesOf = (outside: Outside, given: To) => Promise<Sides>;

const sidesOf =
  (sessions: Sessions, databases: OpenedDatabases): SidesOf =>
  async ({ plane, session }, { session_to }) => {
    const to = await sessions.named(session_to);
    await plane.replica.fresh();
    return {
      to,
      pool: plane.replica,
      from: session?.foreign ? await databases.of(session.ref) : plane.replica,
    };
  };

/** To bring VMs in asks of the session that they come to what an import asks. */
function assertMayRecover(to: Session): void {
  const message = messages.get('VM.import');
  if (message) assertAllowed(to, message, {});
}

type OfVm = Pick<
  CallsOf<typeof classes.VM, Outside>,
  'assert_can_be_recovered' | 'get_SRs_required_for_recovery' | 'recover'
>;
export function vmRecoveryOutside(sessions: Sessions, databases: OpenedDatabases): OfVm {
  const sides = sidesOf(sessions, databases);
  return {
    assert_can_be_recovered: async (outside, given) => {
      const { from, pool } = await sides(outside, given);
      assertOnItsOwn(from, given.self);
      assertStoragePresent(pool, from, [given.self]);
    },
    get_SRs_required_for_recovery: async (outside, given) => {
      const { from, pool } = await sides(outside, given);
      if (!from.has('VM', given.self)) throw new XenError('HANDLE_INVALID', 'VM', given.self);
      return missingStorage(pool, from, [given.self]).map((m) => m.sr);
    },
    recover: async (outside, given) => {
      const { from, pool, to } = await sides(outside, given);
      assertMayRecover(to);
      assertOnItsOwn(from, given.self);
      assertStoragePresent(pool, from, [given.self]);
      await recover({ plane: outside.plane, from, to, vms: [given.self], force: given.force });
    },
  };
}

export function applianceRecovery(
  sessions: Sessions,
  databases: OpenedDatabases,
): CallsOf<typeof classes.VM_appliance, Outside> {
  const sides = sidesOf(sessions, databases);
  return {
    assert_can_be_recovered: async (outside, given) => {
      const { from, pool } = await sides(outside, given);
      assertStoragePresent(pool, from, vmsOfAppliance(from, given.self));
    },
    get_SRs_required_for_recovery: async (outside, given) => {
      const { from, pool } = await sides(outside, given);
      return [...new Set(missingStorage(pool, from, vmsOfAppliance(from, given.self)).map((m) => m.sr))];
    },
    recover: async (outside, given) => {
      const { from, pool, to } = await sides(outside, given);
      assertMayRecover(to);
      const vms = vmsOfAppliance(from, given.self);
      assertStoragePresent(pool, from, vms);
      await recover({ plane: outside.plane, from, to, vms, force: given.force, appliance: given.self });
    },
  };
}
