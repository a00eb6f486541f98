/**
 * The JSON texts of all objects, each made once and kept until it is stale. Objects are in blocks, whose texts lie one
 * behind the other in one buffer: the answer to `get_all_records` is the list of these buffers, and the text of one
 * object a piece of one.
 */
import type { ClassName } from '@xenplane/model';
import type { Entry } from './object-index';

/** JSON that is ready. */
export type JsonText = string | Buffer;

const mostInBlock = 64;

class Block {
  entries: Entry[] = [];
  bytes: Buffer | undefined;
}
const keyOf = (entry: Entry): string => `${JSON.stringify(entry.ref)}:`;

export class Texts {
  private readonly blocks = new Map<ClassName, Block[]>();

  constructor(private readonly write: (entry: Entry) => string) {}

  add(entry: Entry): void {
    const all = this.blocks.get(entry.cls) ?? [];
    let block = all.at(-1);
    if (!block || block.entries.length >= mostInBlock) all.push((block = new Block()));
    this.blocks.set(entry.cls, all);
    block.entries.push(entry);
    entry.block = block;
    this.spoil(entry);
  }

  remove(entry: Entry): void {
    const block = entry.block;
    if (!(block instanceof Block)) return;
    this.spoil(entry);
    block.entries = block.entries.filter((e) => e !== entry);
    if (block.entries.length === 0)
      this.blocks.set(
        entry.cls,
        (this.blocks.get(entry.cls) ?? []).filter((b) => b !== block),
      );
  }

  /** The object has changed: its text must be made anew. The others of its block keep theirs. */
  spoil(entry: Entry): void {
    entry.text = undefined;
    entry.start = -1;
  }

  of(entry: Entry): string {
    const block = entry.block;
    if (entry.start >= 0 && block instanceof Block && block.bytes)
      return block.bytes.toString('utf8', entry.start + Buffer.byteLength(keyOf(entry)), entry.end);
    return (entry.text ??= this.write(entry));
  }

  /** The text, made when it is missing, without a copy of what lies in a block. Later changes do not reach it. */
  ready(entry: Entry): JsonText {
    const block = entry.block;
    if (entry.start >= 0 && block instanceof Block && block.bytes)
      return block.bytes.subarray(entry.start + Buffer.byteLength(keyOf(entry)), entry.end);
    return (entry.text ??= this.write(entry));
  }

  /** `"ref":{...},"ref":{...}` of all objects of a class, in blocks; between two of them there is a comma. */
  all(cls: ClassName): Buffer[] {
    return (this.blocks.get(cls) ?? []).map((block) => this.bytesOf(block));
  }

  /** Makes texts that are missing until the time is over; true when none is missing. */
  prepareSome(cls: ClassName, isOver: () => boolean): boolean {
    if (!this.layTogether(cls, isOver)) return false;
    for (const block of this.blocks.get(cls) ?? []) {
      if (isWhole(block)) continue;
      for (const entry of block.entries) {
        if (entry.start >= 0 || entry.text !== undefined) continue;
        entry.text = this.write(entry);
        if (isOver()) return false;
      }
      this.bytesOf(block);
      if (isOver()) return false;
    }
    return true;
  }

  /** When most blocks have become small, neighbours are laid together until the time is over; true when there is nothing to do. */
  private layTogether(cls: ClassName, isOver: () => boolean): boolean {
    const all = this.blocks.get(cls) ?? [];
    const objects = all.reduce((sum, b) => sum + b.entries.length, 0);
    if (all.length <= 2 * Math.ceil(objects / mostInBlock) + 1) return true;
    const laid: Block[] = [];
    let late = false;
    for (const block of all) {
      const last = laid.at(-1);
      if (late || !last || last.entries.length + block.entries.length > mostInBlock) {
        laid.push(block);
        continue;
      }
      this.move(block, last);
      late = isOver();
    }
    this.blocks.set(cls, laid);
    return !late;
  }
  private move(from: Block, to: Block): void {
    for (const entry of from.entries) {
      entry.text = this.of(entry);
      entry.start = -1;
      entry.block = to;
    }
    to.entries.push(...from.entries);
  }

  private bytesOf(block: Block): Buffer {
    if (block.bytes && isWhole(block)) return block.bytes;
    const pieces = block.entries.map((entry) => this.piece(block, entry));
    const bytes = Buffer.concat(pieces.flatMap((piece, i) => (i === 0 ? [piece] : [comma, piece])));
    let at = 0;
    block.entries.forEach((entry, i) => {
      entry.text = undefined;
      entry.start = at;
      entry.end = at + (pieces[i]?.length ?? 0);
      at = entry.end + 1;
    });
    block.bytes = bytes;
    return bytes;
  }
  private piece(block: Block, entry: Entry): Buffer {
    if (entry.start >= 0 && block.bytes) return block.bytes.subarray(entry.start, entry.end);
    return Buffer.from(keyOf(entry) + (entry.text ?? this.write(entry)));
  }
}

const comma = Buffer.from(',');
/** Removed entries leave a gap in the bytes, so the pieces must also fill them. */
function isWhole({ entries, bytes }: Block): boolean {
  if (!bytes) return false;
  let at = 0;
  for (const entry of entries) {
    if (entry.start !== at) return false;
    at = entry.end + 1;
  }
  return at === bytes.length + 1;
}
