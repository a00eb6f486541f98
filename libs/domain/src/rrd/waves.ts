/**
 * Noise that is never stored. A wave is defined from the day downwards: each hour, minute and slot of five seconds
 * multiplies its parent by a factor, and the factors within one parent have the mean 1 and known extremes. So the mean, the
 * least and the greatest value of any day, hour or minute are read off directly, and agree exactly with what lies within.
 */
export type Consolidation = 'AVERAGE' | 'MIN' | 'MAX' | 'LAST';

export const slotSeconds = 5;
/** From fine to coarse; each is a whole number of the one before. */
export const levelSeconds = [slotSeconds, 60, 3600, 86_400] as const;
const day = 3;

/** How far the factors go from 1, at most, by level. */
export interface Swing {
  readonly slot: number;
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
}
export interface Wave {
  readonly seed: number;
  readonly swing: Swing;
  /** When the day's peak is, against early afternoon. */
  readonly shiftHours: number;
}

/** A number that follows from names (FNV-1a). */
export function seedOf(...names: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const c of names.join('/')) hash = Math.imul(hash ^ c.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}
/** The nth number from 0 to 1 of a seed. */
export function chance(seed: number, n: number): number {
  let x = (seed ^ Math.imul(n | 0, 0x9e3779b1)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 4_294_967_296;
}

/** Odd harmonics only: what is half a turn later is the opposite, so the sum is 0 and the extremes are -1 and 1. */
function pattern(
  length: number,
  parts: readonly { readonly turns: number; readonly weight: number; readonly phase: number }[],
): Float64Array {
  const values = Float64Array.from({ length }, (_, i) =>
    parts.reduce(
      (sum, { turns, weight, phase }) =>
        sum + weight * Math.cos(2 * Math.PI * ((turns * i) / length + phase)),
      0,
    ),
  );
  const most = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  for (let i = 0; i < length / 2; i += 1) {
    values[i] = (values[i] ?? 0) / most;
    values[i + length / 2] = -(values[i] ?? 0);
  }
  return values;
}

const kinds = 16;
const random = (length: number, turns: readonly number[], seed: number): Float64Array =>
  pattern(
    length,
    turns.map((t) => ({ turns: t, weight: 1 / Math.sqrt(t), phase: chance(seed, t) })),
  );
const peakHour = 14;
const hours = Array.from({ length: kinds }, (_, k) =>
  pattern(24, [
    { turns: 1, weight: 1, phase: -peakHour / 24 + (chance(k, 1) - 0.5) / 24 },
    { turns: 3, weight: 0.2 + 0.2 * chance(k, 2), phase: chance(k, 3) },
    { turns: 7, weight: 0.15 * chance(k, 4), phase: chance(k, 5) },
  ]),
);
const minutes = Array.from({ length: kinds }, (_, k) => random(60, [1, 3, 5, 9, 15], seedOf('minutes', k)));
const slots = Array.from({ length: kinds }, (_, k) => random(12, [1, 3, 5], seedOf('slots', k)));
/** Sunday first; people work from Monday to Friday. */
const week = [-1, 0.5, 0.7, 0.8, 0.7, 0.4, -0.9];

const picked = (patterns: readonly Float64Array[], seed: number, parent: number, at: number): number => {
  const kind = patterns[Math.floor(chance(seed, parent) * kinds)];
  return kind?.[((at % kind.length) + kind.length) % kind.length] ?? 0;
};

/** The factor of this level's part for its parent. */
function factor({ seed, swing, shiftHours }: Wave, level: number, index: number): number {
  if (level === day)
    return 1 + swing.day * (0.7 * (week[(index + 4) % 7] ?? 0) + 0.3 * (2 * chance(seed, index) - 1));
  if (level === 2)
    return 1 + swing.hour * picked(hours, seed ^ 0x5bd1e995, Math.floor(index / 24), index - shiftHours);
  const [patterns, size, most, salt] =
    level === 1
      ? ([minutes, 60, swing.minute, 0x27d4eb2f] as const)
      : ([slots, 12, swing.slot, 0x165667b1] as const);
  const parent = Math.floor(index / size);
  return (
    1 +
    most *
      picked(
        patterns,
        seed ^ salt,
        parent,
        index + Math.floor(chance(seed ^ salt ^ 0x2545f491, parent) * size),
      )
  );
}

const below = ({ swing }: Wave, level: number, sign: 1 | -1): number =>
  (level > 0 ? 1 + sign * swing.slot : 1) *
  (level > 1 ? 1 + sign * swing.minute : 1) *
  (level > 2 ? 1 + sign * swing.hour : 1);
/** The greatest value that the factors could make; waves are divided by it, so that they lie between 0 and 1. */
const peak = (wave: Wave): number => below(wave, day, 1) * (1 + wave.swing.day);

/** Reads one wave; parts of one parent that are read one after the other share its work. */
export class WaveReader {
  private readonly at = [-1, -1, -1, -1];
  private readonly means = [0, 0, 0, 0];
  private readonly scale: number;

  constructor(private readonly wave: Wave) {
    this.scale = 1 / peak(wave);
  }

  /** Of the nth day, hour, minute or slot since the epoch. */
  read(level: number, index: number, cf: Consolidation): number {
    switch (cf) {
      case 'AVERAGE':
        return this.mean(level, index);
      case 'MIN':
        return this.mean(level, index) * below(this.wave, level, -1);
      case 'MAX':
        return this.mean(level, index) * below(this.wave, level, 1);
      case 'LAST': {
        const ratio = (levelSeconds[level] ?? slotSeconds) / slotSeconds;
        return this.mean(0, (index + 1) * ratio - 1);
      }
    }
  }

  private mean(level: number, index: number): number {
    if (this.at[level] === index) return this.means[level] ?? 0;
    const ratio = (levelSeconds[level + 1] ?? 0) / (levelSeconds[level] ?? 1);
    const parent = level === day ? this.scale : this.mean(level + 1, Math.floor(index / ratio));
    const mean = parent * factor(this.wave, level, index);
    this.at[level] = index;
    this.means[level] = mean;
    return mean;
  }

  /** Over seconds that begin and end with slots: as few parts as cover them. */
  over(from: number, to: number, cf: Consolidation): number {
    if (cf === 'LAST') return this.mean(0, to / slotSeconds - 1);
    let sum = 0,
      extreme = cf === 'MIN' ? Infinity : -Infinity;
    for (let t = from; t < to;) {
      const level = largestPart(t, to),
        seconds = levelSeconds[level] ?? slotSeconds;
      const value = this.read(level, t / seconds, cf);
      sum += value * seconds;
      extreme = cf === 'MIN' ? Math.min(extreme, value) : Math.max(extreme, value);
      t += seconds;
    }
    return cf === 'AVERAGE' ? sum / (to - from) : extreme;
  }
}

function largestPart(from: number, to: number): number {
  for (let level = day; level > 0; level -= 1) {
    const seconds = levelSeconds[level] ?? slotSeconds;
    if (from % seconds === 0 && from + seconds <= to) return level;
  }
  return 0;
}
