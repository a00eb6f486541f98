/**
 * Chains of layers that grow shorter again. Of two sealed layers of which one lies on the other alone, one takes the blocks of both;
 * the other goes, or, where a disk that gave up its contents hangs between them, stays without bytes to say what it changed. A disk
 * that has a chain to itself comes down to one layer, also while its VM runs: guests do not write to it, and whoever does holds it. What is decided here is rows; the bytes have moved before.
 */
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Ids } from '../../core/context';
import { absorbBase } from './disk-chains';
import { lockTop, reportUtilisation, takePhysical } from './layers';

/** A pair of which the upper is the only one that shows the blocks of the lower. */
export interface Pair {
  readonly upper: string;
  readonly lower: string;
  /** Something else hangs between them for which their changes must stay distinct. */
  readonly apart: boolean;
  readonly upper_bytes: number;
  readonly lower_bytes: number;
  readonly lower_traced: boolean;
}
/** Layers on which just one lies that is needed for its bytes; whether others lie there for what changed only. */
const single = `single AS (SELECT parent, min(id) FILTER (WHERE NOT ghost) AS child, bool_or(ghost) AS apart FROM layer WHERE parent IS NOT NULL GROUP BY parent HAVING count(*) FILTER (WHERE NOT ghost) = 1)`;

/**
 * As storage managers have it: a switch of the repository keeps the chains in it, one of a disk its leaf, and a disk that a boot resets is
 * left alone while it is in use. `d` is the disk.
 */
const switchedOff = (keys: string): string =>
  `EXISTS (SELECT 1 FROM sr o, jsonb_each_text(o.other_config) s WHERE o.ref = d."SR" AND s.key IN (${keys}) AND s.value = 'false')`;
const keptLeaf = `(d.other_config->>'leaf-coalesce' IS NOT DISTINCT FROM 'false' OR ${switchedOff("'gc', 'coalesce', 'leaf-coalesce'")}
  OR d.on_boot = 'reset' AND EXISTS (SELECT 1 FROM vbd b WHERE b."VDI" = d.ref AND b.mode = 'RW' AND b.currently_attached))`;

export const foldable = (tx: Tx, limit: number): Promise<Pair[]> =>
  tx.query<Pair & Record<string, unknown>>(
    `WITH RECURSIVE ${single},
       up AS (SELECT s.child AS upper, s.parent AS lower, s.apart FROM single s JOIN layer c ON c.id = s.child AND c.sealed AND c.owner IS NOT NULL
              UNION ALL SELECT u.upper, s.parent, true FROM up u JOIN layer l ON l.id = u.lower AND u.apart AND l.traced AND l.bytes = 0 JOIN single s ON s.child = l.id)
     SELECT u.upper, u.lower, u.apart, c.bytes AS upper_bytes, p.bytes AS lower_bytes, p.traced AS lower_traced FROM up u JOIN layer c ON c.id = u.upper JOIN layer p ON p.id = u.lower AND p.sealed
     WHERE (NOT u.apart OR (c.bytes > 0 AND p.bytes > 0)) AND NOT EXISTS (SELECT 1 FROM vdi d WHERE d.ref = c.owner AND ${switchedOff("'gc', 'coalesce'")}) ORDER BY u.upper LIMIT $1`,
    [limit],
  );

/** The one that has more takes the blocks, so that the fewer are moved; never one of which nothing was ever written. */
export const movesOver = ({ upper_bytes, lower_bytes, lower_traced }: Pair): boolean =>
  upper_bytes <= lower_bytes && (lower_bytes > 0 || lower_traced);
export const takerOf = (pair: Pair): string => (movesOver(pair) ? pair.lower : pair.upper);
export const giverOf = (pair: Pair): string => (movesOver(pair) ? pair.upper : pair.lower);

interface Row {
  readonly id: string;
  readonly parent: string | null;
  readonly image: string | null;
  readonly bytes: number;
  readonly charge: number;
  readonly owner: string | null;
  readonly traced: boolean;
  readonly folding: boolean;
}
async function lockPair(tx: Tx, { upper, lower }: Pair): Promise<Rows | undefined> {
  const rows = await tx.query<Row & Record<string, unknown>>(
    'SELECT id, parent, image, bytes, charge, owner, traced, folding FROM layer WHERE id = ANY($1) AND sealed ORDER BY id FOR UPDATE',
    [[upper, lower]],
  );
  const [above, below] = [upper, lower].map((id) => rows.find((row) => row.id === id));
  return above && below ? { upper: above, lower: below } : undefined;
}

