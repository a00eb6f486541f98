/** A control plane whose processes all died at once: it is ready again when VMs can be started, and not before. */
import type { ChildProcess } from 'node:child_process';
import { Store } from '@xenplane/store';
import { login, untilReady } from '../world';
import { startProcesses } from './processes';

type Running = Awaited<ReturnType<typeof startProcesses>>;
let processes: Running;
let store: Store;
let api: ChildProcess;
beforeAll(async () => {
  processes = await startProcesses({ hosts: 2, vms: 4, speed: 4 });
  store = await Store.connect({ url: processes.databaseUrl, connections: 2 });
});
afterAll(async () => {
  await store?.close();
  await processes?.stop();
});

interface Readiness {
  readonly missing?: readonly string[];
}
async function readiness(): Promise<{ status: number; missing: readonly string[] }> {
  const answer = await fetch(`${processes.url}/health/ready`).catch(() => undefined);
  return answer
    ? { status: answer.status, missing: ((await answer.json()) as Readiness).missing ?? [] }
    : { status: 0, missing: ['API', 'scheduler'] };
}

test('hosts that were alive before are news only when they have been heard of', async () => {
  const call = await login(processes.url);
  const vms = Object.entries(
    await call<Record<string, { is_a_template: boolean; is_control_domain: boolean }>>('VM.get_all_records'),
  ).flatMap(([ref, vm]) => (vm.is_a_template || vm.is_control_domain ? [] : [ref]));
  for (const vm of vms) await call('VM.start', vm, false, false);
  await Promise.all(
    [processes.agent, processes.scheduler, processes.api].map((process) => processes.kill(process)),
  );
  expect(await store.query('SELECT count(*)::int AS n FROM host_run WHERE alive')).toEqual([{ n: 2 }]);
  api = processes.start('api');
  processes.start('scheduler');
  for (let all = ['scheduler']; all.includes('scheduler');) {
    const { status, missing } = await readiness();
    expect(status).not.toBe(200);
    all = [...missing];
    if (!all.includes('scheduler')) expect(all.join()).toMatch(/hosts/);
  }
  processes.start('agent');
  await untilReady(processes.url, 60_000);
  expect(await Promise.all(vms.map((vm) => call('VM.get_power_state', vm)))).toEqual(vms.map(() => 'Halted'));
  for (const vm of vms) await call('VM.start', vm, false, false);
});

test('an API that is started again while its hosts live is ready with their next renewal, and no VM stops', async () => {
  const call = await login(processes.url);
  const before = await store.query("SELECT vm, vm_epoch FROM vm_run WHERE state = 'R' ORDER BY vm");
  expect(before.length).toBe(4);
  await processes.kill(api);
  api = processes.start('api');
  await untilReady(processes.url, 60_000);
  expect(await call<string[]>('host.get_all')).toHaveLength(2);
  expect(await store.query("SELECT vm, vm_epoch FROM vm_run WHERE state = 'R' ORDER BY vm")).toEqual(before);
});
