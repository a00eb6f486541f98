/** Random walks through the model of leases, which look for two copies of a VM that run. */
import { keptStray, Moves, newWorld, runsTwice, type Move, type Rule, type World } from './lease-model';

export interface WalkOptions {
  readonly off?: readonly Rule[];
  readonly from: 'empty' | 'running';
  readonly seed: number;
  readonly walks: number;
  readonly depth?: number;
  /** Moves that never happen, for what is quickly found only where little else does. */
  readonly without?: RegExp;
}
export interface WalkResult {
  readonly steps: number;
  /** The steps that led to two running copies, or to one that no row knows. */
  readonly violation?: readonly string[];
  /** In which walk it was found. */
  readonly walk?: number;
}

/** Of each walk some kinds of moves are frequent and some never happen: a swarm gets to rare corners that one mixture would not. */
const weights = { fault: [0, 0.02, 0.2], other: [0.05, 0.5, 3] };
const isFault = /crash|restart|lost|drop/;
/** Of each move's name what is before its numbers: some hundred names, asked for a million times. */
const kinds = new Map<string, string>();

export function walk(
  { off = [], from, seed, walks, depth = 60, without }: WalkOptions,
  next: (seed: number) => { next(): number },
): WalkResult {
  const moves = new Moves(new Set(off));
  let steps = 0;
  for (let n = 0; n < walks; n += 1) {
    const trace = once({ moves, world: newWorld(from), depth, without }, next(seed + n));
    steps += trace.names.length;
    if (trace.violated) return { steps, violation: trace.names, walk: n };
  }
  return { steps };
}

interface Walk {
  readonly moves: Moves;
  readonly world: World;
  readonly depth: number;
  readonly without: RegExp | undefined;
}
function once(
  { moves, world, depth, without }: Walk,
  chance: { next(): number },
): { names: string[]; violated: boolean } {
  const names: string[] = [];
  const weightOf = new Map<string, number>();
  const weigh = (name: string): number => {
    const kind = kinds.get(name) ?? name.replace(/ [\d ]+$/, '');
    kinds.set(name, kind);
    const known = weightOf.get(kind);
    if (known !== undefined) return known;
    const drawn = (isFault.test(kind) ? weights.fault : weights.other)[Math.floor(chance.next() * 3)] ?? 0;
    const choice = without?.test(kind) ? 0 : drawn;
    weightOf.set(kind, choice);
    return choice;
  };
  while (names.length < depth) {
    const move = pick(moves.all(world), weigh, chance.next());
    if (!move) break;
    move.make();
    names.push(move.name);
    if (runsTwice(world) || keptStray(world, move.name)) return { names, violated: true };
  }
  return { names, violated: false };
}

function pick(moves: readonly Move[], weigh: (name: string) => number, dice: number): Move | undefined {
  const heavy = moves.map((move) => weigh(move.name));
  let left = dice * heavy.reduce((sum, weight) => sum + weight, 0);
  return moves[heavy.findIndex((weight) => (left -= weight) < 0)];
}
