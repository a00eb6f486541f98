/** Leases outlive whatever else stops: guests run on, and no host is fenced, while the API or the program for leases does not serve. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Store } from '@xenplane/store';
import { Client } from 'pg';
import { eventually, login, untilReady } from '../world';
import { startProcesses } from './processes';

const vms = 4;
/** Short, so that an outage is; long enough for a busy machine to renew in time. */
const leaseMs = 3_000;
/** Longer than a lease and the wait of those who fence. */
const outageMs = 1.5 * leaseMs;
let processes: Awaited<ReturnType<typeof startProcesses>>;
let store: Store;

beforeAll(async () => {
  processes = await startProcesses({ hosts: 4, vms, speed: 4, leaseMs });
  store = await Store.connect({ url: processes.databaseUrl, connections: 2 });
  const call = await login(processes.url);
  const records =
    await call<Record<string, { is_a_template: boolean; is_control_domain: boolean }>>('VM.get_all_records');
  const halted = Object.entries(records).filter(([, vm]) => !vm.is_a_template && !vm.is_control_domain);
  await Promise.all(halted.map(([ref]) => call('VM.start', ref, false, false)));
});
afterAll(async () => {
  await store?.close();
  await processes?.stop();
});

/** Which host lives in which epoch, and which guest runs where for which time: all of it changes with a fence. */
async function lives(): Promise<unknown> {
  const hosts = await store.query('SELECT uuid, host_epoch, alive FROM host_run ORDER BY uuid');
  const guests = await store.query(
    "SELECT vm, host, vm_epoch, domid FROM vm_run WHERE state = 'R' ORDER BY vm",
  );
  expect(guests).toHaveLength(vms);
  return { hosts, guests, held: await held() };
}
/** The domains that the agent holds, asked of it as the control plane would. */
async function held(): Promise<string[]> {
  const hosts = await store.query<{ uuid: string; agent_url: string; command_key: string }>(
    'SELECT uuid, agent_url, command_key FROM host_run',
  );
  const lists = await Promise.all(
    hosts.map(async ({ uuid, agent_url, command_key }) => {
      const answer = await fetch(`${agent_url}/hosts/${uuid}/vms`, {
        headers: { authorization: `Bearer ${command_key}` },
      });
      return (await answer.json()) as { vm: string; state: string }[];
    }),
  );
  return lists
    .flat()
    .map(({ vm, state }) => `${vm} ${state}`)
    .sort();
}

async function survives(outage: () => Promise<void>): Promise<void> {
  const before = await lives();
  await outage();
  expect(await lives()).toEqual(before);
  // A controller that would fence has had the time to do so.
  await sleep(2_000);
  expect(await lives()).toEqual(before);
}
async function stopped(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  await sleep(outageMs);
  child.kill('SIGCONT');
}

test('an API that is stopped for longer than a lease costs no guest', async () => {
  await survives(() => stopped(processes.api));
});

test('a program for leases that is stopped for longer than a lease costs no guest: the API renews', async () => {
  await survives(() => stopped(processes.leases));
});

test('a transaction that holds the rows of all hosts for longer than a lease costs no guest', async () => {
  const client = new Client({ connectionString: processes.databaseUrl });
  await client.connect();
  await survives(async () => {
    // One that stands still is ended after three seconds, unless it asks for more.
    await client.query('SET idle_in_transaction_session_timeout = 0');
    await client.query('BEGIN');
    await client.query('SELECT host FROM host_run FOR UPDATE');
    await sleep(outageMs);
    await client.query('ROLLBACK');
  });
  await client.end();
});

test('a program for leases that is gone costs no guest', async () => {
  await survives(async () => {
    await processes.kill(processes.leases);
    await sleep(outageMs);
  });
  processes.start('leases');
});

test('an API that dies again and again costs no guest', async () => {
  await survives(async () => {
    let api = processes.api;
    for (const end = Date.now() + outageMs; Date.now() < end;) {
      await processes.kill(api);
      api = processes.start('api');
      await sleep(300);
    }
  });
  await untilReady(processes.url);
  await eventually(() => login(processes.url));
});
