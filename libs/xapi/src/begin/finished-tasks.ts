/** Which tasks have had their time. */
import { inTransaction, type Store, type Tx } from '@xenplane/store';
import { destroyKey, finalStates } from './tasks';

const finishedMinutes = 65;
const pendingHours = 24;

/** Those that ended long ago, those that ended after somebody wanted them gone, and those that nobody works on or has changed for a day. Answers how many. */
export async function deleteFinishedTasks(store: Store): Promise<number> {
  const left = await store.query<{ ref: string }>(
    `SELECT ref FROM task t WHERE status <> ALL ($1) AND created < now() - interval '${pendingHours} hours'
       AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.ref = t.ref AND o.state <> 'done') AND NOT EXISTS (SELECT 1 FROM transfer x WHERE x.task = t.ref)`,
    [finalStates],
  );
  const refs = left.map((t) => t.ref);
  return inTransaction(store, async (tx) => (await reapFinished(tx)) + (await reapLeft(tx, refs)));
}

const goneWith = `owners AS (DELETE FROM task_owner o USING old WHERE o.task = old.ref),
  operations AS (DELETE FROM operation o USING old WHERE o.ref = old.ref AND o.state = 'done')
  SELECT ref FROM old`;

async function reapFinished(tx: Tx): Promise<number> {
  const gone = await tx.query(
    `WITH old AS (DELETE FROM task WHERE status = ANY ($1) AND (finished < now() - interval '${finishedMinutes} minutes' OR current_operations ? '${destroyKey}') RETURNING ref),
     ${goneWith}`,
    [finalStates],
  );
  return gone.length;
}

/** Whoever moves a task forward, if only its progress, keeps it: that is in the change log for an hour. */
async function reapLeft(tx: Tx, refs: readonly string[]): Promise<number> {
  if (refs.length === 0) return 0;
  const gone = await tx.query(
    `WITH old AS (DELETE FROM task t WHERE ref = ANY ($1) AND status <> ALL ($2) AND NOT EXISTS (SELECT 1 FROM change c WHERE c.cls = 'task' AND c.ref = t.ref) RETURNING ref),
     ${goneWith}`,
    [refs, finalStates],
  );
  return gone.length;
}
