/** Operations on a VM, overtaken at each of their steps: they end, with a code that says what happened, and leave all sound. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OperationWorker } from '@xenplane/work';
import { describeError, operationsOf, PostgresOperations } from '@xenplane/xapi';
import { eventually } from '../world';
import { Kit } from './kit';
import { lose } from './losing';
import { snapshotScenarios } from './scenarios/snapshots';
import { vmScenarios } from './scenarios/vm';

let kit: Kit;
beforeAll(async () => {
  kit = await Kit.start(3);
});
afterAll(() => kit?.stop());

const scenarios: typeof vmScenarios = { ...vmScenarios, ...snapshotScenarios };
/** Those that place a VM, that ask the hypervisor, that ask the guest, and that keep or fetch its memory. */
const walked = [
  'VM.start',
  'VM.pause',
  'VM.clean_reboot',
  'VM.hard_reboot',
  'VM.suspend',
  'VM.resume',
  'VM.checkpoint',
] as const;

async function vmOf(method: string, [first]: readonly unknown[]): Promise<string> {
  const cls = method.split('.')[0] ?? '';
  if (cls !== 'VM') return kit.call<string>(`${cls}.get_VM`, first);
  return method === 'VM.revert' ? kit.call<string>('VM.get_snapshot_of', first) : String(first);
}

type End = readonly [status: string, ...error: string[]];
interface Overtaker {
  /** Happens while the operation is at a step; what it leaves to be done after is answered. */
  readonly happen: (vm: string) => Promise<(() => Promise<void>) | undefined>;
  /** How an operation may end that was overtaken so, besides succeeding. */
  readonly ends: (vm: string, hosts: readonly string[]) => readonly End[];
}

/** A call that waits for what the operation does next is not waited for: the operation goes on. */
const longestHeldMs = 3_000;
/** A call that ends what is under way. It does what it can now; the rest when the operation has made way. */
const byCall = (method: string): Overtaker => ({
  happen: async (vm) => {
    const task = await kit.call<string>(`Async.${method}`, vm);
    const worker = new OperationWorker({
      owner: `test ${Math.random()}`,
      store: new PostgresOperations(kit.plane),
      operations: operationsOf(kit.plane),
      describe: describeError,
    });
    const running = worker.run(task);
    await Promise.race([running, sleep(longestHeldMs)]);
    return async () => {
      await running;
      await worker.stop();
      await kit.work(task);
      await kit.finished(task);
    };
  },
  ends: () => [['cancelled']],
});

/** A call that waits for what is under way: that ends as if it were alone, and the call is answered by what has become of the VM. */
const waiting = (method: string, ...params: (() => Promise<unknown>)[]): Overtaker => ({
  happen: async (vm) => {
    const task = await kit.call<string>(
      `Async.${method}`,
      vm,
      ...(await Promise.all(params.map((param) => param()))),
    );
    expect(Object.keys(await kit.call<object>('VM.get_current_operations', vm))).not.toContain(task);
    return async () => {
      await kit.work(task);
      await kit.finished(task);
      const [code] = await kit.call<string[]>('task.get_error_info', task);
      expect([undefined, 'VM_BAD_POWER_STATE', 'VM_LACKS_FEATURE']).toContain(code);
    };
  },
  ends: () => [],
});

const badState = (vm: string): End[] =>
  ['running', 'paused', 'suspended'].map((expected): End => [
    'failure',
    'VM_BAD_POWER_STATE',
    vm,
    expected,
    'halted',
  ]);
const crash: Overtaker = {
  happen: async (vm) => {
    const uuid = await kit.call<string>('VM.get_uuid', vm);
    const hosts = Object.values(await kit.call<Record<string, { uuid: string }>>('host.get_all_records')).map(
      (h) => h.uuid,
    );
    const has = async (host: string): Promise<boolean> =>
      (await kit.world.agent.hypervisor.list(host)).some((d) => d.vm === uuid && d.state === 'running');
    for (const host of hosts) if (await has(host)) await kit.world.agent.hypervisor.crash(host, uuid);
    return undefined;
  },
  ends: (vm) => [...badState(vm), ['failure', 'VM_MIGRATE_FAILED']],
};

const hostLost: Overtaker = {
  happen: async (vm) => {
    const [row] = await kit.plane.store.query<{ host: string }>(
      "SELECT host FROM vm_run WHERE vm = $1 AND state <> 'H'",
      [vm],
    );
    if (row) await lose(kit.plane, row.host);
    return undefined;
  },
  ends: (vm, hosts) => [
    ...hosts.map((host): End => ['failure', 'HOST_OFFLINE', host]),
    ['failure', 'VM_MIGRATE_FAILED'],
  ],
};

