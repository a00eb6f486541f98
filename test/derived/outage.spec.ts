/** The database does not serve in the midst of an operation: it is given back unfinished and goes on later, and the server's words reach no task. */
import { DatabaseAway } from '@xenplane/store';
import { OperationWorker } from '@xenplane/work';
import { describeError, errorOf, isDatabaseOutage, operationsOf, PostgresOperations } from '@xenplane/xapi';
import { Kit } from './kit';

const coded = (code: string, words: string): Error => Object.assign(new Error(words), { code });
let kit: Kit;
beforeAll(async () => {
  kit = await Kit.start(1);
});
afterAll(() => kit?.stop());

/** Runs a start whose steps fail so often with that error, until its task has ended or it ran so often. */
async function startFailing(
  error: Error,
  failures: number,
  mostRuns: number,
): Promise<{ runs: number; status: unknown; error: unknown }> {
  const task = await kit.accept('VM.start', [await kit.newVm(), false, false]);
  let left = failures;
  const worker = new OperationWorker({
    owner: 'test',
    store: new PostgresOperations(kit.plane),
    operations: operationsOf(kit.plane),
    describe: describeError,
    isOutage: isDatabaseOutage,
    describeLast: (last) => errorOf(last).description,
    backoffMs: 1,
    around: (_step, phase, act) => {
      if (phase === 'undo' || left === 0) return act();
      left -= 1;
      return Promise.reject(error);
    },
  });
  let runs = 0;
  while ((await kit.call('task.get_status', task)) === 'pending' && runs < mostRuns) {
    await worker.run(task);
    runs += 1;
  }
  await worker.stop();
  return {
    runs,
    status: await kit.call('task.get_status', task),
    error: await kit.call('task.get_error_info', task),
  };
}

test.each([
  ['away', new DatabaseAway(coded('ECONNREFUSED', 'connect ECONNREFUSED'))],
  ['starting', coded('57P03', 'the database system is starting up')],
  ['full', coded('25006', 'cannot execute UPDATE in a read-only transaction')],
])('an operation outlives a database that is %s', async (_what, error) => {
  expect(await startFailing(error, 12, 20)).toEqual({ runs: 3, status: 'success', error: [] });
});

test('one that never finds a connection fails by a code of the interface', async () => {
  const failed = await startFailing(coded('53300', 'sorry, too many clients already'), 1_000, 3);
  expect(failed).toEqual({ runs: 1, status: 'failure', error: ['TOO_BUSY'] });
});
