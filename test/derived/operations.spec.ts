/** Every durable operation, walked by three harnesses: each step done twice, a failure at each step, a death at each step. */
import { XenError } from '@xenplane/model';
import { complaints } from '@xenplane/testing';
import { OperationWorker, type Surroundings } from '@xenplane/work';
import { describeError, operationsOf, PostgresOperations } from '@xenplane/xapi';
import { eventually, login, startWorld, type Call, type World } from '../world';

jest.setTimeout(120_000);
let world: World;
let call: Call;
beforeAll(async () => {
  world = await startWorld({ hosts: 2, scheduler: false });
  call = await login(world.url);
});
afterAll(() => world?.stop());

type Around = NonNullable<Surroundings<unknown>['around']>;
const plane = () => {
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  return api.plane;
};

/** Runs an accepted operation as a scheduler would, with the harness around its steps. */
async function work(task: string, around?: Around): Promise<void> {
  const worker = new OperationWorker({
    owner: `test ${Math.random()}`,
    store: new PostgresOperations(plane()),
    operations: operationsOf(plane()),
    describe: describeError,
    tries: 2,
    backoffMs: 1,
    ...(around ? { around } : {}),
  });
  await worker.run(task);
}
async function finished(task: string): Promise<string> {
  return eventually(async () => {
    const status = await call<string>('task.get_status', task);
    if (status === 'pending') throw new Error('pending');
    return status;
  });
}
async function run(method: string, ...params: unknown[]): Promise<void> {
  const task = await call<string>(`Async.${method}`, ...params);
  await work(task);
  const status = await finished(task);
  if (status !== 'success') throw new Error(`${method}: ${(await call<string[]>('task.get_error_info', task)).join(' ')}`);
}