/** They concern no other VM, so that many happen side by side. */
const ofOneVm: Readonly<Record<string, Overtaker>> = {
  'VM.hard_shutdown': byCall('VM.hard_shutdown'),
  'VM.hard_reboot': byCall('VM.hard_reboot'),
  'a crash of the guest': crash,
  'VM.suspend, which waits': waiting('VM.suspend'),
  'VM.pool_migrate, which waits': waiting(
    'VM.pool_migrate',
    () => kit.hostOf(),
    () => Promise.resolve({}),
  ),
};
const alive = (): Promise<void> =>
  eventually(async () => {
    const rows = await kit.plane.store.query('SELECT 1 AS yes FROM host_run WHERE alive');
    expect(rows).toHaveLength(3);
  });
async function prepared(method: string): Promise<{ params: unknown[]; vm: string }> {
  await alive();
  const params = (await scenarios[method]?.(kit)) ?? [];
  const vm = await vmOf(method, params);
  // Changes that the pool makes by itself are another matter.
  await kit.call('VM.set_actions_after_crash', vm, 'destroy');
  return { params, vm };
}
async function stepsOf(method: string): Promise<string[]> {
  const steps: string[] = [];
  const { params, vm } = await prepared(method);
  await kit.work(await kit.accept(method, params), (step, phase, act) => {
    if (phase !== 'undo' && !steps.includes(step)) steps.push(step);
    return act();
  });
  await over(vm);
  return steps;
}
/** The VM makes room for the next. */
async function over(vm: string): Promise<void> {
  const isHalted = async (): Promise<boolean> =>
    (await kit.call<string>('VM.get_power_state', vm)) === 'Halted';
  if (await isHalted()) return;
  // What the VM was overtaken by may halt it at this moment.
  await kit.run('VM.hard_shutdown', vm).catch(async (error: unknown) => {
    if (!(await isHalted())) throw error;
  });
}

async function overtaken(method: string, { happen, ends }: Overtaker, at: string): Promise<void> {
  const { params, vm } = await prepared(method);
  // Whatever comes of it, the next finds a pool at rest.
  try {
    await overtakenAt(method, { params, vm, at }, { happen, ends });
  } finally {
    await over(vm);
  }
}
const sideBySide = 4;
/** Each step with each of these, so many at a time; the first failure names both. */
async function overtakenByAll(method: string, steps: readonly string[]): Promise<void> {
  const all = Object.entries(ofOneVm).flatMap(([name, overtaker]) =>
    steps.map((at) => ({ name, overtaker, at })),
  );
  const failures: string[] = [];
  const oneByOne = async (): Promise<void> => {
    for (let next = all.shift(); next; next = all.shift()) {
      const { name, overtaker, at } = next;
      await overtaken(method, overtaker, at).catch((error: unknown) =>
        failures.push(`${name} at ${at}: ${String(error)}`),
      );
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, oneByOne));
  expect(failures).toEqual([]);
  await kit.sound();
  await kit.once();
}
interface Asked {
  readonly params: readonly unknown[];
  readonly vm: string;
  readonly at: string;
}
async function overtakenAt(
  method: string,
  { params, vm, at }: Asked,
  { happen, ends }: Overtaker,
): Promise<void> {
  const task = await kit.accept(method, params);
  let happened: Promise<(() => Promise<void>) | undefined> | undefined;
  await kit.work(task, async (step, phase, act) => {
    if (phase !== 'undo' && step === at) await (happened ??= happen(vm));
    return act();
  });
  const status = await kit.finished(task);
  await (
    await happened
  )?.();
  const error = await kit.call<string[]>('task.get_error_info', task);
  const hosts = await kit.call<string[]>('host.get_all');
  const found = [status, ...(error[0] === 'VM_MIGRATE_FAILED' ? error.slice(0, 1) : error)];
  expect([at, [['success'], ...ends(vm, hosts)].map(String)]).toEqual([
    at,
    expect.arrayContaining([String(found)]),
  ]);
  expect([at, await kit.call('VM.get_current_operations', vm)]).toEqual([at, {}]);
}

describe.each(walked)('%s', (method) => {
  let steps: string[];
  beforeAll(async () => {
    steps = await stepsOf(method);
  });
  test('overtaken by what happens to the VM alone', async () => {
    expect(steps.length).toBeGreaterThan(0);
    await overtakenByAll(method, steps);
  });
  test('overtaken by the loss of its host', async () => {
    for (const at of steps) {
      await overtaken(method, hostLost, at);
      await kit.sound();
      await kit.once();
    }
  });
});
