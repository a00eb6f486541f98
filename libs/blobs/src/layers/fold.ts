/**
 * Two layers that lie on one another become one. `over` moves the upper's blocks to the lower, `under` copies to the upper what it
 * lacks of the lower. A chain of both shows the same bytes before, at every moment of it and after, so it may be broken off anywhere
 * and begun again; what was done is not done twice. In the end the layer that gave has nothing that the other has not, and is retired
 * in the same turn in which that is seen: no block can get into it after that.
 */
import { Bits, blockBytes } from '@xenplane/wire';
import { RefusedBlob } from '../store';
import type { FoldHow, Layer } from './layer';

export interface Folding {
  readonly into: Layer;
  readonly from: Layer;
  readonly how: FoldHow;
  /** Each goes on saying by itself what it changed; else the one that stays says it for both. */
  readonly apart: boolean;
  /** Most bytes that are copied now. */
  readonly limitBytes: number;
}
export interface Folded {
  readonly done: boolean;
  readonly utilisation: number;
}

export async function fold(folding: Folding): Promise<Folded> {
  const { into, from, how, apart, limitBytes } = folding;
  if (!into.stored && from.stored) throw new RefusedBlob('no such layer');
  await traced(folding);
  const most = Math.ceil(limitBytes / blockBytes);
  const blocks = missing(folding, most);
  for (const block of blocks) await into.adopt(from, block, how);
  await into.sync();
  if (how === 'over') await from.release(blocks);
  const done = blocks.length < most && (await from.retire(() => missing(folding, 1).length === 0, apart));
  return { done, utilisation: into.present.count * blockBytes };
}

/** The changed blocks of each are recorded before the first block moves; from then on their blocks do not show them any more. */
async function traced({ into, from, apart }: Folding): Promise<void> {
  if (apart) {
    if (from.stored) await from.trace();
    if (into.stored) await into.trace();
  } else if (into.traced || from.traced) {
    const both = new Bits(into.changes.raw());
    both.add(from.changes);
    await into.trace(both);
  }
}

function missing({ into, from, how }: Folding, most: number): number[] {
  const blocks: number[] = [];
  for (const { first, count } of from.present.runs())
    for (let block = first; block < first + count; block += 1) {
      if (blocks.length === most) return blocks;
      if (how === 'over' || !into.present.has(block)) blocks.push(block);
    }
  return blocks;
}
