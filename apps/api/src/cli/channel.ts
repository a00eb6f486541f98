/** The bytes of one client of the thin protocol, read in order. */
import type { Duplex } from 'node:stream';
import {
  decodeThinAnswer,
  encodeThin,
  greetingLength,
  isThinGreeting,
  MalformedThin,
  thinGreeting,
  thinLength,
  type ThinAnswer,
  type ThinCommand,
} from '@xenplane/wire';

/** So much may come before it is asked for. */
const mostAhead = 2 ** 20;
/** A client that leaves more unread is cut off. */
const mostUnread = 64 * 2 ** 20;
/** A client that does not greet is none. */
const mostSilenceMs = 30_000;

/** The client went away in the middle of a command. */
export class ClientGone extends Error {
  constructor() {
    super('the client is gone');
    this.name = 'ClientGone';
  }
}

export class Channel {
  private readonly pieces: Buffer[] = [];
  private held = 0;
  private wanted = 0;
  private over = false;
  private wake: () => void = () => undefined;

  constructor(private readonly socket: Duplex) {
    // From here on these bytes are no HTTP: the parser of the server must not see them.
    for (const event of ['data', 'end', 'readable', 'drain', 'timeout']) socket.removeAllListeners(event);
    const ended = (): void => {
      this.over = true;
      this.wake();
    };
    socket.on('data', (piece: Buffer) => {
      this.pieces.push(piece);
      this.held += piece.length;
      // A client cannot fill this process with what nobody has asked for.
      if (this.held > this.wanted + mostAhead) socket.pause();
      this.wake();
    });
    socket.on('end', ended).on('close', ended).on('error', ended).resume();
  }

  private async take(count: number): Promise<Buffer> {
    this.wanted = count;
    while (this.held < count) {
      this.socket.resume();
      if (this.over) throw new ClientGone();
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const all = Buffer.concat(this.pieces.splice(0));
    this.held = all.length - count;
    if (this.held > 0) this.pieces.push(all.subarray(count));
    return all.subarray(0, count);
  }

  async greet(): Promise<void> {
    this.socket.write(thinGreeting());
    const silent = setTimeout(() => this.socket.destroy(), mostSilenceMs);
    try {
      if (!isThinGreeting(await this.take(greetingLength)))
        throw new MalformedThin('the client speaks another protocol');
    } finally {
      clearTimeout(silent);
    }
  }
  say(command: ThinCommand): void {
    if (this.over || !this.socket.writable) return;
    this.socket.write(encodeThin(command));
    if (this.socket.writableLength > mostUnread) this.socket.destroy(new ClientGone());
  }
  private async answer(): Promise<ThinAnswer> {
    return decodeThinAnswer(await this.take(thinLength(await this.take(4))));
  }
  /** True if the client carried the command out; it may say meanwhile that it is still at it. */
  async done(): Promise<boolean> {
    for (;;) {
      const { kind } = await this.answer();
      if (kind === 'ok') return true;
      if (kind === 'failed') return false;
      if (kind !== 'wait') throw new MalformedThin(`${kind} where yes or no was expected`);
    }
  }
  /** The chunks up to the end. */
  async blob(most: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let size = 0; ;) {
      const answer = await this.answer();
      if (answer.kind === 'end') return Buffer.concat(chunks);
      if (answer.kind !== 'chunk') throw new MalformedThin(`${answer.kind} where bytes were expected`);
      size += answer.size;
      if (size > most) throw new MalformedThin('the file is too large');
      chunks.push(await this.take(answer.size));
    }
  }
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.end(() => resolve()));
  }
}
