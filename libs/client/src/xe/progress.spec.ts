import { bar, span } from './progress';

test.each([
  [0.123, '0.13ms'],
  [12, '12ms'],
  [1000, '1s'],
  [1234, '1.24s'],
  [12_340, '12.4s'],
  [63_000, '1min3s'],
  [7_200_000, '2h'],
  [90_000_000, '1d1h'],
])('%d ms are told as %s', (ms, text) => expect(span(ms)).toBe(text));

test('a bar is drawn when it has grown, with the time that is left, and ends with the time that it took', () => {
  let at = 0,
    written = '';
  const show = bar(
    (text) => (written += text),
    () => at,
  );
  for (const [time, fraction, over] of [
    [0, -1, false],
    [1000, 0.1, false],
    [1500, 0.105, false],
    [10_000, 1, true],
  ] as const) {
    at = time;
    show(fraction, over);
  }
  const tenth = `\r[-] ####>${' '.repeat(51)}( 10% ETA 00:00:09) `;
  expect(written).toBe(`${tenth}\r[\\] ${'#'.repeat(54)}> (100% ETA 00:00:00) \nTotal time: 10s\n`);
  expect(tenth).toHaveLength(81);
});
