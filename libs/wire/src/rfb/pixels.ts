/** Dots in the form that a client of a remote framebuffer asks for. */
import { palette, type Colour } from '../screen';

export interface PixelFormat {
  readonly bitsPerPixel: 8 | 16 | 32;
  readonly depth: number;
  readonly bigEndian: boolean;
  /** Otherwise a dot is an index into a palette, which is sent. */
  readonly trueColour: boolean;
  readonly max: Colour;
  readonly shift: Colour;
}
export const ownFormat: PixelFormat = {
  bitsPerPixel: 32,
  depth: 24,
  bigEndian: false,
  trueColour: true,
  max: [255, 255, 255],
  shift: [16, 8, 0],
};
export const formatBytes = 16;

export function writeFormat({
  bitsPerPixel,
  depth,
  bigEndian,
  trueColour,
  max,
  shift,
}: PixelFormat): Uint8Array {
  const bytes = Buffer.alloc(formatBytes);
  bytes.set([bitsPerPixel, depth, Number(bigEndian), Number(trueColour)]);
  max.forEach((m, i) => bytes.writeUInt16BE(m, 4 + 2 * i));
  bytes.set(shift, 10);
  return bytes;
}
/** Undefined for a form that no client has. */
export function readFormat(bytes: Buffer): PixelFormat | undefined {
  const bitsPerPixel = bytes[0];
  if (bitsPerPixel !== 8 && bitsPerPixel !== 16 && bitsPerPixel !== 32) return undefined;
  return {
    bitsPerPixel,
    depth: bytes[1] ?? 0,
    bigEndian: bytes[2] !== 0,
    trueColour: bytes[3] !== 0,
    max: [bytes.readUInt16BE(4), bytes.readUInt16BE(6), bytes.readUInt16BE(8)],
    shift: [bytes[10] ?? 0, bytes[11] ?? 0, bytes[12] ?? 0],
  };
}

/** The bytes of each colour of the palette. */
export function dotsOf({
  bitsPerPixel,
  bigEndian,
  trueColour,
  max,
  shift,
}: PixelFormat): readonly Uint8Array[] {
  const size = bitsPerPixel / 8;
  return palette.map((colour, index) => {
    const value = trueColour
      ? colour.reduce(
          (sum, part, i) => sum + Math.round((part * (max[i] ?? 0)) / 255) * 2 ** (shift[i] ?? 0),
          0,
        ) %
        2 ** bitsPerPixel
      : index;
    const bytes = Uint8Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
    return bigEndian ? bytes.reverse() : bytes;
  });
}
