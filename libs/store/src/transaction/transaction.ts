/**
 * The only way to change the database: work that runs once from its first statement to its commit, or is restarted whole.
 * Restarting is right for conflicts (40001, 40P01) and for a connection that was lost before the commit was sent; after
 * that nobody knows whether the commit happened, and `CommitUnknown` says so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { XenError } from '@xenplane/model';
import { DatabaseAway } from './failures';
import { Link } from './link';
import { inFailedTransaction, Tx } from './objects';
import { statement } from './statement';
import type { Store } from '../store';

/** The work met the same conflict too often, or the database cannot serve more; nothing was changed. */
export class TooBusy extends Error {
  constructor(cause: unknown) {
    super('the database is too busy', { cause });
    this.name = 'TooBusy';
  }
}
/** The connection was lost while the commit was under way: it may have happened or not. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('the connection was lost at the commit; its outcome is unknown', { cause });
    this.name = 'CommitUnknown';
  }
}

const mostRestarts = 8;
const shortestWaitMs = 4;
const longestWaitMs = 250;
const commit = statement('COMMIT'),
  rollback = statement('ROLLBACK');

/** Serialization failure, deadlock. */
const conflicts: ReadonlySet<string> = new Set(['40001', '40P01']);
/** Out of connections, of memory, of locks; the server shuts down or starts; the connection was ended, by an administrator or for standing idle. */
const overload = /^(53|57P0|08|25P03)/;
const unreachable: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
const timeLimit = '57014';
/** A reference or a uuid, as they alone are in indexes, that is longer than any can be. */
const tooLong = '54000';
const fieldOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'constraint' in error
    ? String(error.constraint).replace(/_(?:idx|pkey|key)$/, '')
    : 'value';

const codeOf = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
/** The driver reports some of its own failures by a plain error, without the five characters that the server gives each. */
const lostTexts = /^Connection terminated|not queryable|Client was closed/;
const noneFree = 'timeout exceeded when trying to connect';
function isLost(error: unknown): boolean {
  if (error instanceof DatabaseAway) return true;
  const code = codeOf(error);
  if (code !== undefined) return unreachable.has(code) || overload.test(code);
  return error instanceof Error && lostTexts.test(error.message);
}
/** The transaction had ended before its COMMIT came to the server, or the COMMIT never left: nothing was committed. */
const isUnsent = (error: unknown): boolean =>
  codeOf(error) === '25P03' ||
  (error instanceof Error && /not queryable|Client was closed/.test(error.message));
/** Trying again at once would only make it worse. */
const isOverdue = (error: unknown): boolean =>
  codeOf(error) === timeLimit || (error instanceof Error && error.message === noneFree);
const isConflict = (error: unknown): boolean => conflicts.has(codeOf(error) ?? '');

export async function inTransaction<T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let restarts = 0; ; restarts += 1) {
    try {
      return await once(store, work);
    } catch (error) {
      if (codeOf(error) === tooLong) throw new XenError('INVALID_VALUE', fieldOf(error), 'too long');
      if (isOverdue(error)) throw new TooBusy(error);
      if (!isConflict(error) && !isLost(error)) throw error;
      if (restarts === mostRestarts) throw new TooBusy(error);
      await sleep(Math.min(shortestWaitMs * 2 ** restarts, longestWaitMs) * (0.5 + store.random()));
    }
  }
}

async function once<T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await store.pool.connect();
  const tx = new Tx(new Link(client));
  let broken: Error | undefined;
  try {
    const result = await work(tx);
    tx.end();
    if (tx.state.begun) await committed(new Link(client), tx.state.left);
    if (tx.state.announced) store.wake();
    for (const effect of tx.state.effects) store.guarded(effect);
    return result;
  } catch (error) {
    tx.end();
    broken = await undone(new Link(client), tx, error);
    throw await firstFailure(tx, error);
  } finally {
    client.release(broken);
  }
}

/** Sent behind what was left for it. A COMMIT of a transaction in which a statement failed is answered with ROLLBACK, and no error. */
async function committed(link: Link, left: readonly Promise<void>[]): Promise<void> {
  const [end, ...before] = await Promise.allSettled([link.objects(commit), ...left]);
  const unsent = [end, ...before].find((one) => one.status === 'rejected' && isUnsent(one.reason));
  if (unsent?.status === 'rejected') throw unsent.reason;
  if (end.status === 'rejected') throw isLost(end.reason) ? new CommitUnknown(end.reason) : end.reason;
  const failed = before.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  if (end.value.command !== 'COMMIT')
    throw new Error('a statement failed and its error was ignored: nothing was committed');
}

/**
 * After a statement has failed, Postgres refuses every later one with 25P02. Such a refusal may be seen first, where nobody waited for
 * the one that failed (`leave`) or several are waited for together: the failure of the earlier one is the transaction's.
 */
async function firstFailure(tx: Tx, error: unknown): Promise<unknown> {
  if (codeOf(error) !== inFailedTransaction) return error;
  const left = (await Promise.allSettled(tx.state.left)).find(
    (one) => one.status === 'rejected' && codeOf(one.reason) !== inFailedTransaction,
  );
  return (left?.status === 'rejected' ? left.reason : tx.state.failure) ?? error;
}

/** Rolls back; answers the error that makes the connection unusable, if one did. */
async function undone(link: Link, tx: Tx, error: unknown): Promise<Error | undefined> {
  if (error instanceof CommitUnknown) return error;
  if (!tx.state.begun) return undefined;
  try {
    await link.objects(rollback);
    return undefined;
  } catch (second) {
    return second instanceof Error ? second : new Error(String(second));
  }
}

/** Reads that belong together, of one moment; see `Store.read`. */
export const reading = <T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> => store.read(work);
