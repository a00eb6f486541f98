/**
 * The contents of disks. A disk is its top layer over the chain of that layer's parents; a layer is a sparse set of blocks that the
 * image server keeps under the layer's identifier. Here is only which layer lies on which: a snapshot or a clone, however large,
 * is a few rows in the transaction that makes its record.
 *
 * Whoever is about to write to a disk asks for `writableTop` first. A layer that nobody has ever asked to write is empty, which
 * is why a copy of its disk may lie beside it instead of on top of it, and chains do not grow with every copy of a template.
 */
import { asRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Ids } from '../../core/context';
import { addBase, belowTop, leaveParent, ownBases, shareParent, type Below } from './disk-chains';

export interface LayerImage {
  readonly sha256: string;
  readonly format: 'raw' | 'qcow2';
}
export interface Layer {
  readonly id: string;
  /** The template image that lies below all blocks of this layer. */
  readonly image: LayerImage | null;
}
export interface NewLayer {
  readonly id: string;
  readonly vdi: Ref<'VDI'>;
  readonly parent?: string | null;
  /** Digest of the template image that it begins with. */
  readonly image?: string | null;
  /** The bytes that it holds already. */
  readonly bytes?: number;
  /** The bytes that a full copy takes of its repository for the layers that it shares with its source. */
  readonly charge?: number;
}

/** Of 64 KiB: what is kept, and what changed-block tracking counts. */
export const blockBytes = 65_536;

/** From the top down. */
export async function chainOf(tx: Tx, vdi: Ref<'VDI'>): Promise<readonly Layer[]> {
  const rows = await tx.query<{ id: string; image: string | null; format: 'raw' | 'qcow2' | null }>(
    `WITH RECURSIVE chain AS (
       SELECT l.id, l.parent, l.image, 0 AS depth FROM vdi_layer v JOIN layer l ON l.id = v.layer WHERE v.vdi = $1
       UNION ALL SELECT p.id, p.parent, p.image, c.depth + 1 FROM chain c JOIN layer p ON p.id = c.parent)
     SELECT c.id, c.image, i.format FROM chain c LEFT JOIN image i ON i.sha256 = c.image ORDER BY c.depth`,
    [vdi],
  );
  return rows.map(({ id, image, format }) => ({
    id,
    image: image === null ? null : { sha256: image, format: format ?? 'raw' },
  }));
}

/** How much a full copy of the disk would take. */
export async function contentBytes(tx: Tx, vdi: Ref<'VDI'>): Promise<number> {
  const [row] = await tx.query<{ bytes: number }>(
    `WITH RECURSIVE chain AS (
       SELECT l.id, l.parent, l.bytes FROM vdi_layer v JOIN layer l ON l.id = v.layer WHERE v.vdi = $1
       UNION ALL SELECT p.id, p.parent, p.bytes FROM chain c JOIN layer p ON p.id = c.parent)
     SELECT least(coalesce(sum(c.bytes), 0), (SELECT virtual_size FROM vdi WHERE ref = $1))::bigint AS bytes FROM chain c`,
    [vdi],
  );
  return row?.bytes ?? 0;
}

/** The layer that takes the disk's writes. From here on it counts as written to. */
export async function writableTop(tx: Tx, vdi: Ref<'VDI'>): Promise<string> {
  const [row] = await tx.query<{ layer: string }>(
    `WITH top AS (SELECT layer FROM vdi_layer WHERE vdi = $1 FOR UPDATE), opened AS (UPDATE layer SET opened = true FROM top WHERE id = top.layer AND NOT opened)
     SELECT layer FROM top`,
    [vdi],
  );
  if (!row) throw new Error(`the disk ${vdi} has no layer`);
  return row.layer;
}

/** A layer of its own for a disk that has none yet. */
export async function newLayer(
  tx: Tx,
  { id, vdi, parent = null, image = null, bytes = 0, charge = 0 }: NewLayer,
): Promise<void> {
  await tx.query(
    `WITH made AS (INSERT INTO layer(id, parent, image, bytes, charge, owner) VALUES ($1, $3, $4, $5, $6, $2))
     INSERT INTO vdi_layer(vdi, layer) VALUES ($2, $1)`,
    [id, vdi, parent, image, bytes, charge],
  );
}

/** An empty layer for each of these disks, which are new. */
export async function newLayers(
  tx: Tx,
  layers: readonly { readonly id: string; readonly vdi: string }[],
): Promise<void> {
  await tx.query(
    `WITH given AS (SELECT * FROM unnest($1::text[], $2::text[]) AS g(id, vdi)), made AS (INSERT INTO layer(id, owner) SELECT id, vdi FROM given)
     INSERT INTO vdi_layer(vdi, layer) SELECT vdi, id FROM given`,
    [layers.map((l) => l.id), layers.map((l) => l.vdi)],
  );
}

