/** A template image as the lowest layer of a disk. */
import { open } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';
import { Bits, blockBytes, Qcow2 } from '@xenplane/wire';
import { imageInfo } from '../image-info';

export interface Source {
  readonly present: Bits;
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export async function openImage(name: string): Promise<Source> {
  const file = await open(name, 'r');
  try {
    const { size } = await file.stat();
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const bytes = Buffer.alloc(length);
      for (let got = 0; got < length;) {
        const { bytesRead } = await file.read(bytes, got, length - got, offset + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      return bytes;
    };
    const close = (): Promise<void> => file.close();
    const { format } = await imageInfo(name, size);
    if (format === 'raw') return { present: allOf(size), read, close };
    const image = await Qcow2.open({ read }, (bytes, length) =>
      inflateRawSync(bytes, { maxOutputLength: length }),
    );
    return { present: image.present, read: (offset, length) => image.read(offset, length), close };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function allOf(size: number): Bits {
  const blocks = Math.ceil(size / blockBytes);
  const bits = new Bits(new Uint8Array(Math.ceil(blocks / 8)).fill(0xff));
  return new Bits(bits.raw(blocks));
}
