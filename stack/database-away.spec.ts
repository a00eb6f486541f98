/** Postgres dies, and starts again: clients meanwhile get a code of the interface, never the words of the server, and everything goes on. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Call, type World, eventually, login, startWorld, statusOf } from '../test/world';
import { type Running, emptyFolder, node, processesIn, remove, root, until } from './stack.fixture';

let folder: string;
let holder: Running;
let world: World;

beforeAll(async () => {
  folder = emptyFolder();
  holder = node([join(root, 'stack/holder.fixture.mjs'), folder, join(root, '.xenplane/tools')], root);
  const line = () => /^\{.*\}$/m.exec(holder.output())?.[0];
  await until(() => line() !== undefined || holder.child.exitCode !== null, 'services up', 60_000);
  const { databaseUrl } = JSON.parse(line() ?? '{}') as { databaseUrl: string };
  world = await startWorld({ hosts: 1, leases: true, databaseUrl });
});
afterAll(async () => {
  await world?.stop();
  holder.child.kill('SIGTERM');
  await holder.ended;
  await until(() => processesIn(folder).length === 0, 'services gone');
  remove(folder);
});

const postmaster = () =>
  Number(readFileSync(join(folder, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);
const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

/** Asks again and again in every way: what was answered while the work was under way. */
async function failuresDuring(call: Call, work: () => Promise<void>): Promise<Set<string>> {
  const failures = new Set<string>();
  let over = false;
  const asking = async (ask: () => Promise<unknown>): Promise<void> => {
    while (!over) {
      failures.add(await failureOf(ask()));
      await new Promise((settle) => setTimeout(settle, 20));
    }
  };
  const [pool = ''] = await call<string[]>('pool.get_all');
  const all = [
    asking(() => call('pool.set_name_label', pool, 'again')),
    asking(() => call('pool.get_record', pool)),
    asking(() => call('task.create', 'a task', '')),
    asking(() => login(world.url)),
  ];
  await work();
  over = true;
  await Promise.all(all);
  failures.delete('none');
  return failures;
}

/** Errors that a client can act on; for a lost commit the outcome is unknown. */
const allowed =
  /^(HOST_STILL_BOOTING|TOO_BUSY|INTERNAL_ERROR The connection to the database was lost during the commit: the change may have been made or not)$/;

test('a server that is killed, and one that shuts down, say nothing of their own to clients', async () => {
  const call = await login(world.url);
  for (const signal of ['SIGKILL', 'SIGQUIT', 'SIGINT'] as const) {
    const before = postmaster();
    const failures = await failuresDuring(call, async () => {
      process.kill(before, signal);
      await eventually(async () => expect(postmaster()).not.toBe(before));
      await eventually(() => call('pool.get_all'));
      await eventually(() => login(world.url));
    });
    expect([...failures].filter((failure) => !allowed.test(failure))).toEqual([]);
    expect(failures.size).toBeGreaterThan(0);
  }
  await eventually(async () => expect(await statusOf(fetch(`${world.url}/health/ready`))).toBe(200));
});
