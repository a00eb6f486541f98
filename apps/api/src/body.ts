/**
 * The body of an answer, made in slices and sent at the client's pace. What is short goes in one go. What is long is made as it is
 * taken: a client that does not read holds no more than a few packets, and is cut off when it reads nothing for a minute.
 */
import { Readable } from 'node:stream';
import { slices } from '@xenplane/store';
import type { Piece } from '@xenplane/wire';
import type { FastifyReply } from 'fastify';

export interface Body {
  readonly pieces: Iterable<Piece>;
  /** In bytes, when it is known beforehand. */
  readonly length?: number;
}
type Head = Readonly<Record<string, string>>;

/** Work that takes less than this is not cut. */
const shortMs = 1;
/** An answer up to this size says how long it is; a longer one comes in chunks, unless its length is known anyway. */
const mostHeldBytes = 8 * 2 ** 20;
const packetBytes = 256 * 2 ** 10;
/** A packet that nobody takes for so long is nobody's. */
const patienceMs = 60_000;

/** The pieces as bytes, packet by packet. */
class Packets {
  private readonly pieces: Iterator<Piece>;
  done = false;

  constructor(pieces: Iterable<Piece>) {
    this.pieces = pieces[Symbol.iterator]();
  }

  /** The next packet; a short one when the time is over. */
  next(isOver: () => boolean): Buffer {
    const taken: Buffer[] = [];
    let size = 0,
      text = '';
    while (size + text.length < packetBytes) {
      const { value, done } = this.pieces.next();
      if (done === true) {
        this.done = true;
        break;
      }
      if (typeof value === 'string') text += value;
      else {
        taken.push(Buffer.from(text), asBuffer(value));
        size += text.length + value.byteLength;
        text = '';
      }
      if (isOver()) break;
    }
    taken.push(Buffer.from(text));
    return taken.length === 1 && taken[0] ? taken[0] : Buffer.concat(taken);
  }
}
const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export async function sendBody(reply: FastifyReply, head: Head, { pieces, length }: Body): Promise<void> {
  const packets = new Packets(pieces),
    isOver = slices.allowance(shortMs);
  const held = [packets.next(isOver)];
  let size = held[0]?.length ?? 0;
  while (!packets.done && length === undefined && size <= mostHeldBytes && !reply.raw.destroyed) {
    if (isOver()) await slices.next();
    const packet = packets.next(() => isOver() && slices.isOver);
    held.push(packet);
    size += packet.length;
  }
  void reply.code(200).headers(head);
  if (packets.done) return void reply.send(held.length === 1 ? held[0] : Buffer.concat(held));
  if (length !== undefined) void reply.header('content-length', length);
  void reply.send(Readable.from(paced(reply, held, packets), { objectMode: false }));
}

async function* paced(
  reply: FastifyReply,
  held: readonly Buffer[],
  packets: Packets,
): AsyncGenerator<Buffer> {
  const patience = setTimeout(() => reply.raw.destroy(), patienceMs).unref();
  try {
    for (const packet of held) {
      yield packet;
      patience.refresh();
    }
    while (!packets.done) {
      await slices.next();
      const packet = packets.next(() => slices.isOver);
      if (packet.length > 0) yield packet;
      patience.refresh();
    }
  } finally {
    clearTimeout(patience);
  }
}
