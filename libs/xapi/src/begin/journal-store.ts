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

interface Row {
  ref: string;
  method: string;
  params: Record<string, unknown>;
  context: Record<string, unknown>;
  attempt: number;
  journal: Entry[];
  cancel_requested: boolean;
}

export class PostgresOperations implements OperationStore<Tx> {
  private readonly store: Store;

  constructor({ store }: Pick<Plane, 'store'>) {
    this.store = store;
  }

  async take(ref: string, owner: string): Promise<Taken | undefined> {
    const [row] = await this.store.query<Row>(
      `UPDATE operation SET attempt = attempt + 1, owner = $2, beat = beat + 1, touched = now(), state = CASE WHEN state = 'queued' THEN 'running' ELSE state END
       WHERE ref = $1 AND owner IS NULL AND state <> 'done' RETURNING ref, method, params, context, attempt, journal, cancel_requested`,
      [ref, owner],
    );
    return row && { ...row, cancelRequested: row.cancel_requested };
  }

  async commit<T>(
    held: Held,
    step: string,
    work: (tx: Tx) => Promise<T>,
    before: readonly Entry[],
  ): Promise<T> {
    return inTransaction(this.store, async (tx) => {
      const result = await work(tx);
      journal(tx, held, [...before, { step, result }]);
      return result;
    });
  }

  async append(held: Held, entries: readonly Entry[]): Promise<void> {
    const failing = entries.some((entry) => entry.error) ? ", state = 'undoing'" : '';
    const rows = await this.store.query(
      `UPDATE operation SET journal = journal || $3::jsonb, beat = beat + 1, touched = now()${failing} WHERE ref = $1 AND attempt = $2 AND state <> 'done' RETURNING ref`,
      [held.ref, held.attempt, JSON.stringify(entries)],
    );
    if (rows.length === 0) throw new Lost(held.ref);
  }

  async undo(held: Held, step: string, work: (tx: Tx) => Promise<void>): Promise<void> {
    await inTransaction(this.store, async (tx) => {
      await work(tx);
      tx.leave(
        `UPDATE operation SET beat = beat + 1, touched = now(),
           journal = CASE WHEN journal @> jsonb_build_array(jsonb_build_object('step', $3::text))
             THEN (SELECT jsonb_agg(CASE WHEN e->>'step' = $3 THEN e || '{"undone": true}' ELSE e END ORDER BY i) FROM jsonb_array_elements(journal) WITH ORDINALITY AS j(e, i))
             ELSE journal || jsonb_build_array(jsonb_build_object('step', $3::text, 'undone', true)) END
         WHERE ref = $1 AND attempt = $2 RETURNING ref`,
        [held.ref, held.attempt, step],
        lost(held),
      );
    });
  }

  async progress(held: Held, fraction: number): Promise<void> {
    await this.store.query("UPDATE task SET progress = $2 WHERE ref = $1 AND status = 'pending'", [
      held.ref,
      fraction,
    ]);
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
    tx.leave(
      "UPDATE operation SET state = 'done', owner = NULL, beat = beat + 1, touched = now() WHERE ref = $1 AND attempt = $2 AND state <> 'done' RETURNING ref",
      [held.ref, held.attempt],
      lost(held),
    );
    await unmarkBusy(tx, task, busyMarksOf(held.method, held.params));
    await endTask(tx, task, endOf(held, outcome));
  }

  async release(held: Held): Promise<void> {
    await this.store.query(
      'UPDATE operation SET owner = NULL, beat = beat + 1, touched = now() WHERE ref = $1 AND attempt = $2',
      [held.ref, held.attempt],
    );
  }

  async beat(owner: string): Promise<readonly string[]> {
    const rows = await this.store.query<{ ref: string; cancel_requested: boolean }>(
      "UPDATE operation SET beat = beat + 1 WHERE owner = $1 AND state <> 'done' RETURNING ref, cancel_requested",
      [owner],
    );
    return rows.filter((r) => r.cancel_requested).map((r) => r.ref);
  }

  async idle(ms: number): Promise<readonly Sighting[]> {
    return this.store.query<Sighting & { ref: string }>(
      "SELECT ref, attempt, beat FROM operation WHERE state <> 'done' AND owner IS NULL AND touched < now() - $1 * interval '1 millisecond' ORDER BY created LIMIT 10000",
      [ms],
    );
  }

  async owned(): Promise<readonly Sighting[]> {
    return this.store.query<Sighting & { ref: string }>(
      "SELECT ref, attempt, beat FROM operation WHERE state <> 'done' AND owner IS NOT NULL",
    );
  }

  async disown({ ref, attempt, beat }: Sighting): Promise<boolean> {
    const rows = await this.store.query(
      "UPDATE operation SET owner = NULL, touched = now() WHERE ref = $1 AND attempt = $2 AND beat = $3 AND state <> 'done' RETURNING ref",
      [ref, attempt, beat],
    );
    return rows.length > 0;
  }
}

function endOf({ method }: Held, outcome: Outcome): End {
  if ('result' in outcome)
    return { status: 'success', result: encodeTaskResult(messages.get(method)?.result, outcome.result) };
  return 'cancelled' in outcome ? { status: 'cancelled' } : { status: 'failure', error: outcome.error };
}

const lost =
  ({ ref }: Held) =>
  (): Error =>
    new Lost(ref);

function journal(tx: Tx, held: Held, entries: readonly Entry[]): void {
  tx.leave(
    "UPDATE operation SET journal = journal || $3::jsonb, beat = beat + 1, touched = now() WHERE ref = $1 AND attempt = $2 AND state <> 'done' RETURNING ref",
    [held.ref, held.attempt, JSON.stringify(entries)],
    lost(held),
  );
}