async function newVm(): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'walked');
  await call('VM.provision', vm);
  const [network] = await call<string[]>('network.get_by_name_label', 'Pool-wide network associated with eth0');
  await call('VIF.create', { device: '0', network, VM: vm, MAC: '', MTU: 0, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} });
  return vm;
}
async function runningVm(): Promise<string> {
  const vm = await newVm();
  await run('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('suspend'));
  return vm;
}
async function then(vm: Promise<string>, method: string): Promise<string> {
  await run(method, await vm);
  return vm;
}
const hostOf = async (): Promise<string> => (await call<string[]>('host.get_all'))[0] ?? '';
async function device(cls: 'VBD' | 'VIF', plugged: boolean): Promise<string> {
  const vm = await runningVm();
  const [own] = await call<string[]>(`VM.get_${cls}s`, vm);
  if (!plugged) await run(`${cls}.unplug`, own);
  return own ?? '';
}

/** For each operation, what it is asked of: the parameters, made anew each time. */
const scenarios: Readonly<Record<string, () => Promise<unknown[]>>> = {
  'VM.start': async () => [await newVm(), false, false],
  'VM.start_on': async () => [await newVm(), await hostOf(), true, false],
  'VM.pause': async () => [await runningVm()],
  'VM.unpause': async () => [await then(runningVm(), 'VM.pause')],
  'VM.clean_shutdown': async () => [await runningVm()],
  'VM.hard_shutdown': async () => [await runningVm()],
  'VM.shutdown': async () => [await runningVm()],
  'VM.clean_reboot': async () => [await runningVm()],
  'VM.hard_reboot': async () => [await runningVm()],
  'VM.suspend': async () => [await runningVm()],
  'VM.resume': async () => [await then(runningVm(), 'VM.suspend'), false, false],
  'VM.resume_on': async () => [await then(runningVm(), 'VM.suspend'), await hostOf(), false, false],
  'VM.copy': async () => [await newVm(), 'copied', 'OpaqueRef:NULL'],
  'VM.set_memory_dynamic_range': async () => [await runningVm(), 2 ** 30, 2 ** 31],
  'VM.set_VCPUs_number_live': async () => [await runningVm(), 1],
  'VBD.plug': async () => [await device('VBD', false)],
  'VBD.unplug': async () => [await device('VBD', true)],
  'VBD.unplug_force': async () => [await device('VBD', true)],
  'VIF.plug': async () => [await device('VIF', false)],
  'VIF.unplug': async () => [await device('VIF', true)],
  'VIF.unplug_force': async () => [await device('VIF', true)],
  'VDI.copy': async () => [
    (await call<{ VDI: string }>('VBD.get_record', (await call<string[]>('VM.get_VBDs', await newVm()))[0])).VDI,
    await call('pool.get_default_SR', (await call<string[]>('pool.get_all'))[0]),
    'OpaqueRef:NULL',
    'OpaqueRef:NULL',
  ],
};

test('every operation has a scenario', () => {
  expect(Object.keys(scenarios).sort()).toEqual([...operationsOf(plane()).keys()].sort());
});

/** What a client can see of the object that the operation is about. */
async function look(method: string, params: readonly unknown[]): Promise<unknown> {
  const cls = method.split('.')[0];
  const record = await call<Record<string, unknown>>(`${cls}.get_record`, params[0]);
  const { power_state, currently_attached, memory_target, VCPUs_at_startup, current_operations } = record;
  return { power_state, currently_attached, memory_target, VCPUs_at_startup, current_operations };
}
const accept = (method: string, params: readonly unknown[]): Promise<string> => call<string>(`Async.${method}`, ...params);
const sound = async (): Promise<void> =>
  expect(
    await eventually(async () => {
      const found = await complaints(plane().store);
      if (found.length > 0) throw new Error(found.join('\n'));
      return found;
    }, 5_000),
  ).toEqual([]);

describe.each(Object.keys(scenarios))('%s', (method) => {
  const steps: string[] = [];
  let outcome: unknown;

  test('succeeds', async () => {
    const params = await scenarios[method]!();
    const task = await accept(method, params);
    await work(task, (step, phase, act) => {
      if (phase === 'act') steps.push(step);
      return act();
    });
    expect([await finished(task), await call('task.get_error_info', task)]).toEqual(['success', []]);
    outcome = await look(method, params);
    expect(outcome).toMatchObject({ current_operations: {} });
    expect(steps.length).toBeGreaterThan(0);
    await sound();
  });

  test('comes to the same when steps outside the database are done twice', async () => {
    const params = await scenarios[method]!();
    const task = await accept(method, params);
    const outside = new Set(['halt', 'boot', 'save', 'change', 'balloon', 'plug', 'unplug']);
    await work(task, async (step, phase, act) => {
      if (phase === 'act' && outside.has(step.replace(/ \d+$/, ''))) await act();
      return act();
    });
    expect(await finished(task)).toBe('success');
    expect(await look(method, params)).toEqual(outcome);
    await sound();
  });

  test('leaves nothing behind when it fails, at each step', async () => {
    for (const at of steps) {
      const params = await scenarios[method]!();
      const before = await look(method, params);
      const task = await accept(method, params);
      await work(task, (step, phase, act) => (phase === 'act' && step === at ? Promise.reject(new XenError('INTERNAL_ERROR', `injected at ${at}`)) : act()));
      expect([at, await finished(task)]).toEqual([at, 'failure']);
      expect([at, await look(method, params)]).toEqual([at, before]);
      await sound();
    }
  });

  test('is finished by another worker when one dies, at each step', async () => {
    for (const at of steps) {
      const params = await scenarios[method]!();
      const task = await accept(method, params);
      let died: () => void = () => undefined;
      const dead = new Promise<void>((resolve) => (died = resolve));
      void work(task, (step, phase, act) => {
        if (phase !== 'act' || step !== at) return act();
        died();
        return new Promise<never>(() => undefined);
      });
      await dead;
      await plane().store.query('UPDATE operation SET owner = NULL WHERE ref = $1', [task]);
      await work(task);
      expect([at, await finished(task)]).toEqual([at, 'success']);
      expect([at, await look(method, params)]).toEqual([at, outcome]);
      await sound();
    }
  });
});
