/** Which rows there are: the archives of every metric, and which of them answers a question. */
import { slotSeconds } from './waves';

export interface Archive {
  /** From one row to the next. */
  readonly seconds: number;
  readonly rows: number;
}
export const archives: readonly Archive[] = [
  { seconds: 5, rows: 120 },
  { seconds: 60, rows: 120 },
  { seconds: 3600, rows: 168 },
  { seconds: 86_400, rows: 366 },
];

/** Consecutive rows. A row is named by the moment it ends, and covers the step before. */
export interface Grid {
  readonly step: number;
  /** The newest row's moment. */
  readonly end: number;
  readonly rows: number;
}

const newest = (seconds: number, now: number): number => Math.floor(now / seconds) * seconds;
/** All that an archive holds at this moment. */
export const wholeGrid = ({ seconds, rows }: Archive, now: number): Grid => ({
  step: seconds,
  end: newest(seconds, now),
  rows,
});

/** The finest archive that is no finer than asked and still holds the start; the coarsest when none does. */
export function archiveFor(interval: number, start: number, now: number): Archive {
  const holds = ({ seconds, rows }: Archive): boolean => start >= newest(seconds, now) - seconds * rows;
  const found =
    archives.find((a) => a.seconds / slotSeconds >= Math.floor(interval / slotSeconds) && holds(a)) ??
    archives.at(-1);
  if (!found) throw new Error('there are no archives');
  return found;
}

/** The rows since a moment, that of the start among them. */
export function gridSince(archive: Archive, start: number, now: number): Grid {
  const { step, end, rows } = wholeGrid(archive, now);
  return { step, end, rows: Math.min(rows, Math.max(0, Math.floor((end - start) / step) + 1)) };
}

/** The start of an answer: the next row after the moment that was asked, also when that moment is a row's own. */
export const startShown = (step: number, start: number): number => Math.floor(start / step) * step + step;