export interface Top {
  readonly id: string;
  readonly parent: string | null;
  readonly written: boolean;
  /** The same, as far as it is known: not counting a VM that has the disk attached. */
  readonly touched: boolean;
}
/** Nobody else gives the disk another top before this transaction ends. */
export async function lockTop(tx: Tx, vdi: Ref<'VDI'>): Promise<Top> {
  await tx.query('SELECT layer FROM vdi_layer WHERE vdi = $1 FOR UPDATE', [vdi]);
  const [top] = await tx.query<Top>(
    `SELECT l.id, l.parent, l.opened OR l.bytes > 0 OR EXISTS (SELECT 1 FROM vbd WHERE "VDI" = $1 AND mode = 'RW' AND currently_attached) AS written, l.opened OR l.bytes > 0 AS touched
     FROM vdi_layer v JOIN layer l ON l.id = v.layer WHERE v.vdi = $1`,
    [vdi],
  );
  if (!top) throw new Error(`the disk ${vdi} has no layer`);
  return top;
}

/**
 * The parent under which a new layer contains what the disk contains now. Written blocks are sealed, and the disk goes on in an
 * empty layer. So is the bottom of every tree, written or not: by it disks know that they are of one tree.
 */
async function sealed(tx: Tx, ids: Ids, vdi: Ref<'VDI'>, shown: boolean): Promise<string> {
  const top = await lockTop(tx, vdi);
  const below = shown ? await belowTop(tx, vdi) : undefined;
  if (!top.written && top.parent !== null && below !== 'apart')
    return staying(tx, ids, vdi, { parent: top.parent, below });
  const id = ids.uuid();
  await tx.query(
    `WITH below AS (UPDATE layer SET sealed = true WHERE id = $3), above AS (INSERT INTO layer(id, parent, owner) VALUES ($2, $3, $1))
     UPDATE vdi_layer SET layer = $2 WHERE vdi = $1`,
    [vdi, id, top.id],
  );
  if (below !== undefined) await addBase(tx, ids, vdi, top.id);
  return top.id;
}

/** A layer that is being folded into another may not get a new one on it: what it went into does instead. */
async function staying(tx: Tx, ids: Ids, vdi: Ref<'VDI'>, { parent, below }: Under): Promise<string> {
  const rows = await tx.query('SELECT id FROM layer WHERE id = $1 FOR KEY SHARE', [parent]);
  if (rows.length === 0) return sealed(tx, ids, vdi, below !== undefined);
  if (below === 'own') await addBase(tx, ids, vdi, parent);
  return parent;
}
interface Under {
  readonly parent: string;
  readonly below: Below | undefined;
}

export interface Branch {
  /** The bytes that a full copy takes for the layers that it shares. */
  readonly charge: number;
  /** A snapshot or clone within the repository: it lies on a base copy with its source, where there are any. */
  readonly shown: boolean;
}
/** Gives the new disk `copy` the contents that `source` has now; from then on each goes its own way. */
export async function branch(
  tx: Tx,
  ids: Ids,
  [source, copy]: readonly [Ref<'VDI'>, Ref<'VDI'>],
  { charge, shown }: Branch,
): Promise<void> {
  await newLayer(tx, { id: ids.uuid(), vdi: copy, charge, parent: await sealed(tx, ids, source, shown) });
  if (shown) await shareParent(tx, source, copy);
}

/** Gives the present disk `vdi` the contents that `source` has now; what it had is gone. The repository's sums follow. */
export async function revertLayers(
  tx: Tx,
  ids: Ids,
  [vdi, source]: readonly [Ref<'VDI'>, Ref<'VDI'>],
  { charge, shown }: Branch,
): Promise<void> {
  const parent = await sealed(tx, ids, source, shown);
  await dropLayers(tx, vdi);
  await newLayer(tx, { id: ids.uuid(), vdi, charge, parent });
  await (shown ? shareParent(tx, source, vdi) : leaveParent(tx, vdi));
  await takePhysical(tx, vdi, charge);
}

/**
 * Hands the contents of one disk to another that has none: the top layer and whoever writes to it stay. What other disks lie on
 * is counted for them from now on, and the new disk is charged for all that it contains.
 */
