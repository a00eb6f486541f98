/**
 * Pre-copy of a guest's memory: everything once, then in each further round what the guest wrote meanwhile, until what is
 * left is small, the rounds are many, or so much was sent that it does not come to an end. The rest is sent while the guest stands still.
 */
export interface Writer {
  readonly memoryBytes: number;
  /** How fast it writes to pages that were clean. */
  readonly dirtyBytesPerSecond: number;
}
export interface Copying {
  readonly round: number;
  /** Still to be sent in this round. */
  readonly leftBytes: number;
  /** Written by the guest since its page was sent last. */
  readonly dirtiedBytes: number;
  readonly sentBytes: number;
}

const mostRounds = 5;
/** So many times the memory, and the guest writes faster than the link carries. */
const mostSent = 3;
const pageBytes = 4096;
const smallBytes = 50 * pageBytes;
/** The data sent before a migration may be stopped. */
const chunkBytes = 2 ** 30;

export const copyOf = ({ memoryBytes }: Writer): Copying => ({
  round: 1,
  leftBytes: memoryBytes,
  dirtiedBytes: 0,
  sentBytes: 0,
});
export const chunkOf = ({ leftBytes }: Copying): number => Math.min(leftBytes, chunkBytes);

/** True if the guest is to be paused now: the round is over, and another one would not help. */
export function isCopied(
  { round, leftBytes, dirtiedBytes, sentBytes }: Copying,
  { memoryBytes }: Writer,
): boolean {
  return (
    leftBytes === 0 &&
    (dirtiedBytes <= smallBytes || round >= mostRounds || sentBytes + dirtiedBytes > mostSent * memoryBytes)
  );
}

/** After `bytes` were sent in `ms`. A round that is over begins the next, unless the copying is. */
export function afterSending(copying: Copying, writer: Writer, bytes: number, ms: number): Copying {
  const dirtiedBytes = Math.min(
    writer.memoryBytes,
    copying.dirtiedBytes + (writer.dirtyBytesPerSecond * ms) / 1000,
  );
  const after = {
    ...copying,
    leftBytes: copying.leftBytes - bytes,
    dirtiedBytes,
    sentBytes: copying.sentBytes + bytes,
  };
  if (after.leftBytes > 0 || isCopied(after, writer)) return after;
  return { round: after.round + 1, leftBytes: dirtiedBytes, dirtiedBytes: 0, sentBytes: after.sentBytes };
}

/** How far a copy is, 0 to 1: the first round is most of it. */
export const shareCopied = (copying: Copying, { memoryBytes }: Writer): number =>
  copying.round > 1
    ? 0.9 + 0.02 * Math.min(mostRounds, copying.round)
    : (0.9 * (memoryBytes - copying.leftBytes)) / Math.max(1, memoryBytes);

/** Finding the last pages, moving the devices' state, waking the guest. */
const handShakeMs = 60;
/** How long the guest stands still while the rest is sent. */
export const downtimeMs = (restBytes: number, linkBytesPerSecond: number): number =>
  handShakeMs + (restBytes / linkBytesPerSecond) * 1000;
