/** A metric as a sum of waves and constants, each from a moment on. Sums are taken row by row, for as many rows as are asked. */
import { slotSeconds, levelSeconds, WaveReader, type Consolidation, type Wave } from './waves';
import type { Grid } from './archives';

export interface Term {
  readonly weight: number;
  /** 1 when absent. */
  readonly of?: Wave | Figure;
  /** Nothing before this moment: when a VM started, for what it adds to its host. */
  readonly since?: number;
}
export interface Figure {
  readonly terms: readonly Term[];
  /** Unknown before this moment. */
  readonly since?: number;
}

export const constant = (value: number, since?: number): Figure => ({
  terms: [{ weight: value }],
  ...(since === undefined ? {} : { since }),
});
export const times = (weight: number, of: Wave | Figure): Term => ({ weight, of });
/** The same in another unit. */
export const scaled = (weight: number, of: Figure): Figure => ({
  terms: [{ weight, of }],
  ...(of.since === undefined ? {} : { since: of.since }),
});
/** The first slot that lies wholly after a moment. */
export const firstSlot = (moment: number): number => Math.ceil(moment / slotSeconds) * slotSeconds;

const isFigure = (of: Wave | Figure): of is Figure => 'terms' in of;
const opposite = { AVERAGE: 'AVERAGE', MIN: 'MAX', MAX: 'MIN', LAST: 'LAST' } as const;
/** At least this part of a row must be known. */
const knownPart = 0.5;

/** Columns over one grid; what several metrics are made of is computed once. */
export class Sheet {
  private readonly columns = new Map<string, Map<Wave | Figure, Float64Array>>();
  private readonly readers = new Map<Wave, WaveReader>();
  private finer: Sheet | undefined;

  constructor(
    readonly grid: Grid,
    readonly cf: Consolidation,
  ) {}

  /** Oldest row first; NaN where the metric is unknown. */
  column(figure: Figure): Float64Array {
    const values = this.sum(figure, this.cf).slice();
    const since = figure.since ?? -Infinity;
    for (let i = 0; i < values.length && this.from(i) < since; i += 1) {
      const to = this.from(i) + this.grid.step;
      const known = (to - since) / this.grid.step;
      values[i] = known < knownPart || known <= 0 ? Number.NaN : this.over(figure, since, to, this.cf);
    }
    return values;
  }

  private from(row: number): number {
    return this.grid.end - (this.grid.rows - row) * this.grid.step;
  }

  private sum(of: Wave | Figure, cf: Consolidation): Float64Array {
    const kept = this.columns.get(cf)?.get(of);
    if (kept) return kept;
    const made = isFigure(of) ? this.figureRows(of, cf) : this.waveRows(of, cf);
    this.columns.set(cf, (this.columns.get(cf) ?? new Map<Wave | Figure, Float64Array>()).set(of, made));
    return made;
  }

  private waveRows(wave: Wave, cf: Consolidation): Float64Array {
    const { step, rows } = this.grid;
    const reader = this.reader(wave),
      level = levelSeconds.findIndex((s) => s === step);
    const values = new Float64Array(rows);
    for (let i = 0, index = this.from(0) / step; i < rows; i += 1, index += 1)
      values[i] = reader.read(level, index, cf);
    return values;
  }

  private figureRows(figure: Figure, cf: Consolidation): Float64Array {
    const varying = figure.terms.filter((t) => t.of !== undefined).length;
    if ((cf === 'MIN' || cf === 'MAX') && varying > 1 && this.grid.step === levelSeconds[1])
      return this.extremes(figure, cf);
    const rows = new Float64Array(this.grid.rows);
    for (const term of figure.terms) this.add(rows, term, cf);
    return rows;
  }

  private add(rows: Float64Array, { weight, of, since = -Infinity }: Term, cf: Consolidation): void {
    const own = of && this.sum(of, weight < 0 ? opposite[cf] : cf);
    for (let i = this.firstWhole(since); i < rows.length; i += 1)
      rows[i] = (rows[i] ?? 0) + weight * (own ? (own[i] ?? 0) : 1);
    const begun = this.firstWhole(since) - 1;
    const from = this.from(begun),
      to = from + this.grid.step;
    if (begun >= 0 && begun < rows.length && since < to)
      rows[begun] = (rows[begun] ?? 0) + this.begun({ weight, of, since }, from, to, cf);
  }
  /** The first row that lies wholly after a moment; beyond the last when none does. */
  private firstWhole(moment: number): number {
    const { end, rows, step } = this.grid;
    return Math.max(0, Math.min(rows + 1, Math.ceil((moment - end) / step) + rows));
  }

  /** The part of a term in the row in which it begins. */
  private begun(
    { weight, of, since }: { weight: number; of: Wave | Figure | undefined; since: number },
    from: number,
    to: number,
    cf: Consolidation,
  ): number {
    const value = weight * (of ? this.over(of, since, to, weight < 0 ? opposite[cf] : cf) : 1);
    if (cf === 'AVERAGE') return (value * (to - since)) / (to - from);
    return cf === 'MIN' ? Math.min(0, value) : cf === 'MAX' ? Math.max(0, value) : value;
  }

  /** Over some seconds instead of a row. Extremes of sums are bounds, which single waves reach. */
  private over(of: Wave | Figure, from: number, to: number, cf: Consolidation): number {
    if (!isFigure(of)) return this.reader(of).over(from, to, cf);
    let sum = 0;
    for (const { weight, of: part, since = -Infinity } of of.terms) {
      if (since >= to) continue;
      if (since > from) sum += this.begun({ weight, of: part, since }, from, to, cf);
      else sum += weight * (part ? this.over(part, from, to, weight < 0 ? opposite[cf] : cf) : 1);
    }
    return sum;
  }

  /** A sum has its extremes where none of its parts need have one: within a minute all slots are looked at. */
  private extremes(figure: Figure, cf: 'MIN' | 'MAX'): Float64Array {
    const { end, rows, step } = this.grid;
    const perRow = step / slotSeconds;
    this.finer ??= new Sheet({ step: slotSeconds, end, rows: rows * perRow }, 'AVERAGE');
    const slots = this.finer.sum(figure, 'AVERAGE');
    return Float64Array.from({ length: rows }, (_, i) =>
      Math[cf === 'MIN' ? 'min' : 'max'](...slots.subarray(i * perRow, (i + 1) * perRow)),
    );
  }

  private reader(wave: Wave): WaveReader {
    const kept = this.readers.get(wave) ?? new WaveReader(wave);
    this.readers.set(wave, kept);
    return kept;
  }
}

/** The value of the last slot that is over. */
export function latest(figure: Figure, now: number): number {
  const end = Math.floor(now / slotSeconds) * slotSeconds;
  return new Sheet({ step: slotSeconds, end, rows: 1 }, 'AVERAGE').column(figure)[0] ?? Number.NaN;
}