export async function moveLayers(tx: Tx, from: Ref<'VDI'>, to: Ref<'VDI'>): Promise<void> {
  const bytes = await contentBytes(tx, from);
  const top = await lockTop(tx, from);
  await dropLayers(tx, from);
  await tx.query('INSERT INTO vdi_layer(vdi, layer) VALUES ($1, $2)', [to, top.id]);
  const own = await claimLayers(tx, to);
  await tx.query('UPDATE layer SET charge = $2 WHERE id = $1', [top.id, Math.max(0, bytes - own)]);
  await takePhysical(tx, to, Math.max(own, bytes));
}

/** Counts for a disk what nobody else's is of its contents; answers how much that is. */
export async function claimLayers(tx: Tx, vdi: Ref<'VDI'>): Promise<number> {
  const rows = await tx.query<{ bytes: number }>(
    `WITH RECURSIVE chain AS (
       SELECT l.id, l.parent FROM vdi_layer v JOIN layer l ON l.id = v.layer WHERE v.vdi = $1 UNION ALL SELECT p.id, p.parent FROM chain c JOIN layer p ON p.id = c.parent)
     UPDATE layer l SET owner = $1, charge = 0 FROM chain WHERE l.id = chain.id AND l.owner IS NULL RETURNING l.bytes`,
    [vdi],
  );
  return rows.reduce((sum, r) => sum + r.bytes, 0);
}

/** The layers whose blocks make the difference between two disks; undefined for disks that have no layer in common. */
export async function changedLayers(
  tx: Tx,
  from: Ref<'VDI'>,
  to: Ref<'VDI'>,
): Promise<readonly string[] | undefined> {
  const [a, b] = [await chainOf(tx, from), await chainOf(tx, to)].map((chain) => chain.map((l) => l.id));
  if (!a || !b) return undefined;
  const shared = a.find((id) => b.includes(id));
  return shared === undefined
    ? undefined
    : [...a.slice(0, a.indexOf(shared)), ...b.slice(0, b.indexOf(shared))];
}

/** The bytes by which one disk differs from the other, as far as layers show it. */
export async function changedBytes(tx: Tx, from: Ref<'VDI'>, to: Ref<'VDI'>): Promise<number> {
  const changed = await changedLayers(tx, from, to);
  if (!changed) return contentBytes(tx, to);
  const [row] = await tx.query<{ bytes: number }>(
    'SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM layer WHERE id = ANY($1)',
    [[...changed]],
  );
  return row?.bytes ?? 0;
}

interface Heir {
  readonly heir: string | null;
  readonly bytes: number;
}
/**
 * Takes a disk's contents away. Layers that other disks lie on are counted for one of those from now on; the rest belongs to
 * nobody and will be collected. The sums of disks and repositories follow, but for the disk itself.
 */
export async function dropLayers(tx: Tx, vdi: Ref<'VDI'>): Promise<void> {
  // Locked first: nobody gives layers to a disk that goes.
  await tx.query(
    'WITH held AS (SELECT ref FROM vdi WHERE ref = $1 FOR UPDATE) DELETE FROM vdi_layer v USING held h WHERE v.vdi = h.ref',
    [vdi],
  );
  await inheritLayers(tx, vdi);
  for (const base of await ownBases(tx, vdi)) await dropBase(tx, base);
}

/** A base copy that nothing lies on any more. */
export async function dropBase(tx: Tx, base: Ref<'VDI'>): Promise<void> {
  await inheritLayers(tx, base);
  await tx.remove('VDI', base);
}

async function inheritLayers(tx: Tx, vdi: Ref<'VDI'>): Promise<void> {
  const heirs = await tx.query<Heir>(
    `WITH RECURSIVE below AS (SELECT id AS root, id FROM layer WHERE owner = $1 UNION SELECT b.root, l.id FROM below b JOIN layer l ON l.parent = b.id),
       heirs AS (SELECT b.root, coalesce(min(v.vdi) FILTER (WHERE NOT t.ghost), min(v.vdi)) AS heir FROM below b JOIN layer t ON t.id = b.id JOIN vdi_layer v ON v.layer = b.id GROUP BY b.root)
     UPDATE layer l SET owner = h.heir FROM (SELECT o.id, h.heir FROM layer o LEFT JOIN heirs h ON h.root = o.id WHERE o.owner = $1) h
     WHERE l.id = h.id RETURNING h.heir, l.bytes + l.charge AS bytes`,
    [vdi],
  );
  await giveToHeirs(tx, vdi, heirs);
}

/**
 * Of a disk's contents only stays what says that something has changed. Its layers are counted for disks that have contents, and
 * the bytes that no such disk needs are freed later.
 */
