/** The copies of databases that lie on disks: the layer of each, and, while it is being written, its disk. */
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { settingValue } from './settings';

/** Has the pool's database written to the disk from now on, until the disk's record goes. */
export async function followCopy(tx: Tx, vdi: Ref<'VDI'>): Promise<void> {
  await tx.query('DELETE FROM database_copy WHERE layer IS NULL AND vdi IS NULL');
  if (await isFollowed(tx, vdi)) return;
  await tx.query(
    `INSERT INTO database_copy(layer, pool, vdi) SELECT l.layer, p.uuid, l.vdi FROM vdi_layer l, pool p WHERE l.vdi = $1
     ON CONFLICT (layer) DO UPDATE SET vdi = excluded.vdi, pool = excluded.pool`,
    [vdi],
  );
}

export async function isFollowed(tx: Tx, vdi: Ref<'VDI'>): Promise<boolean> {
  return (await tx.query('SELECT 1 FROM database_copy WHERE vdi = $1', [vdi])).length > 0;
}

/** The uuid of the pool whose database the disk's own layer has; undefined when that is not known here. */
export async function poolOnDisk(tx: Tx, vdi: Ref<'VDI'>): Promise<string | undefined> {
  const [row] = await tx.query<{ pool: string }>(
    'SELECT c.pool FROM database_copy c JOIN vdi_layer l ON l.layer = c.layer WHERE l.vdi = $1',
    [vdi],
  );
  return row?.pool;
}

/** Of the copies of one pool's database, those are the latest that are being written to, and else the newest. */
export async function showLatest(tx: Tx): Promise<void> {
  await tx.query(
    `WITH copies AS (SELECT l.vdi, c.vdi IS NOT NULL OR c.position = max(c.position) OVER (PARTITION BY c.pool) AS latest
                     FROM database_copy c JOIN vdi_layer l ON l.layer = c.layer)
     UPDATE vdi d SET metadata_latest = copies.latest FROM copies WHERE d.ref = copies.vdi AND d.metadata_latest <> copies.latest`,
  );
}

export interface Followed {
  readonly vdi: Ref<'VDI'>;
  readonly turn: number;
}
const busySeconds = 120;

/** Disks that lack a change, in reach and not being written to: taken for as long as a copy may take. */
export async function takeBehind(tx: Tx, unimportant: readonly string[]): Promise<Followed[]> {
  return tx.query<Followed & Record<string, unknown>>(
    `UPDATE database_copy c SET busy_until = now() + interval '${busySeconds} seconds'
     WHERE c.vdi IS NOT NULL AND c.busy_until < now()
       AND EXISTS (SELECT 1 FROM vdi d JOIN pbd b ON b."SR" = d."SR" AND b.currently_attached WHERE d.ref = c.vdi AND NOT d.read_only AND d.current_operations = '{}')
       AND NOT EXISTS (SELECT 1 FROM vbd b WHERE b."VDI" = c.vdi AND b.mode = 'RW' AND b.currently_attached)
       AND (EXISTS (SELECT 1 FROM change g WHERE g.xid >= c.position::text::xid8 AND g.cls <> ALL ($1))
         OR (${settingValue("'change_floor'")} #>> '{}')::bigint > c.position)
     RETURNING c.vdi, c.turn`,
    [[...unimportant]],
  );
}
/** The disk has the copy; the next one comes after `restMs` at the earliest. */
export async function settleCopies(
  tx: Tx,
  { vdi, turn }: Followed,
  position: number,
  restMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE database_copy c SET turn = $2, position = $3, busy_until = now() + $4 * interval '1 millisecond', layer = l.layer FROM vdi_layer l WHERE c.vdi = $1 AND l.vdi = $1`,
    [vdi, turn, position, restMs],
  );
}
export async function releaseCopies(tx: Tx, { vdi }: Followed): Promise<void> {
  await tx.query(`UPDATE database_copy SET busy_until = '-infinity' WHERE vdi = $1`, [vdi]);
}
