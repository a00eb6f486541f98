import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { type Running, emptyFolder, node, processesIn, remove, root, until } from './stack.fixture';

interface Urls {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}
interface Holding extends Urls {
  readonly running: Running;
}

let folder: string;
let holders: Running[];

beforeEach(() => {
  folder = emptyFolder();
  holders = [];
});
afterEach(async () => {
  for (const { child, ended } of holders) {
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
  }
  await until(() => processesIn(folder).length === 0, 'services gone');
  remove(folder);
});

async function hold(): Promise<Holding> {
  const running = node([join(root, 'stack/holder.fixture.mjs'), folder, join(root, '.xenplane/tools')], root);
  holders.push(running);
  const line = () => /^\{.*\}$/m.exec(running.output())?.[0];
  await until(() => line() !== undefined || running.child.exitCode !== null, 'services up', 60_000);
  return { ...(JSON.parse(line() ?? '{}') as Urls), running };
}

async function ask(databaseUrl: string, sql: string): Promise<unknown[][]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows as unknown[][];
  } finally {
    await client.end();
  }
}

const firstLine = (file: string) => Number(readFileSync(join(folder, file), 'utf8').split('\n')[0]);
const postgresPid = () => firstLine('postgres/data/postmaster.pid');
const redisPid = () => firstLine('redis/pid');
const settings =
  "select current_setting('fsync'), current_setting('synchronous_commit'), current_setting('max_connections'), current_setting('server_encoding'), current_setting('lc_messages'), current_setting('listen_addresses')";

async function killHolder({ running }: Holding): Promise<void> {
  running.child.kill('SIGKILL');
  await running.ended;
}

test('come up as promised, keep what is committed over kill -9 of their holder, and stay on their ports', async () => {
  const first = await hold();
  expect(first.databaseUrl).toMatch(/^postgres:\/\/xenplane@127\.0\.0\.1:\d+\/xenplane$/);
  expect(await ask(first.databaseUrl, settings)).toEqual([['on', 'on', '200', 'UTF8', 'C', '127.0.0.1']]);
  await ask(first.databaseUrl, 'create table kept as select 42 as answer');
  await killHolder(first);
  await until(() => processesIn(folder).length === 0, 'the guardian stops all', 2500);

  const second = await hold();
  expect(second).toMatchObject({ databaseUrl: first.databaseUrl, redisUrl: first.redisUrl });
  expect(await ask(second.databaseUrl, 'select answer from kept')).toEqual([[42]]);
});

test('a second holder is refused while the first lives', async () => {
  const first = await hold();
  const second = await hold();
  expect(await second.running.ended).not.toBe(0);
  expect(second.running.output()).toContain(`in use by the running process ${first.running.child.pid}`);
});

test('left alone without holder and guardian, they are adopted and stopped by the next holder', async () => {
  const first = await hold();
  const { guardian } = JSON.parse(readFileSync(join(folder, 'lock'), 'utf8')) as { guardian: { pid: number } };
  const pids = [postgresPid(), redisPid()];
  first.running.child.kill('SIGSTOP'); // or it would start another guardian
  process.kill(guardian.pid, 'SIGKILL');
  await killHolder(first);

  const second = await hold();
  expect(second.running.output()).toContain(`postgres of this folder still runs (pid ${pids[0]})`);
  expect(second).toMatchObject({ databaseUrl: first.databaseUrl, redisUrl: first.redisUrl });
  expect([postgresPid(), redisPid()]).toEqual(pids);
  second.running.child.kill('SIGTERM');
  expect(await second.running.ended).toBe(0);
  expect(processesIn(folder)).toEqual([]);
});

test('one that dies comes back on its port', async () => {
  const { databaseUrl, running } = await hold();
  const before = [postgresPid(), redisPid()];
  for (const pid of before) process.kill(pid, 'SIGKILL');
  await until(() => running.output().includes('postgres died') && running.output().includes('redis died'), 'deaths seen');
  await until(() => existsSync(join(folder, 'postgres/data/postmaster.pid')) && !before.includes(postgresPid()) && !before.includes(redisPid()), 'new ones');
  await until(() => !running.output().includes('did not start'), 'started');
  for (let tries = 0; tries < 50; tries += 1) {
    const rows = await ask(databaseUrl, 'select 1').catch(() => undefined);
    if (rows) return;
    await new Promise((settle) => setTimeout(settle, 100));
  }
  throw new Error('Postgres did not come back');
});
