/** An operation that waits for others is taken again later; that the database may be gone by then is told, and ends no process. */
import { OperationWorker } from '@xenplane/work';
import { describeError, operationsOf, PostgresOperations } from '@xenplane/xapi';
import { eventually } from '../world';
import { Kit } from './kit';

test('an operation that waits when the database goes', async () => {
  const kit = await Kit.start(1);
  const told: string[] = [];
  try {
    const appliance = await kit.call<string>('VM_appliance.create', { name_label: 'waits', name_description: '' });
    await kit.call('VM.set_appliance', await kit.newVm(), appliance);
    const task = await kit.accept('VM_appliance.start', [appliance, false]);
    const worker = new OperationWorker({
      owner: 'test',
      store: new PostgresOperations(kit.plane),
      operations: operationsOf(kit.plane),
      describe: describeError,
      onError: (ref) => told.push(ref),
    });
    await worker.run(task);
    expect([told, await kit.call('task.get_status', task)]).toEqual([[], 'pending']);
    await kit.stop();
    await eventually(async () => expect(told).toContain(task));
    await worker.stop();
  } finally {
    await kit.stop();
  }
});
