/** Uses of a repository besides disks of VMs: the state of HA, and copies of the pool's database. */
import { storage } from '@xenplane/domain';
import { asRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Context } from '../core/context';
import { followCopy } from '../tables/database-copies';
import { diskBytes } from '../recovery/write-copies';
import { removeVdi } from './vdi-clone';
import { createVdi } from './vdi';

async function assertReachedByAll({ tx }: Context, sr: Ref<'SR'>): Promise<void> {
  const [missing] = await tx.query<{ ref: string }>(
    'SELECT h.ref FROM host h WHERE h.enabled AND NOT EXISTS (SELECT 1 FROM pbd p WHERE p.host = h.ref AND p."SR" = $1 AND p.currently_attached) LIMIT 1',
    [sr],
  );
  if (missing) throw new XenError('SR_HAS_NO_PBDS', sr);
}
function assertFeatures(ref: Ref<'SR'>, { type }: Pick<StoredRecord<'SR'>, 'type'>, feature: string): void {
  if (!storage.driverOf(type)?.features.includes(feature))
    throw new XenError('SR_OPERATION_NOT_SUPPORTED', ref);
}

const MiB = 2 ** 20;
export const statefileBytes = 4 * MiB;
export const redoLogBytes = 256 * MiB;
/** In xapi's order: every host is connected, the driver can attach a disk without the database, there is room. */
export async function assertHostsStatefile({ tx }: Pick<Context, 'tx'>, ref: Ref<'SR'>): Promise<void> {
  const sr = await tx.get('SR', ref);
  const [blind] = await tx.query(
    'SELECT 1 AS yes FROM host h WHERE NOT EXISTS (SELECT 1 FROM pbd p WHERE p.host = h.ref AND p."SR" = $1 AND p.currently_attached) LIMIT 1',
    [ref],
  );
  if (blind) throw new XenError('SR_HAS_NO_PBDS', ref);
  assertFeatures(ref, sr, 'VDI_GENERATE_CONFIG');
  if (sr.physical_size > 0 && sr.physical_size - sr.physical_utilisation < statefileBytes + redoLogBytes)
    throw new XenError('SR_SOURCE_SPACE_INSUFFICIENT', ref);
}
export async function assertReplicates(context: Context, ref: Ref<'SR'>): Promise<void> {
  assertFeatures(ref, await context.tx.get('SR', ref), 'SR_METADATA');
  await assertReachedByAll(context, ref);
}

/** The disks of a repository that carry this pool's database. */
async function replicas({ tx }: Context, sr: Ref<'SR'>) {
  const [pool] = await tx.find('pool', {});
  const metadata_of_pool = pool?.ref ?? asRef<'pool'>('OpaqueRef:NULL');
  return {
    pool: metadata_of_pool,
    present: await tx.find('VDI', { SR: sr, type: 'metadata', metadata_of_pool }),
  };
}
/** From here on a scheduler writes the database to a disk of the repository whenever it has changed. */
export async function enableReplication(context: Context, ref: Ref<'SR'>): Promise<void> {
  await assertReplicates(context, ref);
  const { pool, present } = await replicas(context, ref);
  const [vdi] = present.length > 0 ? present.map((p) => p.ref) : [await createReplica(context, ref)];
  if (!vdi) return;
  await context.tx.update('VDI', vdi, { metadata_of_pool: pool, metadata_latest: true });
  await followCopy(context.tx, vdi);
}
const createReplica = (context: Context, SR: Ref<'SR'>): Promise<Ref<'VDI'>> =>
  createVdi(context, {
    SR,
    virtual_size: diskBytes,
    type: 'metadata',
    sharable: true,
    read_only: false,
    other_config: {},
    name_label: 'Metadata for DR',
    name_description: 'Used for disaster recovery',
  });
export async function disableReplication(context: Context, ref: Ref<'SR'>): Promise<void> {
  for (const vdi of (await replicas(context, ref)).present) await removeVdi(context.tx, vdi);
}
