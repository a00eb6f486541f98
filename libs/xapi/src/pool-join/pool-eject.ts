/** A host leaves the pool: its records go, its local storage with all that is on it, and its agent is not let in any more. */
import { XenError, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import type { Context } from '../core/context';
import { removePbds } from '../storage/device-secrets';
import { removeHost } from '../fleet/removal';
import { lockPool } from '../pool/pool-record';
import { removeVdi } from '../storage/vdi-clone';
import { removeInvitation } from '../tables/invitations';
import { removeEnrolment } from '../tables/runs/agents';
import { hostHasRun } from '../tables/runs/halted-runs';
import { setAccepting } from '../tables/runs/host-runs';

async function assertMayGo(tx: Tx, host: Ref<'host'>): Promise<void> {
  const [vm] = await tx.query(`SELECT 1 FROM vm WHERE resident_on = $1 AND NOT is_control_domain LIMIT 1`, [
    host,
  ]);
  const hasRun = await hostHasRun(tx, host);
  if (vm || hasRun) throw new XenError('HOST_HAS_RESIDENT_VMS', host);
}

export const eject = ({ tx }: Context, host: Ref<'host'>): Promise<void> => removeMember(tx, host);

export async function removeMember(tx: Tx, host: Ref<'host'>): Promise<void> {
  const pool = await lockPool({ tx });
  if (pool.ha_enabled) throw new XenError('HA_IS_ENABLED');
  const record = await tx.lock('host', host);
  if (pool.master === host) throw new XenError('HOST_CANNOT_DESTROY_SELF', host);
  await setAccepting(tx, host, false);
  await assertMayGo(tx, host);
  await releaseHost(tx, record);
}

/** Objects of this host and of nothing else go with it. The host may be invited again. */
export async function releaseHost(tx: Tx, record: Row<'host'>): Promise<void> {
  await removeLocalStorage(tx, record.ref);
  await removeEnrolment(tx, record.uuid);
  await removeInvitation(tx, record.uuid);
  await removeHost(tx, record);
}

/** Of storage that only this host sees; VMs keep their drives, without a disk in them. */
async function removeLocalStorage(tx: Tx, host: Ref<'host'>): Promise<void> {
  const rows = await tx.query<{ sr: string }>(
    `SELECT p."SR" AS sr FROM pbd p JOIN sr s ON s.ref = p."SR" WHERE p.host = $1 AND NOT s.shared AND NOT EXISTS (SELECT 1 FROM pbd o WHERE o."SR" = p."SR" AND o.host <> $1)`,
    [host],
  );
  const srs = rows.map((r) => r.sr);
  await tx.query(
    `DELETE FROM vbd WHERE type = 'Disk' AND "VDI" IN (SELECT ref FROM vdi WHERE "SR" = ANY($1))`,
    [srs],
  );
  await tx.query(
    `UPDATE vbd SET "VDI" = NULL, empty = true WHERE "VDI" IN (SELECT ref FROM vdi WHERE "SR" = ANY($1))`,
    [srs],
  );
  const disks = await tx.query<{ ref: Ref<'VDI'> }>(
    'SELECT ref FROM vdi WHERE "SR" = ANY($1) AND managed ORDER BY ref',
    [srs],
  );
  for (const disk of await tx.getMany(
    'VDI',
    disks.map((d) => d.ref),
  ))
    await removeVdi(tx, disk);
  await removePbds(tx, 'SR', srs);
  await tx.query('DELETE FROM sr WHERE ref = ANY($1)', [srs]);
}
