/** Makes chains of layers short again and frees what nobody needs: a bounded piece of work each time, which may be broken off anywhere. */
import { inTransaction, reading } from '@xenplane/store';
import type { Plane } from '../core/context';
import { absorbLoneBase, emptyBases, loneBases } from '../tables/layers/disk-chains';
import {
  bookEmpty,
  bookFold,
  claimPair,
  dropClaims,
  foldable,
  fullGhosts,
  giverOf,
  movesOver,
  restingTops,
  settleTop,
  spreadGhosts,
  takerOf,
  type Pair,
} from '../tables/layers/layer-folds';
import { dropBase } from '../tables/layers/layers';
import { LayerClient } from '../transfer/layer-client';

const mostPairs = 20;
const mostTops = 100;
/** Requests to the image server that copy; each copies a bounded part. */
const mostCopies = 8;

/** Answers how much was done; nothing is left to do when that is none. */
export async function foldLayers(plane: Plane): Promise<number> {
  const client = new LayerClient(plane.settings);
  return (
    (await settleBases(plane)) +
    (await settleTops(plane)) +
    (await emptyGhosts(plane, client)) +
    (await foldPairs(plane, client))
  );
}

async function settleBases(plane: Plane): Promise<number> {
  const empty = await reading(plane.store, (tx) => emptyBases(tx, mostTops));
  for (const base of empty) await inTransaction(plane.store, (tx) => dropBase(tx, base));
  const lone = await reading(plane.store, (tx) => loneBases(tx, mostTops));
  for (const { base, child } of lone)
    await inTransaction(plane.store, (tx) => absorbLoneBase(tx, base, child));
  return empty.length + lone.length;
}

async function settleTops(plane: Plane): Promise<number> {
  const disks = await reading(plane.store, (tx) => restingTops(tx, mostTops));
  for (const vdi of disks) await inTransaction(plane.store, (tx) => settleTop(tx, plane.ids, vdi));
  return disks.length;
}

async function emptyGhosts(plane: Plane, client: LayerClient): Promise<number> {
  await inTransaction(plane.store, spreadGhosts);
  const ids = await reading(plane.store, (tx) => fullGhosts(tx, mostPairs));
  for (const id of ids) {
    await client.empty(id);
    await inTransaction(plane.store, (tx) => bookEmpty(tx, id));
  }
  return ids.length;
}

async function foldPairs(plane: Plane, client: LayerClient): Promise<number> {
  await inTransaction(plane.store, dropClaims);
  const pairs = await reading(plane.store, (tx) => foldable(tx, mostPairs));
  const touched = new Set<string>();
  let copies = mostCopies;
  for (const pair of pairs) {
    // The next pair of the same layers is another once this one is folded.
    if (touched.has(pair.upper) || touched.has(pair.lower)) continue;
    touched.add(pair.upper).add(pair.lower);
    copies = await foldPair(plane, client, pair, copies).catch((error: unknown) => {
      plane.log.warn({ ...pair, error }, 'layers not folded');
      return copies - 1;
    });
    if (copies === 0) break;
  }
  return pairs.length;
}

/** The giver's bytes are gone before the rows change: a request that comes late finds nothing to copy. Answers how many copies are left. */
async function foldPair(plane: Plane, client: LayerClient, pair: Pair, copies: number): Promise<number> {
  if (!(await inTransaction(plane.store, (tx) => claimPair(tx, pair)))) return copies;
  const ask = { from: giverOf(pair), how: movesOver(pair) ? 'over' : 'under', apart: pair.apart } as const;
  for (let left = copies; left > 0; left -= 1) {
    const { done, utilisation } = await client.fold(takerOf(pair), ask);
    if (!done) continue;
    await inTransaction(plane.store, (tx) => bookFold(tx, pair, utilisation));
    return left - 1;
  }
  return 0;
}
