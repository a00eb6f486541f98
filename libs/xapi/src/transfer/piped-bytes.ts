import { Readable, type Transform } from 'node:stream';

/** Bytes through a stream of the runtime. A failure on the way is raised behind it; a consumer that stops also stops the source. */
export function piped(bytes: AsyncIterable<Uint8Array>, through: Transform): AsyncIterable<Uint8Array> {
  const source = Readable.from(bytes, { objectMode: true, highWaterMark: 1 });
  source.once('error', (error) => through.destroy(error));
  through.once('close', () => source.destroy());
  return source.pipe(through);
}
