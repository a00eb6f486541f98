import { glyph, jpegOf, paint, palette, type Picture } from './index';
import { acTable, dcTable, zigzag, type HuffmanTable } from './tables/jpeg';

const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

test('every printable character looks like no other, and keeps a margin', () => {
  expect(new Set(printable.map((c) => glyph(c).join())).size).toBe(95);
  for (const c of printable) expect(glyph(c).every((row) => (row & 0x81) === 0)).toBe(true);
  expect(glyph('ü')).toEqual(glyph('€'));
});

const screen = {
  columns: 20,
  rows: 3,
  lines: ['login: root', '', '[ok] {a|b} ~100%'],
  cursor: { column: 11, row: 0 },
};

test('a screen is painted where its characters stand', () => {
  const { width, height, pixels } = paint(screen);
  expect([width, height]).toEqual([160, 48]);
  const cell = (column: number, row: number): number[] =>
    Array.from({ length: 16 }, (_, y) =>
      Array.from(
        { length: 8 },
        (_x, x) => (pixels[(row * 16 + y) * width + column * 8 + x] ?? 0) << (7 - x),
      ).reduce((a, b) => a + b, 0),
    );
  expect(cell(0, 0)).toEqual([...glyph('l')]);
  expect(cell(15, 2)).toEqual([...glyph('%')]);
  expect(cell(11, 0)).toEqual([...new Array<number>(14).fill(0), 255, 255]);
  expect(cell(3, 1)).toEqual(new Array<number>(16).fill(0));
});

/** Reads back what a grey baseline JPEG with one table of each kind says. */
function decode(bytes: Uint8Array): {
  readonly width: number;
  readonly height: number;
  readonly grey: number[];
} {
  const segments = new Map<number, Uint8Array>();
  let at = 2,
    scan = 0;
  while (scan === 0) {
    const [marker = 0, length] = [bytes[at + 1], ((bytes[at + 2] ?? 0) << 8) + (bytes[at + 3] ?? 0)];
    segments.set(
      marker === 0xc4 ? 0xc400 + (bytes[at + 4] ?? 0) : marker,
      bytes.subarray(at + 4, at + 2 + length),
    );
    at += 2 + length;
    if (marker === 0xda) scan = at;
  }
  expect([...bytes.subarray(-2)]).toEqual([0xff, 0xd9]);
  const data = [...bytes.subarray(scan, -2)].filter((b, i, all) => !(b === 0 && all[i - 1] === 0xff));
  const bits = data.flatMap((b) => [7, 6, 5, 4, 3, 2, 1, 0].map((i) => (b >> i) & 1));
  let next = 0;
  const take = (n: number): number => bits.slice(next, (next += n)).reduce((v, b) => v * 2 + b, 0);
  const value = (n: number): number => {
    const v = take(n);
    return n > 0 && v < 2 ** (n - 1) ? v - 2 ** n + 1 : v;
  };
  const symbol = ({ counts, symbols }: HuffmanTable): number => {
    for (let code = 0, first = 0, index = 0, length = 0; length < 16; length += 1) {
      code = code * 2 + take(1);
      first *= 2;
      const count = counts[length] ?? 0;
      if (code - first < count) return symbols[index + code - first] ?? -1;
      index += count;
      first += count;
    }
    throw new Error('no such code');
  };
  const frame = segments.get(0xc0) ?? new Uint8Array();
  const [height, width] = [
    ((frame[1] ?? 0) << 8) + (frame[2] ?? 0),
    ((frame[3] ?? 0) << 8) + (frame[4] ?? 0),
  ];
  const steps = segments.get(0xdb)?.subarray(1) ?? new Uint8Array();
  const grey = new Array<number>(width * height).fill(0);
  let dc = 0;
  for (let top = 0; top < height; top += 8)
    for (let left = 0; left < width; left += 8) {
      const coefficients = new Array<number>(64).fill(0);
      coefficients[0] = (dc += value(symbol(dcTable))) * (steps[0] ?? 0);
      for (let i = 1; i < 64; i += 1) {
        const s = symbol(acTable);
        if (s === 0) break;
        i += s >> 4;
        coefficients[zigzag[i] ?? 0] = value(s & 15) * (steps[i] ?? 0);
      }
      for (let y = 0; y < 8; y += 1)
        for (let x = 0; x < 8; x += 1) {
          let sum = 128;
          coefficients.forEach((c, i) => {
            const [v, u] = [i >> 3, i & 7];
            const scale = (u === 0 ? Math.SQRT1_2 : 1) * (v === 0 ? Math.SQRT1_2 : 1) * 0.25;
            if (c !== 0)
              sum +=
                scale *
                c *
                Math.cos(((2 * x + 1) * u * Math.PI) / 16) *
                Math.cos(((2 * y + 1) * v * Math.PI) / 16);
          });
          grey[(top + y) * width + left + x] = sum;
        }
    }
  return { width, height, grey };
}

test('a JPEG shows what was painted', () => {
  const picture: Picture = paint(screen);
  const { width, height, grey } = decode(jpegOf(picture));
  expect([width, height]).toEqual([picture.width, picture.height]);
  const errors = grey.map((g, i) => Math.abs(g - (palette[picture.pixels[i] ?? 0]?.[0] ?? 0)));
  expect(Math.max(...errors)).toBeLessThan(60);
  expect(errors.reduce((a, b) => a + b, 0) / errors.length).toBeLessThan(4);
});
