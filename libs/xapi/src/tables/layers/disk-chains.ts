/**
 * The visible side of the chains that disks lie on. Where a driver keeps disks as files with parents, a snapshot or a clone of a disk
 * leaves what it contained in a base copy: a record of its own, not managed, which the disk and its copy name as their `vhd-parent`.
 * A base copy owns the layer that it stands for, and goes when that is folded into another or when nothing lies on it any more.
 * Full copies share layers too, but drivers know nothing of that: they name no parent.
 */
import { storage } from '@xenplane/domain';
import { asRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import type { Ids } from '../../core/context';
import { recordWith } from '../../core/records';

type SmConfig = StoredRecord<'VDI'>['sm_config'];
const parentKey = 'vhd-parent';
// Clients may write any parent into sm_config: whoever follows them goes a bounded way.
const describing = [parentKey, 'vdi_type', 'image-format'];
/** Disks with more files below one another than these are not copied any more, as the format gets slow. */
export const longestChain = 30;

const ofFile = (config: SmConfig): SmConfig =>
  Object.fromEntries(Object.entries(config).filter(([key]) => describing.includes(key)));

export const hasChains = (type: string): boolean => storage.driverOf(type)?.formats.includes('vhd') ?? false;

/** The sm_config of a new disk: the driver's keys beside the given ones. */
export function noted(type: string, given: SmConfig): SmConfig {
  if (!hasChains(type)) return given;
  const format = given['image-format'] ?? 'vhd';
  return { 'image-format': format, ...(type.startsWith('lvm') ? { vdi_type: format } : {}), ...given };
}
/** The same of a copy: how its source is kept does not matter. */
export const notedOfCopy = (type: string, source: SmConfig): SmConfig =>
  noted(type, Object.fromEntries(Object.entries(source).filter(([key]) => !describing.includes(key))));
/** The sm_config of a disk with new keys of clients: the driver's own keys stay. */
export const notedNow = (present: SmConfig, wanted: SmConfig): SmConfig => ({
  ...Object.fromEntries(Object.entries(wanted).filter(([key]) => !describing.includes(key))),
  ...ofFile(present),
});
export const withoutParent = ({ [parentKey]: _parent, ...rest }: SmConfig): SmConfig => rest;

export async function assertNotTooLong(
  tx: Tx,
  { ref, sm_config }: Pick<Row<'VDI'>, 'ref' | 'sm_config'>,
): Promise<void> {
  if (sm_config[parentKey] === undefined) return;
  const [row] = await tx.query<{ depth: number }>(
    `WITH RECURSIVE up AS (SELECT sm_config->>'${parentKey}' AS uuid, 1 AS depth FROM vdi WHERE ref = $1
       UNION ALL SELECT d.sm_config->>'${parentKey}', u.depth + 1 FROM up u JOIN vdi d ON d.uuid = u.uuid AND NOT d.managed WHERE u.depth < ${longestChain})
     SELECT max(depth)::int AS depth FROM up`,
    [ref],
  );
  if ((row?.depth ?? 0) >= longestChain) throw storage.failure('chainTooLong');
}

/**
 * Under the top layer of a disk that keeps chains: the base copy that it names, a layer that is sealed and its own, or what it has
 * in common with others unseen, as full copies have. Undefined where the driver has no chains.
 */
export type Below = 'base' | 'own' | 'apart';
export async function belowTop(tx: Tx, vdi: Ref<'VDI'>): Promise<Below | undefined> {
  const [row] = await tx.query<{ type: string; own: boolean; based: boolean }>(
    `SELECT s.type, coalesce(p.owner = d.ref, false) AS own, coalesce(o.uuid = d.sm_config->>'${parentKey}', false) AS based
     FROM vdi d JOIN sr s ON s.ref = d."SR" JOIN vdi_layer v ON v.vdi = d.ref JOIN layer t ON t.id = v.layer LEFT JOIN layer p ON p.id = t.parent LEFT JOIN vdi o ON o.ref = p.owner
     WHERE d.ref = $1`,
    [vdi],
  );
  if (!row || !hasChains(row.type)) return undefined;
  return row.based ? 'base' : row.own ? 'own' : 'apart';
}

type Based = Pick<Row<'VDI'>, 'SR' | 'virtual_size' | 'type' | 'sm_config'>;
async function insertBase(
  tx: Tx,
  ids: Ids,
  { SR, virtual_size, type, sm_config }: Based,
  layer: string,
): Promise<string> {
  const uuid = ids.uuid(),
    ref = asRef<'VDI'>(`OpaqueRef:${uuid}`);
  const record = {
    uuid,
    location: uuid,
    SR,
    virtual_size,
    type,
    sm_config,
    name_label: 'base copy',
    read_only: true,
    managed: false,
  };
  await tx.insert('VDI', ref, recordWith('VDI', record));
  await giveLayers(tx, ref, 'id', layer);
  return uuid;
}

/** Layers are counted for another disk from now on. */
async function giveLayers(tx: Tx, to: string, where: 'id' | 'owner', what: string): Promise<void> {
  await tx.query(
    `WITH given AS (SELECT id, owner, bytes + charge AS bytes FROM layer WHERE ${where} = $2 AND owner IS DISTINCT FROM $1 FOR UPDATE),
       moved AS (UPDATE layer l SET owner = $1 FROM given g WHERE l.id = g.id),
       changes AS (SELECT owner AS ref, -sum(bytes) AS bytes FROM given WHERE owner IS NOT NULL GROUP BY owner UNION ALL SELECT $1, sum(bytes) FROM given),
       disks AS (UPDATE vdi d SET physical_utilisation = physical_utilisation + c.bytes::bigint FROM changes c WHERE d.ref = c.ref AND c.bytes <> 0 RETURNING d."SR", c.bytes)
     UPDATE sr SET physical_utilisation = physical_utilisation + t.bytes::bigint FROM (SELECT "SR", sum(bytes) AS bytes FROM disks GROUP BY "SR") t
     WHERE sr.ref = t."SR" AND t.bytes <> 0`,
    [to, what],
  );
}

async function setParent(tx: Tx, ref: string, parent: string | null): Promise<void> {
  await tx.query(
    `UPDATE vdi SET sm_config = CASE WHEN $2::text IS NULL THEN sm_config - '${parentKey}' ELSE sm_config || jsonb_build_object('${parentKey}', $2::text) END
     WHERE ref = $1 AND sm_config->>'${parentKey}' IS DISTINCT FROM $2`,
    [ref, parent],
  );
}

/** The disk's layer has just been sealed under another: it is a base copy on which the disk lies now. */
export async function addBase(tx: Tx, ids: Ids, vdi: Ref<'VDI'>, layer: string): Promise<void> {
  const disk = await tx.get('VDI', vdi);
  await setParent(tx, vdi, await insertBase(tx, ids, { ...disk, sm_config: ofFile(disk.sm_config) }, layer));
}

/** A copy that was made of a disk in its repository lies on the same base. */
export async function shareParent(tx: Tx, source: Ref<'VDI'>, copy: Ref<'VDI'>): Promise<void> {
  await tx.query(
    `UPDATE vdi c SET sm_config = CASE WHEN s.parent IS NULL THEN c.sm_config - '${parentKey}' ELSE c.sm_config || jsonb_build_object('${parentKey}', s.parent) END
     FROM (SELECT sm_config->>'${parentKey}' AS parent FROM vdi WHERE ref = $1) s WHERE c.ref = $2 AND c.sm_config->>'${parentKey}' IS DISTINCT FROM s.parent`,
    [source, copy],
  );
}

export const leaveParent = (tx: Tx, vdi: Ref<'VDI'>): Promise<void> => setParent(tx, vdi, null);

/** A base copy whose layer has been folded into another disk's: what lay on it lies on what it lay on. False for any other disk, and when either is gone. */
export async function absorbBase(tx: Tx, base: string, into: string): Promise<boolean> {
  const disks = await tx.query<{ ref: string; uuid: string; managed: boolean; parent: string | null }>(
    `SELECT ref, uuid, managed, sm_config->>'${parentKey}' AS parent FROM vdi WHERE ref = ANY($1) ORDER BY ref FOR UPDATE`,
    [[base, into]],
  );
  const gone = disks.find(({ ref }) => ref === base);
  if (!gone || gone.managed || base === into || disks.length < 2) return false;
  const children = await tx.query<{ ref: string }>(
    `SELECT ref FROM vdi WHERE sm_config->>'${parentKey}' = $1 ORDER BY ref`,
    [gone.uuid],
  );
  for (const { ref } of children) await setParent(tx, ref, gone.parent);
  await giveLayers(tx, into, 'owner', base);
  await tx.remove('VDI', asRef<'VDI'>(base));
  return true;
}

/** The base copies that only this disk lies on, from the top down. */
export async function ownBases(tx: Tx, vdi: Ref<'VDI'>): Promise<Ref<'VDI'>[]> {
  const others = `NOT EXISTS (SELECT 1 FROM vdi o WHERE o.sm_config->>'${parentKey}' = b.uuid AND o.ref <> `;
  const rows = await tx.query<{ ref: Ref<'VDI'> }>(
    `WITH RECURSIVE up AS (
       SELECT b.ref, b.sm_config->>'${parentKey}' AS parent, 1 AS depth FROM vdi d JOIN vdi b ON b.uuid = d.sm_config->>'${parentKey}' AND NOT b.managed WHERE d.ref = $1 AND ${others}$1)
       UNION ALL SELECT b.ref, b.sm_config->>'${parentKey}', u.depth + 1 FROM up u JOIN vdi b ON b.uuid = u.parent AND NOT b.managed WHERE u.depth < ${2 * longestChain} AND ${others}u.ref))
     SELECT ref FROM up ORDER BY depth`,
    [vdi],
  );
  return rows.map((row) => row.ref);
}

/** Base copies on which nothing lies: two disks that went at once each saw the other. */
export const emptyBases = async (tx: Tx, limit: number): Promise<Ref<'VDI'>[]> =>
  (
    await tx.query<{ ref: Ref<'VDI'> }>(
      `SELECT b.ref FROM vdi b WHERE NOT b.managed AND NOT EXISTS (SELECT 1 FROM vdi o WHERE o.sm_config->>'${parentKey}' = b.uuid) ORDER BY b.ref LIMIT $1`,
      [limit],
    )
  ).map((row) => row.ref);

/** A base copy on which one disk or base copy lies, and full copies that keep its layer: to the driver it is coalesced. */
export const loneBases = (
  tx: Tx,
  limit: number,
): Promise<{ readonly base: string; readonly child: string }[]> =>
  tx.query<{ base: string; child: string }>(
    `SELECT b.ref AS base, min(c.ref) AS child FROM vdi b JOIN vdi c ON c.sm_config->>'${parentKey}' = b.uuid WHERE NOT b.managed
       AND NOT EXISTS (SELECT 1 FROM sr o, jsonb_each_text(o.other_config) s WHERE o.ref = b."SR" AND s.key IN ('gc', 'coalesce') AND s.value = 'false')
     GROUP BY b.ref HAVING count(*) = 1
       AND EXISTS (SELECT 1 FROM layer l WHERE l.owner = b.ref AND (SELECT count(*) FROM layer o WHERE o.parent = l.id AND NOT o.ghost) > 1)
     ORDER BY b.ref LIMIT $1`,
    [limit],
  );

/** The same for one of `loneBases`, if only that child lies on it still. */
export async function absorbLoneBase(tx: Tx, base: string, child: string): Promise<boolean> {
  const others = await tx.query(
    `SELECT 1 AS yes FROM vdi b JOIN vdi c ON c.sm_config->>'${parentKey}' = b.uuid AND c.ref <> $2 WHERE b.ref = $1 LIMIT 1`,
    [base, child],
  );
  return others.length === 0 && absorbBase(tx, base, child);
}

interface Link {
  readonly vdi: string;
  readonly id: string;
  readonly depth: number;
  readonly owner: string | null;
  /** The owner is a disk of another repository, or a base copy. */
  readonly elsewhere: boolean;
  readonly base: string | null;
  readonly sealed: boolean;
}

/**
 * The base copies of disks of one repository that have come to share layers by another way than a copy there: they have been moved
 * together. Each layer from which their ways part becomes one.
 */
export async function growBases(tx: Tx, ids: Ids, disks: readonly Ref<'VDI'>[]): Promise<void> {
  const [first] = disks;
  if (first === undefined || disks.length < 2 || (await belowTop(tx, first)) === undefined) return;
  const { SR, virtual_size, type, sm_config } = await tx.get('VDI', first);
  const links = await chainsOf(tx, disks, SR);
  const bases = new Map<string, string>();
  for (const layer of partings(links)) {
    const link = links.find((l) => l.id === layer);
    if (!link || link.elsewhere || !link.sealed) continue;
    const sm = { ...withoutParent(ofFile(sm_config)), ...parentOf(below(links, layer), bases) };
    bases.set(
      layer,
      link.base ?? (await insertBase(tx, ids, { SR, virtual_size, type, sm_config: sm }, layer)),
    );
  }
  for (const vdi of disks) {
    const chain = links.filter((l) => l.vdi === vdi).map((l) => l.id);
    await setParent(tx, vdi, parentOf(chain, bases)[parentKey] ?? null);
  }
  await recharge(tx, disks);
}

const chainsOf = (tx: Tx, disks: readonly string[], sr: string): Promise<Link[]> =>
  tx.query<Link & Record<string, unknown>>(
    `WITH RECURSIVE chain AS (
       SELECT v.vdi, l.id, l.parent, l.owner, l.sealed AND NOT l.ghost AS sealed, 0 AS depth FROM vdi_layer v JOIN layer l ON l.id = v.layer WHERE v.vdi = ANY($1)
       UNION ALL SELECT c.vdi, p.id, p.parent, p.owner, p.sealed AND NOT p.ghost, c.depth + 1 FROM chain c JOIN layer p ON p.id = c.parent)
     SELECT c.vdi, c.id, c.depth, c.owner, c.sealed, coalesce(o."SR" <> $2, false) AS elsewhere, CASE WHEN o.managed THEN NULL ELSE o.uuid END AS base
     FROM chain c LEFT JOIN vdi o ON o.ref = c.owner ORDER BY c.vdi, c.depth`,
    [[...disks], sr],
  );

/** Layers on which at least two of the chains go different ways, the lowest first. */
function partings(links: readonly Link[]): string[] {
  const upper = new Map<string, Set<string>>();
  links.forEach((link, i) => {
    const above = links[i - 1];
    if (above && above.vdi === link.vdi)
      upper.set(link.id, (upper.get(link.id) ?? new Set<string>()).add(above.id));
  });
  const found = [...upper].filter(([, above]) => above.size > 1).map(([id]) => id);
  return found.toSorted((a, b) => below(links, a).length - below(links, b).length);
}
/** The layers under one, from the top down. */
function below(links: readonly Link[], layer: string): string[] {
  const at = links.find((l) => l.id === layer);
  return at ? links.filter((l) => l.vdi === at.vdi && l.depth > at.depth).map((l) => l.id) : [];
}
function parentOf(chain: readonly string[], bases: ReadonlyMap<string, string>): SmConfig {
  const uuid = chain.map((id) => bases.get(id)).find((found) => found !== undefined);
  return uuid === undefined ? {} : { [parentKey]: uuid };
}

/** Layers that the disks share within their repository are counted once. */
async function recharge(tx: Tx, disks: readonly Ref<'VDI'>[]): Promise<void> {
  await tx.query(
    `WITH RECURSIVE chain AS (
       SELECT v.vdi, l.id AS top, l.id, l.parent, l.bytes, l.owner FROM vdi_layer v JOIN layer l ON l.id = v.layer WHERE v.vdi = ANY($1)
       UNION ALL SELECT c.vdi, c.top, p.id, p.parent, p.bytes, p.owner FROM chain c JOIN layer p ON p.id = c.parent),
       foreign_bytes AS (SELECT c.vdi, c.top, coalesce(sum(c.bytes) FILTER (WHERE o.ref IS NULL OR o."SR" <> d."SR"), 0)::bigint AS bytes
         FROM chain c JOIN vdi d ON d.ref = c.vdi LEFT JOIN vdi o ON o.ref = c.owner GROUP BY c.vdi, c.top),
       was AS (SELECT l.id, l.owner, f.bytes - l.charge AS more, f.bytes FROM foreign_bytes f JOIN layer l ON l.id = f.top WHERE l.charge <> f.bytes),
       layers AS (UPDATE layer l SET charge = w.bytes FROM was w WHERE l.id = w.id),
       counted AS (UPDATE vdi d SET physical_utilisation = physical_utilisation + w.more FROM was w WHERE d.ref = w.owner RETURNING d."SR", w.more)
     UPDATE sr SET physical_utilisation = physical_utilisation + t.more::bigint FROM (SELECT "SR", sum(more) AS more FROM counted GROUP BY "SR") t WHERE sr.ref = t."SR"`,
    [[...disks]],
  );
}
