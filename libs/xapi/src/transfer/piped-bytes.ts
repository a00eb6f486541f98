import { Readable, type Transform } from 'node:stream';

/** Bytes through a stream of the runtime. What fails on the way is told behind it; whoever stops taking stops the source. */
export function piped(bytes: AsyncIterable<Uint8Array>, through: Transform): AsyncIterable<Uint8Array> {
  const source = Readable.from(bytes, { objectMode: true, highWaterMark: 1 });
  source.once('error', (error) => through.destroy(error));
  through.once('close', () => source.destroy());
  return source.pipe(through);
}
