/** Which tasks have had their time. */
import { inTransaction, type Store } from '@xenplane/store';
import { idleTasks, removeEndedTasks, removeUnchangedTasks } from '../tables/operations/tasks';
import { destroyKey, finalStates } from './tasks';

const finishedMinutes = 65;
const pendingHours = 24;

/** Those that ended long ago, those that ended after somebody wanted them gone, and those that nobody works on or has changed for a day. Answers how many. */
export async function deleteFinishedTasks(store: Store): Promise<number> {
  const idle = await idleTasks(store, { hours: pendingHours, finalStates });
  return inTransaction(
    store,
    async (tx) =>
      (await removeEndedTasks(tx, { minutes: finishedMinutes, finalStates, destroyKey })) +
      (await removeUnchangedTasks(tx, idle, finalStates)),
  );
}