type Rows = { readonly upper: Row; readonly lower: Row };
async function stillPair(tx: Tx, pair: Pair): Promise<Rows | undefined> {
  const rows = await lockPair(tx, pair);
  const isPair =
    rows &&
    (pair.apart || (rows.upper.parent === rows.lower.id && (await childrenOf(tx, rows.lower.id)) === 1));
  if (!isPair) return undefined;
  // Locked, so that a disk is not destroyed while it gets layers.
  const owner = await tx.query('SELECT 1 AS yes FROM vdi WHERE ref = $1 FOR UPDATE', [rows.upper.owner]);
  return owner.length > 0 || rows.upper.owner === null ? rows : undefined;
}

/** Before the bytes move: from now on neither takes writes until it is known where they are. False when the tree is not as it was. */
export async function claimPair(tx: Tx, pair: Pair): Promise<boolean> {
  if (!(await stillPair(tx, pair))) return false;
  await tx.query('UPDATE layer SET folding = true WHERE id = ANY($1) AND NOT folding', [
    [pair.upper, pair.lower],
  ]);
  return true;
}
/** Claims on layers whose counterpart has gone altogether. */
export async function dropClaims(tx: Tx): Promise<void> {
  await tx.query(
    `UPDATE layer l SET folding = false WHERE folding AND NOT EXISTS (SELECT 1 FROM layer c WHERE c.parent = l.id AND c.sealed)
       AND NOT EXISTS (SELECT 1 FROM layer p WHERE p.id = l.parent AND p.sealed)`,
    [],
  );
}

/** After the bytes have moved, and the giver has none any more. Where the tree is not as it was, only the bytes are booked. */
export async function bookFold(tx: Tx, pair: Pair, bytes: number): Promise<void> {
  const found = await stillPair(tx, pair);
  if (!found) return reportUtilisation(tx, takerOf(pair), bytes);
  const rows = await withoutBase(tx, found);
  const { upper, lower } = rows;
  const taker = movesOver(pair) ? lower : upper;
  // The charge of a full copy for blocks that it shared is no charge for blocks that are its own now.
  const charge = Math.max(0, upper.charge + lower.charge - lower.bytes);
  await tx.query(
    'UPDATE layer SET bytes = $2, charge = $3, owner = $4, traced = $5, folding = false WHERE id = $1',
    [taker.id, bytes, charge, upper.owner, pair.apart || upper.traced || lower.traced],
  );
  if (pair.apart)
    await tx.query('UPDATE layer SET bytes = 0, charge = 0, traced = true, folding = false WHERE id = $1', [
      giverOf(pair),
    ]);
  else await leaveTree(tx, rows, taker);
  await account(tx, [
    [lower.owner, -lower.bytes - lower.charge],
    [upper.owner, bytes + charge - upper.bytes - upper.charge],
  ]);
}

/** A base copy that the lower layer is goes: it has become part of what lies on it. */
async function withoutBase(tx: Tx, { upper, lower }: Rows): Promise<Rows> {
  const gone =
    lower.owner !== null && upper.owner !== null && (await absorbBase(tx, lower.owner, upper.owner));
  return { upper, lower: gone ? { ...lower, owner: upper.owner } : lower };
}

async function childrenOf(tx: Tx, id: string): Promise<number> {
  const [row] = await tx.query<{ n: number }>('SELECT count(*)::int AS n FROM layer WHERE parent = $1', [id]);
  return row?.n ?? 0;
}

async function leaveTree(tx: Tx, { upper, lower }: Rows, taker: Row): Promise<void> {
  if (taker === lower) await tx.query('UPDATE layer SET parent = $2 WHERE parent = $1', [upper.id, lower.id]);
  else
    await tx.query('UPDATE layer SET parent = $2, image = $3 WHERE id = $1', [
      upper.id,
      lower.parent,
      lower.image,
    ]);
  await tx.query('DELETE FROM layer WHERE id = $1', [taker === lower ? upper.id : lower.id]);
}

async function account(tx: Tx, changes: readonly (readonly [string | null, number])[]): Promise<void> {
  const sums = new Map<string, number>();
  for (const [owner, bytes] of changes) if (owner !== null) sums.set(owner, (sums.get(owner) ?? 0) + bytes);
  for (const [owner, bytes] of [...sums].toSorted(([a], [b]) => a.localeCompare(b)))
    await takePhysical(tx, owner, bytes);
}