export async function giveUpContents(tx: Tx, vdi: Ref<'VDI'>): Promise<void> {
  await lockTop(tx, vdi);
  await tx.query('UPDATE layer SET ghost = true FROM vdi_layer v WHERE v.vdi = $1 AND layer.id = v.layer', [
    vdi,
  ]);
  const heirs = await tx.query<Heir>(
    `WITH RECURSIVE below AS (SELECT id AS root, id FROM layer WHERE owner = $1 UNION SELECT b.root, l.id FROM below b JOIN layer l ON l.parent = b.id),
       heirs AS (SELECT b.root, min(v.vdi) AS heir FROM below b JOIN layer t ON t.id = b.id AND NOT t.ghost JOIN vdi_layer v ON v.layer = b.id GROUP BY b.root)
     UPDATE layer l SET owner = h.heir FROM heirs h WHERE l.id = h.root RETURNING h.heir, l.bytes + l.charge AS bytes`,
    [vdi],
  );
  await giveToHeirs(tx, vdi, heirs);
  const bases = await ownBases(tx, vdi);
  await leaveParent(tx, vdi);
  for (const base of bases) await dropBase(tx, base);
}

/** An heir that was destroyed meanwhile has heirs itself; one that is there is locked, so that it is not destroyed without these layers. */
async function giveToHeirs(tx: Tx, vdi: Ref<'VDI'>, heirs: readonly Heir[]): Promise<void> {
  await takePhysical(tx, vdi, -heirs.reduce((sum, h) => sum + h.bytes, 0));
  const named = [...new Set(heirs.flatMap(({ heir }) => heir ?? []))].toSorted((a, b) => a.localeCompare(b));
  if (named.length === 0) return;
  const present = await tx.query<{ ref: string }>(
    'SELECT ref FROM vdi WHERE ref = ANY($1) ORDER BY ref FOR UPDATE',
    [named],
  );
  for (const ref of named) {
    await takePhysical(
      tx,
      ref,
      heirs.filter(({ heir }) => heir === ref).reduce((sum, { bytes }) => sum + bytes, 0),
    );
    if (!present.some((disk) => disk.ref === ref)) await inheritLayers(tx, asRef<'VDI'>(ref));
  }
}

/** Adds to what a disk, and with it its repository, takes on the medium. */
export async function takePhysical(tx: Tx, vdi: string, bytes: number): Promise<void> {
  if (bytes === 0) return;
  await tx.query(
    `WITH disk AS (UPDATE vdi SET physical_utilisation = physical_utilisation + $2::bigint WHERE ref = $1 RETURNING "SR")
     UPDATE sr SET physical_utilisation = physical_utilisation + $2::bigint FROM disk WHERE sr.ref = disk."SR"`,
    [vdi, bytes],
  );
}

/** The utilisation of a layer after writes, as the image server reports it. */
export async function reportUtilisation(tx: Tx, layer: string, bytes: number): Promise<void> {
  const [was] = await tx.query<{ owner: string | null; bytes: number }>(
    'SELECT owner, bytes FROM layer WHERE id = $1 FOR UPDATE',
    [layer],
  );
  if (!was || was.bytes === bytes) return;
  await tx.query('UPDATE layer SET bytes = $2, opened = true WHERE id = $1', [layer, bytes]);
  if (was.owner !== null) await takePhysical(tx, was.owner, bytes - was.bytes);
}

/** Layers that no disk has and no layer lies on; those that only these lay on come the next time. */
export async function unusedLayers(tx: Tx, limit: number): Promise<readonly string[]> {
  const rows = await tx.query<{ id: string }>(
    `SELECT l.id FROM layer l WHERE NOT EXISTS (SELECT 1 FROM vdi_layer v WHERE v.layer = l.id) AND NOT EXISTS (SELECT 1 FROM layer c WHERE c.parent = l.id)
       AND NOT EXISTS (SELECT 1 FROM stray_volume s WHERE s.layer = l.id) ORDER BY l.id LIMIT $1`,
    [limit],
  );
  return rows.map((r) => r.id);
}
export async function deleteLayers(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.query('DELETE FROM layer WHERE id = ANY($1)', [[...ids]]);
}

/** Each disk of a repository takes what the layers counted for it take. */
export async function countLayers(tx: Tx, sr: Ref<'SR'>): Promise<void> {
  await tx.query(
    `UPDATE vdi d SET physical_utilisation = s.bytes FROM (SELECT v.ref, coalesce(sum(l.bytes + l.charge), 0)::bigint AS bytes FROM vdi v LEFT JOIN layer l ON l.owner = v.ref WHERE v."SR" = $1 GROUP BY v.ref) s
     WHERE d.ref = s.ref AND d.physical_utilisation <> s.bytes`,
    [sr],
  );
}
