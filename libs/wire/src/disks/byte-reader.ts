/** Reads exact numbers of bytes from a stream of chunks, holding no more than one chunk and what is asked for. */

/** The stream ended inside something. */
export class EndOfStream extends Error {
  constructor(readonly got: number) {
    super('the stream ended too early');
    this.name = 'EndOfStream';
  }
}

const empty = new Uint8Array();

export class ByteReader {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private chunk: Uint8Array = empty;
  private at = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** How many bytes have been taken. */
  get position(): number {
    return this.at;
  }

  /** At least one and at most this many bytes; undefined at the end. They are valid until the next read. */
  async some(most: number): Promise<Uint8Array | undefined> {
    while (this.chunk.length === 0) {
      const { done, value } = await this.chunks.next();
      if (done) return undefined;
      this.chunk = value;
    }
    const part = this.chunk.subarray(0, most);
    this.chunk = this.chunk.subarray(part.length);
    this.at += part.length;
    return part;
  }

  /** This many bytes, fewer only where the stream ends; a copy of their own. */
  async upTo(count: number): Promise<Uint8Array> {
    const out = new Uint8Array(count);
    let got = 0;
    while (got < count) {
      const part = await this.some(count - got);
      if (!part) break;
      out.set(part, got);
      got += part.length;
    }
    return out.subarray(0, got);
  }
  async exactly(count: number): Promise<Uint8Array> {
    const bytes = await this.upTo(count);
    if (bytes.length < count) throw new EndOfStream(bytes.length);
    return bytes;
  }

  /** Everything of the next `count` bytes, chunk by chunk. */
  async *through(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      if (!part) throw new EndOfStream(count - left);
      left -= part.length;
      yield part;
    }
  }

  async skip(count: number): Promise<void> {
    for await (const _part of this.through(count));
  }

  /** Puts bytes back in front. */
  unread(bytes: Uint8Array): void {
    const joined = new Uint8Array(bytes.length + this.chunk.length);
    joined.set(bytes);
    joined.set(this.chunk, bytes.length);
    this.chunk = joined;
    this.at -= bytes.length;
  }

  /** The rest of the bytes; a consumer that stops also stops the source. */
  async *rest(): AsyncGenerator<Uint8Array> {
    try {
      for (
        let part = await this.some(Number.MAX_SAFE_INTEGER);
        part;
        part = await this.some(Number.MAX_SAFE_INTEGER)
      )
        yield part;
    } finally {
      await this.close();
    }
  }

  /** Lets the source know that no more is wanted. */
  async close(): Promise<void> {
    await this.chunks.return?.();
  }
}
