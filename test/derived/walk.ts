/** Walks durable operations by three harnesses: each step done twice, a failure at each step, a death at each step. */
import { XenError } from '@xenplane/model';
import { Kit, type Scenarios } from './kit';

/** The last step of what ends a domain: then it has ended. */
const ending: ReadonlySet<string> = new Set([
  'VM.clean_shutdown',
  'VM.hard_shutdown',
  'VM.shutdown',
  'VM.suspend',
]);
const endsDomain = (method: string, step: string): boolean => step === 'show' && ending.has(method);

/** `settled`: what must hold besides, after every walk. `pastReturn`: steps at which all has come about already that cannot be taken back. */
export function walk(
  scenarios: Scenarios,
  settled: (kit: Kit) => Promise<void> = async () => undefined,
  pastReturn = endsDomain,
  hosts?: number,
): void {
  let kit: Kit;
  beforeAll(async () => {
    kit = await Kit.start(hosts);
  });
  afterAll(() => kit?.stop());

  const prepare = (method: string): Promise<unknown[]> => {
    const scenario = scenarios[method];
    if (!scenario) throw new Error(`no scenario for ${method}`);
    return scenario(kit);
  };
  const accept = (method: string, params: readonly unknown[]): Promise<string> => kit.accept(method, params);

  describe.each(Object.keys(scenarios))('%s', (method) => {
    const steps: string[] = [];
    let outcome: unknown;

    test('succeeds', async () => {
      const params = await prepare(method);
      const task = await accept(method, params);
      await kit.work(task, (step, phase, act) => {
        if (phase !== 'undo' && !steps.includes(step)) steps.push(step);
        return act();
      });
      expect([await kit.finished(task), await kit.call('task.get_error_info', task)]).toEqual([
        'success',
        [],
      ]);
      outcome = await kit.look(method, params);
      if (outcome !== undefined) expect(outcome).toMatchObject({ current_operations: {} });
      expect(steps.length).toBeGreaterThan(0);
      await kit.sound();
      await settled(kit);
    });

    test('comes to the same when steps outside the database are done twice', async () => {
      const params = await prepare(method);
      const task = await accept(method, params);
      await kit.work(task, async (_step, phase, act) => {
        if (phase === 'act outside') await act();
        return act();
      });
      expect(await kit.finished(task)).toBe('success');
      expect(await kit.look(method, params)).toEqual(outcome);
      await kit.sound();
      await settled(kit);
    });

    test('leaves nothing behind when it fails, at each step', async () => {
      for (const at of steps) {
        const params = await prepare(method);
        const before = await kit.look(method, params);
        const task = await accept(method, params);
        await kit.work(task, (step, phase, act) =>
          phase !== 'undo' && step === at
            ? Promise.reject(new XenError('INTERNAL_ERROR', `injected at ${at}`))
            : act(),
        );
        expect([at, await kit.finished(task)]).toEqual([at, 'failure']);
        // An effect that cannot be undone, such as a domain that is gone, is shown as it is.
        const after = pastReturn(method, at) ? outcome : before;
        expect([at, await kit.look(method, params)]).toEqual([at, after]);
        await kit.sound();
        await settled(kit);
      }
    });

    test('is finished by another worker when one dies, at each step', async () => {
      for (const at of steps) {
        const params = await prepare(method);
        const task = await accept(method, params);
        let died: () => void = () => undefined;
        const dead = new Promise<void>((resolve) => (died = resolve));
        const dying = kit.work(task, (step, phase, act) => {
          if (phase === 'undo' || step !== at) return act();
          died();
          return new Promise<never>(() => undefined);
        });
        // A dead worker reports nothing when its world ends.
        dying.catch(() => undefined);
        await dead;
        await kit.plane.store.query('UPDATE operation SET owner = NULL WHERE ref = $1', [task]);
        await kit.work(task);
        expect([at, await kit.finished(task)]).toEqual([at, 'success']);
        expect([at, await kit.look(method, params)]).toEqual([at, outcome]);
        await kit.sound();
        await settled(kit);
      }
    });
  });
}
