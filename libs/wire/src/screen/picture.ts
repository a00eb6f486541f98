/** Text as a picture of two colours: what a screen shows, for remote framebuffers and snapshots. */
import { letters } from './tables/letters';

export const cellWidth = 8;
export const cellHeight = 16;
const dots = 5;
const firstLetter = 33;

/** A screen of characters; lines may be shorter than it is wide. */
export interface TextScreen {
  readonly columns: number;
  readonly rows: number;
  readonly lines: readonly string[];
  readonly cursor: { readonly column: number; readonly row: number };
}
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** An index into the palette for each dot, line by line. */
  readonly pixels: Uint8Array;
}
export type Colour = readonly [red: number, green: number, blue: number];
export const palette: readonly Colour[] = [
  [0, 0, 0],
  [192, 192, 192],
];

/** Rows of eight dots: every row of a letter twice, every dot as wide as two unless that would close a gap, a margin at both sides. */
function glyphOf(rows: string): Uint8Array {
  return Uint8Array.from({ length: cellHeight }, (_, y) => {
    const row = Number.parseInt(rows.slice((y >> 1) * 2, (y >> 1) * 2 + 2), 16) << (cellWidth - 1 - dots);
    return row | ((row >> 1) & ~(row << 1));
  });
}
const blank = new Uint8Array(cellHeight);
/** The glyph of a character that cannot be drawn. */
const unknown = Uint8Array.from({ length: cellHeight }, (_, y) => (y > 1 && y < 14 ? 0x7e : 0));
const glyphs = letters.map(glyphOf);

/** Sixteen rows of eight dots each, the leftmost the highest bit. */
export const glyph = (character: string): Uint8Array =>
  character === ' ' ? blank : (glyphs[character.charCodeAt(0) - firstLetter] ?? unknown);

const underline = 14;
export function paint({ columns, rows, lines, cursor }: TextScreen): Picture {
  const width = columns * cellWidth,
    height = rows * cellHeight;
  const pixels = new Uint8Array(width * height);
  lines.slice(0, rows).forEach((line, row) => {
    for (let column = 0; column < Math.min(line.length, columns); column += 1) {
      const drawn = glyph(line[column] ?? ' ');
      if (drawn !== blank) stamp(pixels, row * cellHeight * width + column * cellWidth, width, drawn);
    }
  });
  if (cursor.row < rows && cursor.column < columns)
    for (let y = underline; y < cellHeight; y += 1) {
      const at = (cursor.row * cellHeight + y) * width + cursor.column * cellWidth;
      pixels.fill(1, at, at + cellWidth);
    }
  return { width, height, pixels };
}

function stamp(pixels: Uint8Array, at: number, width: number, rows: Uint8Array): void {
  for (let y = 0; y < cellHeight; y += 1)
    for (let x = 0; x < cellWidth; x += 1)
      if (((rows[y] ?? 0) >> (cellWidth - 1 - x)) & 1) pixels[at + y * width + x] = 1;
}
