/** The plan of a pull of the change log: which objects are gone, and which must be fetched, in slices. */
import { setImmediate as turn } from 'node:timers/promises';
import type { ClassName } from '@xenplane/model';
import type { Logged } from './events';
import type { Pointer } from './object-index';

export interface FetchedObjects {
  readonly cls: ClassName;
  readonly refs: string[];
}
export interface Plan {
  readonly gone: readonly Pointer[];
  readonly slices: readonly (readonly FetchedObjects[])[];
}

/** Rows taken in before others get their turn. */
export const rowsInSlice = 100;
const changesInSlice = 2_000;

/** Each object once. The log's rows are in the order of each object's history, so the last word counts; a touch after the end is none. */
export async function planOf(logged: readonly Logged[]): Promise<Plan> {
  const last = new Map<string, Logged>();
  for (const [i, one] of logged.entries()) {
    const key = `${one.cls}/${one.ref}`;
    if (one.op !== 'm' || last.get(key)?.op !== 'd') last.set(key, one);
    if (i % changesInSlice === changesInSlice - 1) await turn();
  }
  const gone: Pointer[] = [],
    byClass = new Map<ClassName, string[]>();
  for (const { cls, ref, op } of last.values()) {
    const refs = byClass.get(cls);
    if (op === 'd') gone.push({ cls, ref });
    else if (refs) refs.push(ref);
    else byClass.set(cls, [ref]);
  }
  return {
    gone,
    slices: slicesOf(
      [...byClass].flatMap(([cls, refs]) => pieces(refs).map((piece) => ({ cls, refs: piece }))),
    ),
  };
}

const pieces = (refs: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(refs.length / rowsInSlice) }, (_, i) =>
    refs.slice(i * rowsInSlice, (i + 1) * rowsInSlice),
  );

/** As many queries together as make a slice of rows: a few changes of many classes cost one round trip. */
function slicesOf(asked: readonly FetchedObjects[]): FetchedObjects[][] {
  const all: FetchedObjects[][] = [];
  let rows = Infinity;
  for (const one of asked) {
    if (rows + one.refs.length > rowsInSlice) {
      all.push([]);
      rows = 0;
    }
    all.at(-1)?.push(one);
    rows += one.refs.length;
  }
  return all;
}
