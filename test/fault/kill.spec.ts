/** Real processes, killed in the middle of a hundred starts: every task ends, no VM runs twice, nothing is reserved that is not used. */
import { Redis } from 'ioredis';
import { complaints } from '@xenplane/testing';
import { Store } from '@xenplane/store';
import { eventually, login, type Call } from '../world';
import { startProcesses } from './processes';

type Running = Awaited<ReturnType<typeof startProcesses>>;
const count = 100;
let processes: Running;
let call: Call;
let store: Store;

beforeEach(async () => {
  processes = await startProcesses({ hosts: 4, vms: count, speed: 4 });
  call = await login(processes.url);
  store = await Store.connect({ url: processes.databaseUrl, connections: 2 });
});
afterEach(async () => {
  await store?.close();
  await processes?.stop();
});

async function startAll(): Promise<string[]> {
  const records =
    await call<Record<string, { is_a_template: boolean; is_control_domain: boolean }>>('VM.get_all_records');
  const vms = Object.entries(records)
    .filter(([, vm]) => !vm.is_a_template && !vm.is_control_domain)
    .map(([ref]) => ref);
  expect(vms.length).toBe(count);
  return Promise.all(vms.map((vm) => call<string>('Async.VM.start', vm, false, false)));
}
/** Waits until some are running and some are not. */
const midway = (): Promise<unknown> =>
  eventually(async () => {
    const [row] = await store.query<{ n: number }>("SELECT count(*)::int AS n FROM vm_run WHERE state = 'R'");
    if ((row?.n ?? 0) < 5) throw new Error(`${row?.n} running`);
  });

async function ends(tasks: readonly string[]): Promise<Record<string, number>> {
  const statuses = await eventually(async () => {
    const records = await call<Record<string, { status: string }>>('task.get_all_records');
    const now = tasks.map((task) => records[task]?.status ?? 'gone');
    const pending = now.filter((s) => s === 'pending').length;
    if (pending > 0) throw new Error(`${pending} tasks pending`);
    return now;
  });
  const counts: Record<string, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
const sound = (): Promise<unknown> =>
  eventually(async () => {
    const found = await complaints(store);
    if (found.length > 0) throw new Error(found.join('\n'));
  });

/** The domains that agents really hold, host by host, asked of them as the control plane would. */
async function domains(): Promise<string[]> {
  const hosts = await store.query<{ uuid: string; agent_url: string; command_key: string }>(
    'SELECT uuid, agent_url, command_key FROM host_run',
  );
  const lists = await Promise.all(
    hosts.map(
      async ({ uuid, agent_url, command_key }) =>
        (await (
          await fetch(`${agent_url}/hosts/${uuid}/vms`, {
            headers: { authorization: `Bearer ${command_key}` },
          })
        ).json()) as { vm: string }[],
    ),
  );
  return lists.flat().map((d) => d.vm);
}
async function assertOnceEach(): Promise<void> {
  await eventually(async () => {
    const held = await domains();
    const shown = (
      await store.query<{ uuid: string }>(
        "SELECT uuid FROM vm WHERE power_state = 'Running' AND NOT is_control_domain",
      )
    ).map((v) => v.uuid);
    expect([...held].sort()).toEqual([...shown].sort());
    expect(new Set(held).size).toBe(held.length);
  });
}

test('kill -9 of the scheduler: another one finishes everything', async () => {
  const tasks = await startAll();
  await midway();
  await processes.kill(processes.scheduler);
  processes.start('scheduler');
  expect(await ends(tasks)).toEqual({ success: count });
  await sound();
  await assertOnceEach();
});

test('kill -9 of the agent with its hypervisor: every task ends, what ran is halted, what is shown runs', async () => {
  const tasks = await startAll();
  await midway();
  await processes.kill(processes.agent);
  processes.start('agent');
  const counts = await ends(tasks);
  expect((counts['success'] ?? 0) + (counts['failure'] ?? 0)).toBe(count);
  await sound();
  await assertOnceEach();
});

test('Redis forgets everything: nothing is lost', async () => {
  const tasks = await startAll();
  const redis = new Redis(processes.redisUrl);
  await redis.flushall();
  await midway();
  await redis.flushall();
  redis.disconnect();
  expect(await ends(tasks)).toEqual({ success: count });
  await sound();
  await assertOnceEach();
});
