/** Room for one: eight start at once, on one host, with two schedulers. */
import { complaints } from '@xenplane/testing';
import { testServices, schedulerSettings } from '@xenplane/config';
import { startScheduler } from '../../apps/scheduler/src/scheduler';
import { login, startWorld, type Call, type World } from '../world';

const GiB = 2 ** 30;
let world: World;
let call: Call;
let second: { stop(): Promise<void> };
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  second = await startScheduler(
    schedulerSettings({
      DATABASE_URL: world.databaseUrl,
      REDIS_URL: testServices().redisUrl,
      XENPLANE_LOG_LEVEL: 'error',
    }),
  );
  call = await login(world.url);
});
afterAll(async () => {
  await second?.stop();
  await world?.stop();
});

test('exactly one of eight is placed, seven are told why not, and nothing is left behind', async () => {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vms = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const vm = await call<string>('VM.clone', template, `big ${i}`);
      await call('VM.provision', vm);
      await call('VM.set_memory_limits', vm, GiB, 150 * GiB, 150 * GiB, 150 * GiB);
      return vm;
    }),
  );
  const results = await Promise.allSettled(vms.map((vm) => call('VM.start', vm, false, false)));
  const refused = results
    .filter((r): r is PromiseRejectedResult => r.status === 'rejected')
    .map((r) => String(r.reason));
  expect(refused.length).toBe(7);
  for (const reason of refused) expect(reason).toMatch(/HOST_NOT_ENOUGH_FREE_MEMORY \d+ \d+/);
  const states = await Promise.all(vms.map((vm) => call('VM.get_power_state', vm)));
  expect(states.filter((s) => s === 'Running').length).toBe(1);
  const [api] = world.apis;
  expect(api && (await complaints(api.plane.store))).toEqual([]);
});
