/** The two directions of a connection: exactly so many bytes in, and bytes out no faster than they are taken. */
import type { Socket } from 'node:net';

/** The connection ended where more was to come. */
export class Gone extends Error {
  constructor() {
    super('the client is gone');
    this.name = 'Gone';
  }
}

const moves = ['readable', 'end', 'close'] as const;

export class Connection {
  private moved: (() => void) | undefined;
  private readonly told = (): void => this.moved?.();

  constructor(readonly socket: Socket) {
    for (const move of moves) socket.on(move, this.told);
  }
  /** Later bytes stay with the socket, where TLS finds them. */
  leave(): void {
    for (const move of moves) this.socket.off(move, this.told);
  }

  async exactly(count: number): Promise<Uint8Array> {
    for (;;) {
      const { socket } = this;
      const bytes: unknown = count === 0 ? Buffer.alloc(0) : socket.read(count);
      if (bytes instanceof Uint8Array && bytes.length === count) return bytes;
      // At the end it gives the rest, however little.
      if (bytes !== null || socket.destroyed || socket.readableEnded) throw new Gone();
      await new Promise<void>((resolve) => (this.moved = resolve));
    }
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) left -= (await this.exactly(Math.min(left, 65_536))).length;
  }

  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      this.socket.write(bytes, (error) => (error ? reject(new Gone()) : resolve())),
    );
  }
}
