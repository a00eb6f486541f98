/**
 * How far a reader has come. Transactions end in another order than their numbers say, so one number is not enough: below
 * `base` all have ended, and of the next few `seen` has a bit for each that had.
 */
export interface Position {
  readonly base: number;
  /** Bit i: the changes of transaction `base + i` are known. */
  readonly seen: bigint;
}

/** So many bits fit into the second number of a token, which clients may hold in a signed integer of 64 bits. */
export const span = 63;
const mask = (1n << BigInt(span)) - 1n;

export const beginning: Position = { base: 0, seen: 0n };

export function knows({ base, seen }: Position, xid: number): boolean {
  if (xid < base) return true;
  return xid < base + span && ((seen >> BigInt(xid - base)) & 1n) === 1n;
}
/** The transactions above the base that are known. */
export function ahead({ base, seen }: Position): number[] {
  return Array.from({ length: span }, (_, i) => base + i).filter((xid) => knows({ base, seen }, xid));
}

const from = ({ base, seen }: Position, later: number): bigint =>
  later - base < span ? seen >> BigInt(later - base) : 0n;
/** The transactions that either position knows, as far as they can be named. */
export function union(one: Position, other: Position): Position {
  const base = Math.max(one.base, other.base);
  return { base, seen: from(one, base) | from(other, base) };
}

/** The position of a snapshot of Postgres (`xmin:xmax:xip,...`); `ended` when it is known that below this number nothing of this database is under way. */
export function ofSnapshot(snapshot: string, ended = 0): Position {
  const [xmin = '0', xmax = '0', xip = ''] = snapshot.split(':');
  const base = Math.max(Number(xmin), ended),
    end = Math.min(Number(xmax), base + span),
    running = new Set(xip.split(',').map(Number));
  let seen = 0n;
  for (let xid = base; xid < end; xid += 1) if (!running.has(xid)) seen |= 1n << BigInt(xid - base);
  return { base, seen };
}

const digits = 20;
const padded = (n: number | bigint): string => String(n).padStart(digits, '0');
/** Two numbers of 20 digits, as xapi's are; a later position is a greater text. */
export const asToken = ({ base, seen }: Position): string => `${padded(base)},${padded(seen)}`;
/** `undefined` for what is no token; the empty one is the beginning. */
export function ofToken(token: string): Position | undefined {
  if (token === '') return beginning;
  const [, base, seen] = /^(\d{1,20}),(\d{1,20})$/.exec(token) ?? [];
  if (base === undefined || seen === undefined) return undefined;
  return { base: Math.min(Number(base), Number.MAX_SAFE_INTEGER - span), seen: BigInt(seen) & mask };
}
