/** The format of a disk image, from its first bytes. Links to other files are refused. */
import { open } from 'node:fs/promises';

export interface ImageInfo {
  readonly format: 'raw' | 'qcow2';
  readonly virtualSizeBytes: number;
}
/** The header says something that no image that we take says. */
export class BadImage extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'BadImage';
  }
}

const headerBytes = 104;
const largest = 64n * 2n ** 40n;

/** The qcow2 header (QEMU docs/interop/qcow2): magic, version, backing file, size of the disk. */
export function qcow2Info(header: Buffer): ImageInfo {
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw new BadImage(`qcow2 version ${version}`);
  if (header.readBigUInt64BE(8) !== 0n || header.readUInt32BE(16) !== 0)
    throw new BadImage('an image with a backing file');
  const clusterBits = header.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw new BadImage(`clusters of 2^${clusterBits} bytes`);
  const size = header.readBigUInt64BE(24);
  if (size === 0n || size > largest) throw new BadImage(`a disk of ${size} bytes`);
  if (header.readUInt32BE(32) !== 0) throw new BadImage('an encrypted image');
  return { format: 'qcow2', virtualSizeBytes: Number(size) };
}

export async function imageInfo(file: string, sizeBytes: number): Promise<ImageInfo> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    if (bytesRead === headerBytes && buffer.toString('latin1', 0, 4) === 'QFI\xfb') return qcow2Info(buffer);
    if (sizeBytes === 0) throw new BadImage('an empty image');
    return { format: 'raw', virtualSizeBytes: Math.ceil(sizeBytes / 512) * 512 };
  } finally {
    await handle.close();
  }
}
