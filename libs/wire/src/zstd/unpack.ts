/** Unpacks zstd, after RFC 8878, block by block; the checksum of a frame, where it has one, must be right. */
import type { ByteReader } from '../disks/byte-reader';
import { startXxh64 } from '../xva/xxh64';
import { BadZstd } from './bad-zstd';
import type { Block, Frame } from './frames';
import { History } from './history';
import type { HuffmanTable } from './huffman';
import { readLiterals } from './literals';
import { readSequences, runSequences, type Recent, type SequenceTables } from './sequences';

/** The state that blocks of a frame take over from those before. */
class FrameState {
  private readonly history: History;
  private readonly recent: Recent = [1, 4, 8];
  private huffman: HuffmanTable | undefined;
  private tables: SequenceTables | undefined;

  constructor(private readonly frame: Frame) {
    this.history = new History(frame.window);
  }

  unpack({ bytes, type, size }: Block): Uint8Array {
    const { history } = this,
      content = bytes.subarray(3);
    history.reserve(this.frame.blockBytes);
    const from = history.position;
    if (type === 'raw') history.append(content, 0, size);
    else if (type === 'repeated') history.fill(content[0] ?? 0, size);
    else this.unpackBlock(content);
    return history.since(from);
  }

  private unpackBlock(block: Uint8Array): void {
    const { history } = this,
      most = this.frame.blockBytes;
    const literals = readLiterals(block, most, this.huffman);
    this.huffman = literals.table;
    const sequences = readSequences(block, literals.end, this.tables);
    this.tables = sequences.tables;
    let used = 0,
      given = 0;
    runSequences(sequences, this.recent, (count, match, offset) => {
      used += count;
      given += count + match;
      if (used > literals.bytes.length || given > most)
        throw new BadZstd('a block that gives more than it may');
      history.append(literals.bytes, used - count, used);
      history.repeat(offset, match);
    });
    if (given - used + literals.bytes.length > most) throw new BadZstd('a block that gives more than it may');
    history.append(literals.bytes, used, literals.bytes.length);
  }
}

/** One block at a time, empty ones too: whoever takes them may let others have their turn in between. */
export async function* unpackFrame(frame: Frame, reader: ByteReader): AsyncGenerator<Uint8Array> {
  const state = new FrameState(frame),
    sum = frame.checked ? await startXxh64() : undefined;
  for await (const block of frame.blocks()) {
    const bytes = state.unpack(block);
    sum?.update(bytes);
    yield bytes;
  }
  if (!sum) return;
  const told = new DataView((await reader.exactly(4)).buffer).getUint32(0, true);
  if (BigInt(told) !== sum.digest() % 2n ** 32n) throw new BadZstd('a frame whose checksum is wrong');
}

/** The frame as it came, for another reader. */
export async function* packedFrame(frame: Frame, reader: ByteReader): AsyncGenerator<Uint8Array> {
  yield frame.header;
  for await (const { bytes } of frame.blocks()) yield bytes;
  if (frame.checked) yield await reader.exactly(4);
}
