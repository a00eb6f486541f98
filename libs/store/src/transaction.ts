/** Transactions: the whole work is done again when Postgres says that it lost a race, a few times at the most. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Tx } from './objects';
import type { Store } from './store';

/** The database refused the work again and again because others were in the way. */
export class TooBusy extends Error {
  constructor(cause: unknown) {
    super('the database is too busy', { cause });
    this.name = 'TooBusy';
  }
}
/** The connection broke while committing: the work may be done or not. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('it is unknown whether the transaction was committed', { cause });
    this.name = 'CommitUnknown';
  }
}

const mostTries = 8;
const lostRace = new Set(['40001', '40P01']);
const codeOf = (error: unknown): string | undefined => (error instanceof Error && 'code' in error ? String(error.code) : undefined);

export async function inTransaction<T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await once(store, work);
    } catch (error) {
      if (!lostRace.has(codeOf(error) ?? '')) throw error;
      if (tried === mostTries) throw new TooBusy(error);
      await sleep(2 ** tried * (1 + Math.random()));
    }
  }
}

async function once<T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await store.client();
  let broken: Error | undefined;
  try {
    const tx = new Tx(client);
    const begun = client.query('BEGIN');
    begun.catch(() => undefined);
    const result = await attempt(work, tx, async () => void (await client.query('ROLLBACK').catch((error: Error) => (broken = error))));
    await client.query('COMMIT').catch((error: unknown) => {
      if (codeOf(error) && !codeOf(error)?.startsWith('08') && codeOf(error) !== 'ECONNRESET') throw error;
      broken = error instanceof Error ? error : new Error(String(error));
      throw new CommitUnknown(error);
    });
    store.wake();
    tx.tellCommitted();
    return result;
  } finally {
    client.release(broken);
  }
}

async function attempt<T>(work: (tx: Tx) => Promise<T>, tx: Tx, rollback: () => Promise<void>): Promise<T> {
  try {
    return await work(tx);
  } catch (error) {
    await rollback();
    throw error;
  }
}

/** Reads outside any transaction; each statement sees what is committed then. */
export async function reading<T>(store: Store, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await store.client();
  try {
    return await work(new Tx(client));
  } finally {
    client.release();
  }
}
