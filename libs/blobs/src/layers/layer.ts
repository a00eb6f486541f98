/**
 * One layer of a disk on the image server: a bitmap of the 64 KiB blocks that it has, and their bytes at their places in sparse
 * files. A block enters the bitmap on disk only after its bytes are there, so a crash shows it whole or not at all.
 */
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { Bits, blockBytes, isZero } from '@xenplane/wire';
import { RefusedBlob } from '../store';

/** Which of two layers' blocks stay where both have one: those of the layer that is folded, or the others. */
export type FoldHow = 'over' | 'under';

/** No file system holds one file for the largest disk: each has this much of it. */
const segmentBytes = 2 ** 40;
/** So much may be written before it is made durable. */
const unsyncedBytes = 32 * 2 ** 20;

/** Where the bytes of blocks come from that a layer does not have. */
export interface Below {
  readonly present: Bits;
  read(offset: number, length: number): Promise<Uint8Array>;
}
const writable = constants.O_RDWR | constants.O_CREAT;

export class Layer {
  private readonly segments = new Map<number, Promise<FileHandle>>();
  private readonly changed = new Set<number>();
  private readonly touched = new Set<number>();
  private unsynced = 0;
  private turn: Promise<unknown> = Promise.resolve();
  private gone = false;

  private constructor(
    private readonly folder: string,
    readonly present: Bits,
    private trail: Bits | undefined,
    private kept: boolean,
  ) {}

  /** A layer that was never written is one without blocks. */
  static async open(folder: string): Promise<Layer> {
    const [bytes, changed] = await Promise.all(
      ['present', 'changed'].map((name) => readFile(path.join(folder, name)).catch(() => undefined)),
    );
    return new Layer(folder, new Bits(bytes), changed && new Bits(changed), (bytes ?? changed) !== undefined);
  }

  /** True if anything was ever written to it. */
  get stored(): boolean {
    return this.kept || this.present.end > 0;
  }

  /** True if its changed blocks are recorded apart from the blocks that it has. */
  get traced(): boolean {
    return this.trail !== undefined;
  }
  /** The blocks that were changed while this layer took the writes, wherever their bytes are now. */
  get changes(): Bits {
    return this.trail ?? this.present;
  }
  /** Keeps what it has changed, once; another bitmap takes its place. */
  trace(changes?: Bits): Promise<void> {
    return this.inTurn(async () => {
      if (this.trail && !changes) return;
      const kept = new Bits((changes ?? this.present).raw());
      await this.replace('changed', kept.raw());
      this.trail = kept;
    });
  }

  /** Reads blocks that are present, from the first of them. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const file = await this.segment(Math.floor(offset / segmentBytes), false);
    const bytes = Buffer.alloc(length);
    for (let got = 0; got < length;) {
      const { bytesRead } = await file.read(bytes, got, length - got, (offset % segmentBytes) + got);
      // Zeroes at the end of a file are not stored.
      if (bytesRead === 0) break;
      got += bytesRead;
    }
    return bytes;
  }

  /** Writers take turns, write by write. */
  write(below: Below, offset: number, bytes: Uint8Array): Promise<void> {
    return this.inTurn(async () => {
      for (let at = 0; at < bytes.length;) {
        const block = Math.floor((offset + at) / blockBytes);
        const start = (offset + at) % blockBytes;
        const part = bytes.subarray(at, at + Math.min(bytes.length - at, blockBytes - start));
        await this.put(
          below,
          block,
          part.length === blockBytes ? part : await this.patched(below, block, start, part),
        );
        at += part.length;
      }
      if (this.unsynced >= unsyncedBytes) await this.commit();
    });
  }

  /** Only what shows something, here or below, is touched. */
  zero(below: Below, offset: number, length: number): Promise<void> {
    return this.inTurn(async () => {
      const shown = new Bits(this.present.raw());
      shown.add(below.present);
      const end = offset + length;
      for (const { first, count } of shown.runs())
        for (let block = first; block < first + count && block * blockBytes < end; block += 1) {
          const from = Math.max(offset, block * blockBytes),
            to = Math.min(end, (block + 1) * blockBytes);
          if (from < to) await this.zeroPart(below, block, from - block * blockBytes, to - from);
        }
      if (this.unsynced >= unsyncedBytes) await this.commit();
    });
  }
  private async zeroPart(below: Below, block: number, start: number, length: number): Promise<void> {
    const zeroes = new Uint8Array(length);
    await this.put(
      below,
      block,
      length === blockBytes ? zeroes : await this.patched(below, block, start, zeroes),
    );
  }

  /** Makes durable what was written, and then says that it is there. */
  sync(): Promise<void> {
    return this.inTurn(() => this.commit());
  }

