/** The journal of libs/work over Postgres. Every write names the attempt it belongs to and fails with Lost when that is over. */
import { asRef, messages } from '@xenplane/model';
import { encodeTaskResult } from '@xenplane/wire';
import { inTransaction, type Store, type Tx } from '@xenplane/store';
import {
  Lost,
  type Entry,
  type Held,
  type OperationStore,
  type Outcome,
  type Sighting,
  type Taken,
} from '@xenplane/work';
import type { Plane } from '../core/context';
import { busyMarksOf, unmarkBusy } from './busy-marks';
import { endTask, type End } from './tasks';
import {
  appendEntries,
  beatOperations,
  disownOperation,
  idleOperations,
  leaveDone,
  leaveEntries,
  leaveUndone,
  ownedOperations,
  releaseOperation,
  takeOperation,
} from '../tables/operations/journal';
import { setProgress } from '../tables/operations/tasks';

export class PostgresOperations implements OperationStore<Tx> {
  private readonly store: Store;

  constructor({ store }: Pick<Plane, 'store'>) {
    this.store = store;
  }

  async take(ref: string, owner: string): Promise<Taken | undefined> {
    return takeOperation(this.store, ref, owner);
  }

  async commit<T>(
    held: Held,
    step: string,
    work: (tx: Tx) => Promise<T>,
    before: readonly Entry[],
  ): Promise<T> {
    return inTransaction(this.store, async (tx) => {
      const result = await work(tx);
      leaveEntries(tx, held, [...before, { step, result }]);
      return result;
    });
  }

  async append(held: Held, entries: readonly Entry[]): Promise<void> {
    if (!(await appendEntries(this.store, held, entries))) throw new Lost(held.ref);
  }

  async undo(held: Held, step: string, work: (tx: Tx) => Promise<void>): Promise<void> {
    await inTransaction(this.store, async (tx) => {
      await work(tx);
      leaveUndone(tx, held, step);
    });
  }

  async progress(held: Held, fraction: number): Promise<void> {
    await setProgress(this.store, held.ref, fraction);
    this.store.wake();
  }

  async finish(held: Held, outcome: Outcome): Promise<void> {
    await inTransaction(this.store, (tx) => this.end(tx, held, outcome));
  }

  async conclude<T>(held: Held, work: (tx: Tx) => Promise<T>): Promise<T> {
    return inTransaction(this.store, async (tx) => {
      const result = await work(tx);
      await this.end(tx, held, { result });
      return result;
    });
  }

  /** The row is done, what it had marked is free, its task says how it went. */
  private async end(tx: Tx, held: Held, outcome: Outcome): Promise<void> {
    const task = asRef<'task'>(held.ref);
    leaveDone(tx, held);
    await unmarkBusy(tx, task, busyMarksOf(held.method, held.params));
    await endTask(tx, task, endOf(held, outcome));
  }

  async release(held: Held): Promise<void> {
    await releaseOperation(this.store, held);
  }

  async beat(owner: string): Promise<readonly string[]> {
    return beatOperations(this.store, owner);
  }

  async idle(ms: number): Promise<readonly Sighting[]> {
    return idleOperations(this.store, ms);
  }

  async owned(): Promise<readonly Sighting[]> {
    return ownedOperations(this.store);
  }

  async disown(sighting: Sighting): Promise<boolean> {
    return disownOperation(this.store, sighting);
  }
}

function endOf({ method }: Held, outcome: Outcome): End {
  if ('result' in outcome)
    return { status: 'success', result: encodeTaskResult(messages.get(method)?.result, outcome.result) };
  return 'cancelled' in outcome ? { status: 'cancelled' } : { status: 'failure', error: outcome.error };
}
