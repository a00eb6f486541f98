/** Images by the digest of their bytes. A file is there whole or not at all. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, type ReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Transform, type Readable } from 'node:stream';
import { imageInfo, type ImageInfo } from './image-info';

export const digestPattern = /^[0-9a-f]{64}$/;
export interface StoredBlob extends ImageInfo {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** The bytes are not what they were said to be, or more than may be kept. */
export class RefusedBlob extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'RefusedBlob';
  }
}

/** Counts and digests what passes; ends the stream when there is too much. */
export function meter(limitBytes: number): { stream: Transform; digest(): string; bytes(): number } {
  const hash = createHash('sha256');
  let bytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      bytes += chunk.length;
      hash.update(chunk);
      done(bytes > limitBytes ? new RefusedBlob(`more than ${limitBytes} bytes`) : null, chunk);
    },
  });
  return { stream, digest: () => hash.digest('hex'), bytes: () => bytes };
}

export class BlobStore {
  private constructor(private readonly folder: string) {}

  /** Opens the folder and clears what an earlier life left half done. */
  static async open(folder: string): Promise<BlobStore> {
    await mkdir(path.join(folder, 'incoming'), { recursive: true });
    for (const name of await readdir(path.join(folder, 'incoming')))
      await rm(path.join(folder, 'incoming', name), { force: true });
    return new BlobStore(folder);
  }

  fileOf(sha256: string): string {
    if (!digestPattern.test(sha256)) throw new RefusedBlob('not a digest');
    return path.join(this.folder, sha256);
  }

  /** Takes all bytes of the stream; `expected` is the digest that they must have. */
  async take(
    source: Readable,
    { expected, limitBytes = 2 ** 40 }: { expected?: string; limitBytes?: number } = {},
  ): Promise<StoredBlob> {
    const temporary = path.join(this.folder, 'incoming', randomUUID());
    const passing = meter(limitBytes);
    try {
      await pipeline(source, passing.stream, createWriteStream(temporary));
      const sha256 = passing.digest();
      if (expected !== undefined && expected !== sha256)
        throw new RefusedBlob(`the digest is ${sha256}, not ${expected}`);
      const info = await imageInfo(temporary, passing.bytes());
      await keep(temporary, this.fileOf(sha256));
      return { sha256, sizeBytes: passing.bytes(), ...info };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async size(sha256: string): Promise<number | undefined> {
    // A link is no image.
    return lstat(this.fileOf(sha256)).then(
      (s) => (s.isFile() ? s.size : undefined),
      () => undefined,
    );
  }
  read(sha256: string, range?: { readonly start: number; readonly end: number }): ReadStream {
    return createReadStream(this.fileOf(sha256), range);
  }
  async list(): Promise<string[]> {
    return (await readdir(this.folder)).filter((name) => digestPattern.test(name));
  }
  async delete(sha256: string): Promise<boolean> {
    const present = (await this.size(sha256)) !== undefined;
    await rm(this.fileOf(sha256), { force: true });
    return present;
  }
}

/** Makes a file durable before it gets the name by which it is found. */
export async function keep(temporary: string, name: string): Promise<void> {
  const file = await open(temporary, 'r+');
  await file.sync().finally(() => file.close());
  await rename(temporary, name);
}