  /** Takes a block of another layer as its own, unless that has lost it or is gone meanwhile. */
  adopt(from: Layer, block: number, how: FoldHow): Promise<void> {
    return this.inTurn(async () => {
      if (from.gone || this.gone) throw new RefusedBlob('the layer is gone');
      if (!from.present.has(block) || (how === 'under' && this.present.has(block))) return;
      await this.store(block, await from.read(block * blockBytes, blockBytes));
      if (this.unsynced >= unsyncedBytes) await this.commit();
    });
  }
  /** These blocks are elsewhere now. */
  release(blocks: readonly number[]): Promise<void> {
    return this.inTurn(async () => {
      for (const block of blocks) {
        this.present.clear(block);
        this.changed.add(Math.floor(block / 8));
      }
      await this.commit();
    });
  }
  /** Gives up all bytes; what was changed stays known. */
  async empty(): Promise<void> {
    await this.trace();
    await this.inTurn(() => this.clear());
  }
  /** If it is not needed now, it takes nothing any more: it is emptied, or left to be removed. Answers whether. */
  retire(isSpare: () => boolean, empty: boolean): Promise<boolean> {
    return this.inTurn(async () => {
      if (!isSpare()) return false;
      if (!empty) this.leave();
      else if (this.stored) await this.clear();
      return true;
    });
  }
  private async clear(): Promise<void> {
    for (const { first, count } of new Bits(this.present.raw()).runs())
      for (let block = first; block < first + count; block += 1) this.present.clear(block);
    await this.replace('present', new Uint8Array());
    for (const name of await readdir(this.folder))
      if (name.startsWith('blocks.')) await unlink(path.join(this.folder, name));
  }
  /** Whoever still has it may read on, but nothing is written any more. */
  leave(): void {
    this.gone = true;
  }

  async close(): Promise<void> {
    await this.turn.catch(() => undefined);
    for (const file of this.segments.values()) await file.then((f) => f.close()).catch(() => undefined);
  }

  /** Zeroes over nothing are nothing. */
  private async put(below: Below, block: number, bytes: Uint8Array): Promise<void> {
    if (this.gone) throw new RefusedBlob('the layer is gone');
    const zero = isZero(bytes);
    if (zero && !below.present.has(block)) {
      if (!this.present.has(block)) return;
      this.present.clear(block);
      this.changed.add(Math.floor(block / 8));
    } else await this.store(block, bytes);
  }
  private async store(block: number, bytes: Uint8Array): Promise<void> {
    const segment = Math.floor((block * blockBytes) / segmentBytes);
    const file = await this.segment(segment, true);
    await writeAll(file, bytes, (block * blockBytes) % segmentBytes);
    this.touched.add(segment);
    this.unsynced += bytes.length;
    this.present.set(block);
    this.changed.add(Math.floor(block / 8));
  }
  /** A file is the old one or the new one, whatever happens. */
  private async replace(name: string, bytes: Uint8Array): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const whole = path.join(this.folder, name);
    const file = await open(`${whole}.new`, 'w');
    try {
      await writeAll(file, bytes, 0);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${whole}.new`, whole);
    this.kept = true;
  }

  private async patched(below: Below, block: number, start: number, part: Uint8Array): Promise<Uint8Array> {
    const whole = this.present.has(block)
      ? await this.read(block * blockBytes, blockBytes)
      : await below.read(block * blockBytes, blockBytes);
    const bytes = Uint8Array.from(whole);
    bytes.set(part, start);
    return bytes;
  }

  private async commit(): Promise<void> {
    if (this.gone) return;
    for (const segment of this.touched) await (await this.segment(segment, true)).datasync();
    this.touched.clear();
    this.unsynced = 0;
    if (this.changed.size === 0) return;
    await mkdir(this.folder, { recursive: true });
    const file = await open(path.join(this.folder, 'present'), writable);
    try {
      const raw = this.present.raw();
      for (const [first, end] of ranges([...this.changed].sort((a, b) => a - b)))
        await writeAll(file, raw.subarray(first, end), first);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.changed.clear();
  }

  private segment(number: number, create: boolean): Promise<FileHandle> {
    const known = this.segments.get(number);
    if (known) return known;
    const name = path.join(this.folder, `blocks.${number}`);
    const opened = create
      ? mkdir(this.folder, { recursive: true }).then(() => open(name, writable))
      : open(name, 'r+');
    this.segments.set(number, opened);
    opened.catch(() => this.segments.delete(number));
    return opened;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

/** Numbers in order as ranges, first and end; nearby ones in one. */
function* ranges(sorted: readonly number[]): Generator<[number, number]> {
  const near = 4096;
  for (let i = 0; i < sorted.length;) {
    const first = sorted[i] ?? 0;
    let last = first;
    for (; i < sorted.length && (sorted[i] ?? 0) - last < near; i += 1) last = sorted[i] ?? 0;
    yield [first, last + 1];
  }
}
