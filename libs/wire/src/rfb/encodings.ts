/** Rectangles of a picture in the encodings of RFB. */
import type { Picture } from '../screen';

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export const encodings = { raw: 0, hextile: 5, desktopSize: -223 } as const;
type Dots = readonly Uint8Array[];
type Encode = (picture: Picture, area: Rectangle, dots: Dots) => Uint8Array;

export const raw: Encode = ({ width, pixels }, area, dots) => {
  const size = dots[0]?.length ?? 4;
  const bytes = new Uint8Array(area.width * area.height * size);
  let at = 0;
  for (let y = area.y; y < area.y + area.height; y += 1)
    for (let x = area.x; x < area.x + area.width; x += 1, at += size)
      bytes.set(dots[pixels[y * width + x] ?? 0] ?? [], at);
  return bytes;
};

const tile = 16;
const flags = { background: 2, foreground: 4, subrectangles: 8 } as const;

/** Tiles of 16 by 16 dots, each of one colour or with the runs of the other named. Ours never have more than two. */
export const hextile: Encode = (picture, area, dots) => {
  const tiles: Uint8Array[] = [];
  for (let y = 0; y < area.height; y += tile)
    for (let x = 0; x < area.width; x += tile) {
      const width = Math.min(tile, area.width - x),
        height = Math.min(tile, area.height - y);
      tiles.push(hextileOf(picture, { x: area.x + x, y: area.y + y, width, height }, dots));
    }
  return Buffer.concat(tiles);
};

function hextileOf(picture: Picture, area: Rectangle, dots: Dots): Uint8Array {
  const back = picture.pixels[area.y * picture.width + area.x] ?? 0;
  const runs = runsOf(picture, area, back);
  const background = dots[back] ?? [],
    foreground = dots[1 - back] ?? [];
  if (runs.length === 0) return Uint8Array.from([flags.background, ...background]);
  const kind = flags.background | flags.foreground | flags.subrectangles;
  return Uint8Array.from([kind, ...background, ...foreground, runs.length / 2, ...runs]);
}
/** Horizontal runs of what is not the background: place and size, each of two halves of a byte. */
function runsOf({ width, pixels }: Picture, area: Rectangle, back: number): number[] {
  const runs: number[] = [];
  for (let y = 0; y < area.height; y += 1) {
    const row = (area.y + y) * width + area.x;
    for (let x = 0; x < area.width; x += 1) {
      if (pixels[row + x] === back) continue;
      const from = x;
      while (x + 1 < area.width && pixels[row + x + 1] !== back) x += 1;
      runs.push((from << 4) | y, (x - from) << 4);
    }
  }
  return runs;
}

export const inside = (area: Rectangle, { width, height }: Picture): Rectangle => {
  const x = Math.min(area.x, width),
    y = Math.min(area.y, height);
  return { x, y, width: Math.min(area.width, width - x), height: Math.min(area.height, height - y) };
};

const band = 16;
/** Where two pictures of one size differ, within an area: at most one rectangle for each line of text. */
export function differences(before: Picture, after: Picture, area: Rectangle): Rectangle[] {
  const found: Rectangle[] = [];
  for (let top = area.y - (area.y % band); top < area.y + area.height; top += band) {
    const first = Math.max(top, area.y),
      last = Math.min(top + band, area.y + area.height);
    let left = Infinity,
      right = -1;
    for (let y = first; y < last; y += 1)
      for (let x = area.x, at = y * after.width + area.x; x < area.x + area.width; x += 1, at += 1)
        if (before.pixels[at] !== after.pixels[at]) {
          left = Math.min(left, x);
          right = Math.max(right, x);
        }
    if (right >= 0) found.push({ x: left, y: first, width: right - left + 1, height: last - first });
  }
  return found;
}
