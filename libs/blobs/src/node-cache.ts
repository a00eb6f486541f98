/** A node's copies of images: fetched once for all that want them, verified before anyone sees them, resumed after a cut, let go when room is needed. */
import { createHash } from 'node:crypto';
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readdir, rm, stat, truncate, utimes } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestPattern, keep, RefusedBlob } from './store';

export interface NodeCacheOptions {
  readonly folder: string;
  readonly imagesUrl: string;
  readonly limitBytes?: number;
  /** A transfer that brings nothing for so long is cut and tried again. */
  readonly idleMs?: number;
  readonly tries?: number;
}
export interface Pulling {
  readonly onProgress?: (fraction: number) => void;
  readonly signal?: AbortSignal;
}

/** Some fifteen seconds in all. */
const mostTries = 12,
  firstWaitMs = 100,
  longestWaitMs = 2_000;

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    (s) => s.size,
    () => 0,
  );

/** `fetch` says only that it failed; its cause says why. */
const unreachable = (error: unknown): Error => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new Error(
    `the image server cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause: error },
  );
};

export class NodeCache {
  private readonly pulls = new Map<string, Promise<string>>();
  private readonly inUse = new Map<string, number>();

  constructor(private readonly options: NodeCacheOptions) {}

  /** The path of the verified image. Everyone who wants the same one shares one transfer. */
  async pull(sha256: string, pulling: Pulling = {}): Promise<string> {
    if (!digestPattern.test(sha256)) throw new RefusedBlob('not a digest');
    const present = this.pulls.get(sha256);
    if (present) return present;
    const pull = this.fetchOnce(sha256, pulling).finally(() => this.pulls.delete(sha256));
    this.pulls.set(sha256, pull);
    return pull;
  }

  /** A copy of its own for one run, grown to the disk's size; shares blocks with the image where the file system can. */
  async makeDisk(
    sha256: string,
    target: string,
    virtualSizeBytes: number,
    pulling: Pulling = {},
  ): Promise<void> {
    this.inUse.set(sha256, (this.inUse.get(sha256) ?? 0) + 1);
    try {
      const image = await this.pull(sha256, pulling);
      await mkdir(path.dirname(target), { recursive: true });
      await copyFile(image, target, constants.COPYFILE_FICLONE);
      if ((await stat(target)).size < virtualSizeBytes) await truncate(target, virtualSizeBytes);
    } catch (error) {
      await rm(target, { force: true });
      throw error;
    } finally {
      this.inUse.set(sha256, (this.inUse.get(sha256) ?? 1) - 1);
    }
  }
  async removeDisk(target: string): Promise<void> {
    await rm(target, { force: true });
  }

  private async fetchOnce(sha256: string, pulling: Pulling): Promise<string> {
    const file = path.join(this.options.folder, sha256);
    const now = new Date();
    if (
      await utimes(file, now, now).then(
        () => true,
        () => false,
      )
    )
      return file;
    await mkdir(this.options.folder, { recursive: true });
    const partial = `${file}.partial`;
    for (let tried = 1, before = await sizeOf(partial); ; tried += 1) {
      try {
        await this.transfer(sha256, partial, pulling);
        break;
      } catch (error) {
        if (
          error instanceof RefusedBlob ||
          pulling.signal?.aborted ||
          tried >= (this.options.tries ?? mostTries)
        )
          throw error;
        // A pull that made progress goes on at once; a server that is away is given time to come back.
        const have = await sizeOf(partial);
        if (have === before) await sleep(Math.min(firstWaitMs * 2 ** (tried - 1), longestWaitMs));
        before = have;
      }
    }
    await this.verify(partial, sha256);
    await keep(partial, file);
    await this.makeRoom(sha256);
    return file;
  }

  /** Goes on where an earlier try ended. */
  private async transfer(sha256: string, partial: string, { onProgress, signal }: Pulling): Promise<void> {
    const have = await sizeOf(partial);
    const idle = new AbortController();
    const response = await fetch(`${this.options.imagesUrl}/images/${sha256}`, {
      headers: have > 0 ? { range: `bytes=${have}-` } : {},
      signal: signal ? AbortSignal.any([signal, idle.signal]) : idle.signal,
    }).catch((error: unknown) => Promise.reject(unreachable(error)));
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      if (response.status === 416) return;
      throw response.status === 404
        ? new RefusedBlob(`the image server has no image ${sha256}`)
        : new Error(`the image server answered ${response.status}`);
    }
    const append = response.status === 206;
    const total = Number(response.headers.get('content-length') ?? 0) + (append ? have : 0);
    const counter = this.counter(append ? have : 0, total, idle, onProgress);
    await pipeline(
      Readable.fromWeb(response.body as import('node:stream/web').ReadableStream<Uint8Array>),
      counter,
      createWriteStream(partial, { flags: append ? 'a' : 'w' }),
    );
  }

  private counter(
    have: number,
    total: number,
    idle: AbortController,
    onProgress: Pulling['onProgress'],
  ): Transform {
    let bytes = have;
    const cut = (): NodeJS.Timeout =>
      setTimeout(
        () => idle.abort(new Error('the transfer stands still')),
        this.options.idleMs ?? 30_000,
      ).unref();
    let timer = cut();
    return new Transform({
      transform(chunk: Buffer, _encoding, done): void {
        clearTimeout(timer);
        timer = cut();
        bytes += chunk.length;
        onProgress?.(total > 0 ? bytes / total : 0);
        done(null, chunk);
      },
      final(done): void {
        clearTimeout(timer);
        done();
      },
      destroy(error, done): void {
        clearTimeout(timer);
        done(error);
      },
    });
  }

  private async verify(partial: string, sha256: string): Promise<void> {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(partial)) hash.update(chunk as Buffer);
    if (hash.digest('hex') === sha256) return;
    await rm(partial, { force: true });
    throw new RefusedBlob(`the bytes that came are not image ${sha256}`);
  }

  /** Lets the images go that were used longest ago, never one that a disk is being made of. */
  private async makeRoom(newest: string): Promise<void> {
    const { folder, limitBytes = Infinity } = this.options;
    const names = (await readdir(folder)).filter((n) => digestPattern.test(n));
    const images = await Promise.all(
      names.map(async (name) => ({
        name,
        ...(await stat(path.join(folder, name)).then(({ size, mtimeMs }) => ({ size, mtimeMs }))),
      })),
    );
    let used = images.reduce((sum, i) => sum + i.size, 0);
    for (const { name, size } of images.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (used <= limitBytes) return;
      if (name === newest || (this.inUse.get(name) ?? 0) > 0) continue;
      await rm(path.join(folder, name), { force: true });
      used -= size;
    }
  }
}
