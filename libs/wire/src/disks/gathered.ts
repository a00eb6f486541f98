import type { Write } from './blocks';

/** Largest piece that is gathered, and the boundary at which each ends. */
const gatherBytes = 2 ** 20;

/** Writes that follow one another, in pieces that end at whole MiB; so few as possible touch a block in part. */
export async function* gathered(writes: AsyncIterable<Write>): AsyncGenerator<Write> {
  const held = new Uint8Array(gatherBytes);
  let start = 0,
    length = 0;
  // A copy, because the next bytes are gathered in the same place.
  const take = (): Write => {
    const piece = { offset: start, bytes: held.slice(0, length) };
    length = 0;
    return piece;
  };
  for await (const write of writes) {
    if (length > 0 && write.offset !== start + length) yield take();
    if ('zeroes' in write) {
      if (length > 0) yield take();
      yield write;
      continue;
    }
    for (let done = 0; done < write.bytes.length;) {
      if (length === 0) start = write.offset + done;
      const room = gatherBytes - (start % gatherBytes) - length;
      const part = write.bytes.subarray(done, done + room);
      held.set(part, length);
      length += part.length;
      done += part.length;
      if (part.length === room) yield take();
    }
  }
  if (length > 0) yield take();
}
