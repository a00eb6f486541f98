/** Frees the spent blocks of a stream soon: V8 counts a block of 64 KiB as the few bytes that its handle takes on the heap, and lets tens of megabytes of them lie. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

const everyBytes = 8 * 1024 * 1024;

function collector(): Collect {
  setFlagsFromString('--expose-gc');
  // Else another thread frees the blocks that a sweep finds, and on a busy machine comes to it late.
  setFlagsFromString('--no-concurrent-array-buffer-sweeping');
  return runInNewContext('gc') as Collect;
}

/** Of all streams of the process together. */
const pace: { left: number; collect?: Collect } = { left: everyBytes };

/** The same bytes; after each 8 MiB that passed the young heap is swept, which takes about a millisecond. */
export async function* freeingBuffers(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    yield bytes;
    pace.left -= bytes.length;
    if (pace.left > 0) continue;
    pace.left = everyBytes;
    pace.collect ??= collector();
    pace.collect({ type: 'minor' });
  }
}