/** Disks that no operation holds and no copy of the database is written to, whose top lies alone on another layer. Whoever writes to a disk holds it. */
export async function restingTops(tx: Tx, limit: number): Promise<Ref<'VDI'>[]> {
  const rows = await tx.query<{ vdi: Ref<'VDI'> }>(
    `WITH ${single}
     SELECT v.vdi FROM single s JOIN layer t ON t.id = s.child AND NOT t.sealed JOIN layer p ON p.id = s.parent JOIN vdi_layer v ON v.layer = t.id JOIN vdi d ON d.ref = v.vdi
     WHERE NOT s.apart AND (t.opened OR t.bytes > 0 OR NOT p.traced AND NOT p.folding AND NOT EXISTS (SELECT 1 FROM single below WHERE below.child = p.id)) AND d.current_operations = '{}'
       AND NOT ${keptLeaf}
       AND NOT EXISTS (SELECT 1 FROM database_copy c WHERE c.vdi = d.ref) ORDER BY v.vdi LIMIT $1`,
    [limit],
  );
  return rows.map((row) => row.vdi);
}

/** One that was written to is sealed, so that it can be folded; one that is empty goes, and the disk takes its writes in the layer below. */
export async function settleTop(tx: Tx, ids: Ids, vdi: Ref<'VDI'>): Promise<void> {
  const [disk] = await tx.query<{ idle: boolean }>(
    `SELECT current_operations = '{}' AND NOT ${keptLeaf} AS idle FROM vdi d WHERE ref = $1 FOR UPDATE`,
    [vdi],
  );
  if (!disk?.idle) return;
  const top = await lockTop(tx, vdi);
  const [used] = await tx.query('SELECT 1 AS yes FROM database_copy WHERE vdi = $1', [vdi]);
  if (used || top.parent === null) return;
  await (top.touched ? cover(tx, ids, vdi, top.id) : uncover(tx, vdi, top.id, top.parent));
}

async function cover(tx: Tx, ids: Ids, vdi: Ref<'VDI'>, top: string): Promise<void> {
  await tx.query(
    `WITH below AS (UPDATE layer SET sealed = true WHERE id = $3), above AS (INSERT INTO layer(id, parent, owner) VALUES ($2, $3, $1))
     UPDATE vdi_layer SET layer = $2 WHERE vdi = $1`,
    [vdi, ids.uuid(), top],
  );
}

async function uncover(tx: Tx, vdi: Ref<'VDI'>, top: string, parent: string): Promise<void> {
  const rows = await tx.query<Row & Record<string, unknown>>(
    'SELECT id, parent, bytes, charge, owner, traced, folding FROM layer WHERE id = ANY($1) ORDER BY id FOR UPDATE',
    [[top, parent]],
  );
  const [above, below] = [top, parent].map((id) => rows.find((row) => row.id === id));
  if (!above || !below || below.traced || below.folding || (await childrenOf(tx, parent)) !== 1) return;
  // It is folded first: what it lies on may be its own already.
  if (below.parent !== null && (await childrenOf(tx, below.parent)) === 1) return;
  const absorbed = below.owner !== null && (await absorbBase(tx, below.owner, vdi));
  const charge = Math.max(0, above.charge + below.charge - below.bytes);
  await tx.query('UPDATE layer SET sealed = false, opened = true, owner = $2, charge = $3 WHERE id = $1', [
    parent,
    vdi,
    charge,
  ]);
  await tx.query('UPDATE vdi_layer SET layer = $2 WHERE vdi = $1', [vdi, parent]);
  await tx.query('DELETE FROM layer WHERE id = $1', [top]);
  await account(tx, [
    [absorbed ? vdi : below.owner, -below.bytes - below.charge],
    [vdi, below.bytes + charge - above.charge],
  ]);
}

/** Layers that only disks without contents lie on are as little needed for their bytes as those. */
export async function spreadGhosts(tx: Tx): Promise<void> {
  await tx.query(
    `UPDATE layer l SET ghost = true WHERE NOT ghost AND sealed AND id IN (SELECT parent FROM layer WHERE ghost)
       AND NOT EXISTS (SELECT 1 FROM layer c WHERE c.parent = l.id AND NOT c.ghost)`,
    [],
  );
}
export async function fullGhosts(tx: Tx, limit: number): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    'SELECT id FROM layer WHERE ghost AND (bytes > 0 OR sealed AND NOT traced) ORDER BY id LIMIT $1',
    [limit],
  );
  return rows.map((row) => row.id);
}
/** After its bytes were freed. */
export async function bookEmpty(tx: Tx, id: string): Promise<void> {
  const [was] = await tx.query<Row & Record<string, unknown>>(
    'SELECT bytes, charge, owner FROM layer WHERE id = $1 AND ghost FOR UPDATE',
    [id],
  );
  if (!was) return;
  await tx.query('UPDATE layer SET bytes = 0, charge = 0, traced = true WHERE id = $1', [id]);
  await account(tx, [[was.owner, -was.bytes - was.charge]]);
}
