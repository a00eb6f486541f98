/** Files as one stream, in each of the forms that clients ask for; no more than one file is held. */
import { setImmediate as turn } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { createGzip, deflateRawSync } from 'node:zlib';
import { bzip2, tarEnd, tarMember } from '@xenplane/wire';
import type { HostFile } from '@xenplane/xapi';

type Files = AsyncIterable<HostFile>;
type Bytes = AsyncIterable<Uint8Array>;

export async function* tar(files: Files): AsyncGenerator<Uint8Array> {
  for await (const { name, bytes } of files) {
    yield* tarMember(name, bytes);
    await turn();
  }
  yield tarEnd();
}
export const tarGz = (files: Files): Bytes => Readable.from(tar(files)).pipe(createGzip());
export const tarBz2 = (files: Files): Bytes => bzip2(tar(files), turn);

const crcTable = Uint32Array.from({ length: 256 }, (_, i) => {
  let c = i;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});
const crc32 = (bytes: Uint8Array): number =>
  ~bytes.reduce((crc, byte) => (crcTable[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8), 0xffffffff) >>> 0;

const entryBytes = 26;
/** The fields common to the head of a file and its line in the directory. */
function entry(
  name: Buffer,
  { bytes, packed }: { readonly bytes: Uint8Array; readonly packed: Uint8Array },
): Buffer {
  const out = Buffer.alloc(entryBytes);
  out.writeUInt16LE(20, 0);
  out.writeUInt16LE(0x0800, 2); // names in UTF-8
  out.writeUInt16LE(8, 4);
  out.writeUInt16LE(0, 6);
  out.writeUInt16LE(0x21, 8); // the first day that the format knows
  out.writeUInt32LE(crc32(bytes), 10);
  out.writeUInt32LE(packed.length, 14);
  out.writeUInt32LE(bytes.length, 18);
  out.writeUInt16LE(name.length, 22);
  return out;
}
function directoryLine(name: Buffer, head: Buffer, offset: number): Buffer {
  const out = Buffer.alloc(46);
  out.write('PK\x01\x02', 0, 'latin1');
  out.writeUInt16LE(20, 4);
  head.copy(out, 6);
  out.writeUInt32LE(offset, 42);
  return Buffer.concat([out, name]);
}
function directoryEnd(count: number, size: number, offset: number): Buffer {
  const out = Buffer.alloc(22);
  out.write('PK\x05\x06', 0, 'latin1');
  out.writeUInt16LE(count, 8);
  out.writeUInt16LE(count, 10);
  out.writeUInt32LE(size, 12);
  out.writeUInt32LE(offset, 16);
  return out;
}

export async function* zip(files: Files): AsyncGenerator<Uint8Array> {
  const lines: Buffer[] = [];
  let offset = 0;
  for await (const { name, bytes } of files) {
    const packed = deflateRawSync(bytes),
      label = Buffer.from(name);
    const head = entry(label, { bytes, packed });
    lines.push(directoryLine(label, head, offset));
    const whole = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), head, label, packed]);
    offset += whole.length;
    yield whole;
    await turn();
  }
  const directory = Buffer.concat(lines);
  yield directory;
  yield directoryEnd(lines.length, directory.length, offset);
}
