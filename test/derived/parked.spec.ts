/** An operation that waits gives its place up and is taken again later; no number of waiting ones stops the work that they wait for. */
import { testServices } from '@xenplane/config';
import type { Tx } from '@xenplane/store';
import { OperationWorker, serve } from '@xenplane/work';
import { describeError, operationsOf, PostgresOperations, queuePrefix } from '@xenplane/xapi';
import { eventually } from '../world';
import { Kit } from './kit';

const workerOf = (kit: Kit, onError: (ref: string) => void = () => undefined): OperationWorker<Tx> =>
  new OperationWorker<Tx>({
    owner: `test ${Math.random()}`,
    store: new PostgresOperations(kit.plane),
    operations: operationsOf(kit.plane),
    describe: describeError,
    onError,
  });

test('an operation that waits when the database goes', async () => {
  const kit = await Kit.start(1);
  const told: string[] = [];
  try {
    const appliance = await kit.call<string>('VM_appliance.create', {
      name_label: 'waits',
      name_description: '',
    });
    await kit.call('VM.set_appliance', await kit.newVm(), appliance);
    const task = await kit.accept('VM_appliance.start', [appliance, false]);
    const worker = workerOf(kit, (ref) => told.push(ref));
    await worker.run(task);
    expect([told, await kit.call('task.get_status', task)]).toEqual([[], 'pending']);
    await kit.stop();
    await eventually(async () => expect(told).toContain(task));
    await worker.stop();
  } finally {
    await kit.stop();
  }
});

describe('what an operation waits for is left room', () => {
  let kit: Kit;
  beforeAll(async () => {
    kit = await Kit.start(5);
  });
  afterAll(() => kit?.stop());

  /** Operations that cannot go on before something else has happened, with what makes that happen. */
  const waiting: Readonly<
    Record<string, () => Promise<{ readonly task: string; readonly go: () => Promise<unknown> }>>
  > = {
    'host.evacuate, for its migrations': async () => {
      const host = await kit.call<string>('VM.get_resident_on', await kit.runningVm());
      const task = await kit.accept('host.evacuate', [host, 'OpaqueRef:NULL', 0]);
      return { task, go: () => kit.work(task) };
    },
    'VMSS.snapshot_now, for its snapshots': async () => {
      const vmss = await kit.call<string>('VMSS.create', {
        ...{
          name_label: 'waits',
          name_description: '',
          enabled: false,
          type: 'snapshot',
          retained_snapshots: 1,
        },
        ...{ frequency: 'daily', schedule: { hour: '0', min: '0' } },
      });
      await kit.call('VM.set_snapshot_schedule', await kit.newVm(), vmss);
      const task = await kit.accept('VMSS.snapshot_now', [vmss]);
      return { task, go: () => kit.work(task) };
    },
    'a call in the background, for an object that is busy': async () => {
      const vm = await kit.runningVm();
      const busy = await kit.accept('VM.pause', [vm]);
      const task = await kit.accept('VM.clean_shutdown', [vm]);
      return { task, go: () => kit.work(busy).then(() => kit.run('VM.hard_shutdown', vm)) };
    },
    'host.power_on, for the host': async () => {
      const host = (await kit.call<string[]>('host.get_all'))[4] ?? '';
      await kit.call('host.set_power_on_mode', host, 'wake-on-lan', {});
      await kit.call('host.disable', host);
      await kit.run('host.shutdown', host);
      return { task: await kit.accept('host.power_on', [host]), go: async () => undefined };
    },
  };

  test.each(Object.keys(waiting))('%s', async (name) => {
    const { task, go } = (await waiting[name]?.()) ?? { task: '', go: async () => undefined };
    const worker = workerOf(kit);
    // Its place is free as soon as this is answered.
    await worker.run(task);
    expect(await kit.call('task.get_status', task)).toBe('pending');
    await go();
    await eventually(async () => expect(await kit.call('task.get_status', task)).not.toBe('pending'));
    await worker.stop();
  });

  test('more evacuations at once than a worker has places: all end', async () => {
    const hosts = await kit.call<string[]>('host.get_all');
    for (const host of hosts) await kit.call('host.enable', host);
    for (let i = 0; i < 6; i += 1)
      await kit.run('VM.start_on', await kit.newVm(), hosts[i % 3], false, false);
    for (const host of hosts.slice(0, 3)) await kit.call('host.disable', host);
    const tasks: string[] = [];
    for (const host of hosts.slice(0, 3))
      tasks.push(await kit.accept('host.evacuate', [host, 'OpaqueRef:NULL', 0]));
    const worker = workerOf(kit);
    const serving = serve(testServices().redisUrl, queuePrefix(kit.world.databaseUrl), 2, (ref) =>
      worker.run(ref),
    );
    try {
      for (const task of tasks)
        expect([await kit.finished(task), await kit.call('task.get_error_info', task)]).toEqual([
          'success',
          [],
        ]);
      for (const task of tasks)
        expect((await kit.call<string[]>('task.get_subtasks', task)).length).toBeGreaterThan(1);
    } finally {
      await serving.close();
      await worker.stop();
    }
  });

  test('an evacuation that is cancelled ends after its migrations, which are cancelled too', async () => {
    const host = await kit.call<string>('VM.get_resident_on', await kit.runningVm());
    const task = await kit.accept('host.evacuate', [host, 'OpaqueRef:NULL', 0]);
    const worker = workerOf(kit);
    await worker.run(task);
    await kit.call('task.cancel', task);
    const parts = await kit.call<string[]>('task.get_subtasks', task);
    expect(parts).not.toEqual([]);
    await eventually(async () => {
      const rows = await kit.plane.store.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM operation WHERE ref = ANY($1) AND cancel_requested',
        [parts],
      );
      expect(rows[0]?.n).toBe(parts.length);
    });
    expect(await kit.call('task.get_status', task)).toBe('pending');
    for (const part of parts) await kit.work(part);
    expect(await kit.finished(task)).toBe('cancelled');
    await worker.stop();
  });
});
