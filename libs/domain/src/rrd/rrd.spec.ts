import fc from 'fast-check';
import { rrd } from '@xenplane/domain';

const { Sheet, archiveFor, archives, gridSince, startShown, wholeGrid } = rrd;
const now = 1_790_000_123;

const part = fc.double({ min: 0, max: 0.95, noNaN: true });
const wave = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  swing: fc.record({
    slot: part,
    minute: part,
    hour: part,
    day: fc.double({ min: 0, max: 0.9, noNaN: true }),
  }),
  shiftHours: fc.integer({ min: -5, max: 5 }),
});
const column = (
  figure: rrd.Figure,
  step: number,
  end: number,
  rows: number,
  cf: rrd.Consolidation,
): number[] => [...new Sheet({ step, end, rows }, cf).column(figure)];
const folds: Readonly<Record<rrd.Consolidation, (values: readonly number[]) => number>> = {
  AVERAGE: (v) => v.reduce((a, b) => a + b, 0) / v.length,
  MIN: (v) => Math.min(...v),
  MAX: (v) => Math.max(...v),
  LAST: (v) => v.at(-1) ?? Number.NaN,
};
const cfs = Object.keys(folds) as rrd.Consolidation[];

test.each([
  [60, 5],
  [3600, 60],
  [86_400, 3600],
])('a row of %i s is what its rows of %i s make', (coarse, fine) => {
  fc.assert(
    fc.property(wave, fc.integer({ min: 1, max: 20_000 }), fc.constantFrom(...cfs), (of, n, cf) => {
      const figure = { terms: [rrd.times(1, of)] };
      const [whole = 0] = column(figure, coarse, n * coarse, 1, cf);
      expect(whole).toBeCloseTo(folds[cf](column(figure, fine, n * coarse, coarse / fine, cf)), 9);
      expect(whole).toBeGreaterThanOrEqual(0);
      expect(whole).toBeLessThanOrEqual(1);
    }),
    { numRuns: 60 },
  );
});

test('a figure that begins within a row counts from then on, whatever the row', () => {
  fc.assert(
    fc.property(wave, wave, fc.integer({ min: 1, max: 719 }), fc.constantFrom(...cfs), (a, b, slot, cf) => {
      const end = 400_000 * 3600,
        since = end - slot * 5;
      const figure = { terms: [rrd.times(1, a), { weight: 2, of: b, since }] };
      const slots = column(figure, 5, end, 720, cf);
      const [hour = 0] = column(figure, 3600, end, 1, cf);
      if (cf === 'AVERAGE' || cf === 'LAST') expect(hour).toBeCloseTo(folds[cf](slots), 9);
      // Over hours the extremes of sums are bounds.
      if (cf === 'MIN') expect(hour).toBeLessThanOrEqual(Math.min(...slots) + 1e-9);
      if (cf === 'MAX') expect(hour).toBeGreaterThanOrEqual(Math.max(...slots) - 1e-9);
      const minutes = column(figure, 60, end, 60, cf);
      minutes.forEach((m, i) => expect(m).toBeCloseTo(folds[cf](slots.slice(i * 12, i * 12 + 12)), 9));
    }),
    { numRuns: 60 },
  );
});

test('what is unknown for more than half of a row makes the row unknown; else the row tells of the rest', () => {
  const end = 400_000 * 3600,
    since = end - 90;
  const figure = { ...rrd.constant(7), since };
  expect(column(figure, 60, end, 3, 'AVERAGE')).toEqual([Number.NaN, 7, 7]);
  expect(column({ ...figure, since: end - 85 }, 60, end, 3, 'AVERAGE')).toEqual([Number.NaN, Number.NaN, 7]);
  expect(column(figure, 5, end, 20, 'LAST').filter(Number.isNaN)).toHaveLength(2);
});

test('archives: no finer than asked, and far enough back', () => {
  const seconds = (interval: number, ago: number): number => archiveFor(interval, now - ago, now).seconds;
  expect([
    seconds(0, 0),
    seconds(5, 595),
    seconds(0, 700),
    seconds(60, 10),
    seconds(3600, 10),
    seconds(86_400, 10),
  ]).toEqual([5, 5, 60, 60, 3600, 86_400]);
  expect(seconds(0, 20 * 366 * 86_400)).toBe(86_400);
  for (const archive of archives) {
    const grid = gridSince(archive, now - 3 * archive.seconds, now);
    expect(grid.end % archive.seconds).toBe(0);
    expect(grid.end).toBeLessThanOrEqual(now);
    expect(grid.rows).toBe(3);
    expect(gridSince(archive, now + 10_000_000, now).rows).toBe(0);
    expect(gridSince(archive, 0, now)).toEqual(wholeGrid(archive, now));
  }
});

test.each([
  [5, 1001, 1005],
  [5, 1004, 1005],
  [5, 1005, 1010],
  [60, 7, 60],
  [3600, 3600, 7200],
  [86_400, 0, 86_400],
])('rows of %i s since %i are said to begin at %i', (step, asked, shown) =>
  expect(startShown(step, asked)).toBe(shown),
);
