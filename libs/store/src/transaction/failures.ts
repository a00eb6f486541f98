/** States in which the database cannot serve, read from whatever error shows them; an error of a statement itself is none of these. */

/** Gone or starting; without room on its disk, so that it takes no changes; with too much to do; lost while a commit was under way. */
export type Failure = 'away' | 'full' | 'busy' | 'unknown';

/** The way to the database is broken. Other servers that cannot be reached have the same codes, so the store says whose it is. */
export class DatabaseAway extends Error {
  constructor(cause: unknown) {
    super('the database does not answer', { cause });
    this.name = 'DatabaseAway';
  }
}

/** The server's own codes, which nobody else has. */
const byCode: readonly (readonly [RegExp, Failure])[] = [
  // Our own Postgres takes no changes while its disk is full.
  [/^(53100|25006)$/, 'full'],
  [/^(57P0|08\d)/, 'away'],
  [/^(53\d|57014|55P03|25P0[34]|40001|40P01)/, 'busy'],
];
const unreachable =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)$/;
/** The driver has no codes for its own failures. */
const lost = /^Connection terminated|not queryable|Client was closed/;
const overdue = /^timeout exceeded when trying to connect|^Query read timeout/;

const fieldOf = (error: unknown, name: 'code' | 'cause' | 'name' | 'message'): unknown =>
  typeof error === 'object' && error !== null && name in error ? Reflect.get(error, name) : undefined;
const codeOf = (error: unknown): string => String(fieldOf(error, 'code') ?? '');
const textOf = (error: unknown): string => String(fieldOf(error, 'message') ?? '');

/** Of an error that comes from the driver, without a code of the server. */
export const isBroken = (error: unknown): boolean =>
  unreachable.test(codeOf(error)) || lost.test(textOf(error));

function saidByServer(error: unknown): Failure | undefined {
  if (/No space left on device/.test(textOf(error))) return 'full';
  return byCode.find(([pattern]) => pattern.test(codeOf(error)))?.[1];
}

const otherwise = new Map<unknown, Failure>([
  ['TooBusy', 'busy'],
  ['CommitUnknown', 'unknown'],
  ['DatabaseAway', 'away'],
]);

/** Of an error of the store, what caused it decides, unless a commit was under way. */
export function failureOf(error: unknown): Failure | undefined {
  const own = otherwise.get(fieldOf(error, 'name'));
  if (own === 'unknown') return own;
  if (own === undefined) return overdue.test(textOf(error)) ? 'busy' : saidByServer(error);
  const cause = fieldOf(error, 'cause');
  return failureOf(cause) ?? (isBroken(cause) ? 'away' : own);
}
