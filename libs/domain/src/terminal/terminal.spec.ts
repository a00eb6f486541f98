import fc from 'fast-check';
import { terminal } from '@xenplane/domain';

const { Output, screenOf, vt100, windowSize } = terminal;

test('a screen holds what fits, wraps what is wide, and knows where the cursor is', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary-ascii', maxLength: 600 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 10 }),
      (text, columns, rows) => {
        const { lines, cursor } = screenOf(text, columns, rows);
        expect(lines.length).toBeGreaterThan(0);
        expect(lines.length).toBeLessThanOrEqual(rows);
        expect(lines.every((l) => l.length <= columns)).toBe(true);
        expect(cursor.row).toBe(lines.length - 1);
        expect(cursor.column).toBeLessThan(columns);
      },
    ),
  );
  expect(screenOf('abcdef\ngh', 5, 9).lines).toEqual(['abcde', 'f', 'gh']);
  expect(screenOf('gh\tx\ri', 20, 9).lines).toEqual(['ih      x']);
  expect(screenOf('one\ftwo\b\b-', 10, 5)).toEqual({
    columns: 10,
    rows: 5,
    lines: ['t-o'],
    cursor: { column: 2, row: 0 },
  });
  expect(vt100('a\n\fb')).toBe('a\r\n\x1b[2J\x1b[Hb');
});

test('a terminal understands the sequences that it is sent', () => {
  for (const text of ['one\ntwo\n\fthree\nfour\b-', 'a\tb\n'])
    expect(screenOf(vt100(text), 20, 5)).toEqual(screenOf(text, 20, 5));
  expect(screenOf('\x1b[1mbold\x1b[0m', 20, 5).lines).toEqual(['bold']);
});

test('what a console writes is kept to a bound; its size is taken out of it, wherever the pieces are cut', () => {
  const size = { columns: 100, rows: 37 };
  const bytes = `small${windowSize(size)}large`;
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const output = new Output({ columns: 80, rows: 25 });
    output.write(bytes.slice(0, cut));
    output.write(bytes.slice(cut));
    expect(output.read()).toEqual({ from: 0, text: 'smalllarge', size });
  }
  const output = new Output(size, 100);
  for (let i = 0; i < 100; i += 1) output.write('0123456789');
  const { from, text } = output.read();
  expect([from + text.length, text.length <= 100]).toEqual([1000, true]);
  output.write('\x1b[8;999;1t');
  expect(output.read().size).toEqual({ columns: 1, rows: 100 });
});
