import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
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
  expect(first.databaseUrl).toMatch(/^postgres:\/\/xenplane_programs:[\w-]{32}@127\.0\.0\.1:\d+\/xenplane$/);
  expect(await ask(first.databaseUrl, settings)).toEqual([['on', 'on', '200', 'UTF8', 'C', '127.0.0.1']]);
  await ask(first.databaseUrl, 'create table kept as select 42 as answer');
  await killHolder(first);
  await until(() => processesIn(folder).length === 0, 'the guardian stops all');

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
  const { guardian } = JSON.parse(readFileSync(join(folder, 'lock'), 'utf8')) as {
    guardian: { pid: number };
  };
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
  await until(
    () => running.output().includes('postgres died') && running.output().includes('redis died'),
    'deaths seen',
  );
  await until(
    () =>
      existsSync(join(folder, 'postgres/data/postmaster.pid')) &&
      !before.includes(postgresPid()) &&
      !before.includes(redisPid()),
    'new ones',
  );
  await until(() => !running.output().includes('did not start'), 'started');
  for (let tries = 0; tries < 50; tries += 1) {
    const rows = await ask(databaseUrl, 'select 1').catch(() => undefined);
    if (rows) return;
    await new Promise((settle) => setTimeout(settle, 100));
  }
  throw new Error('Postgres did not come back');
});

/** As somebody on this machine who knows no password, or another one. */
function as(databaseUrl: string, user: string, password: string, database = 'postgres'): string {
  const url = new URL(databaseUrl);
  Object.assign(url, { username: user, password, pathname: `/${database}` });
  return url.href;
}
async function asRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
const passwordOf = (url: string) => decodeURIComponent(new URL(url).password);
const modeOf = (file: string) => (statSync(join(folder, file)).mode & 0o777).toString(8);
const commandLines = () =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && existsSync(`/proc/${pid}/cmdline`))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return ''; // it has gone meanwhile
      }
    })
    .join('\n');

async function expectGuarded({ databaseUrl, redisUrl }: Urls): Promise<void> {
  for (const [user, password] of [
    ['xenplane', 'xenplane'],
    ['postgres', 'postgres'],
    ['xenplane_programs', 'another'],
  ] as const) {
    await expect(ask(as(databaseUrl, user, password), 'select 1')).rejects.toThrow(
      /password authentication failed/,
    );
  }
  await expect(asRedis(redisUrl.replace(/:[^:]*@/, ''), (redis) => redis.ping())).rejects.toThrow(/NOAUTH/);
  expect(await asRedis(redisUrl, (redis) => redis.ping())).toBe('PONG');
}

/** Actions of the owner of a database; the role of the programs owns a schema in it. */
async function expectOwnerOfSchemaOnly(databaseUrl: string): Promise<void> {
  for (const sql of [
    'create schema more',
    'create temporary table more (id int)',
    'alter database xenplane set work_mem = 64',
    'alter database xenplane rename to more',
    'drop database xenplane',
  ])
    await expect(ask(databaseUrl, sql)).rejects.toThrow(
      /permission denied|must be owner|cannot drop the currently open database/,
    );
  const owner =
    "select pg_get_userbyid(datdba), has_database_privilege(current_user, oid, 'create') from pg_database where datname = 'xenplane'";
  expect(await ask(databaseUrl, owner)).toEqual([['xenplane', false]]);
  await ask(databaseUrl, 'create table own (id int); drop table own');
}

test('nobody is let in without a password, the programs are no superuser, and no secret lies open', async () => {
  const urls = await hold();
  await expectGuarded(urls);
  const rights =
    'select rolsuper, rolcreatedb, rolcreaterole, rolreplication from pg_roles where rolname = current_user';
  expect(await ask(urls.databaseUrl, rights)).toEqual([[false, false, false, false]]);
  for (const sql of [
    "copy (select 1) to program 'true'",
    "select pg_read_file('postgresql.conf')",
    'select rolpassword from pg_authid',
    'create database more',
  ])
    await expect(ask(urls.databaseUrl, sql)).rejects.toThrow(/permission denied|must be superuser/);
  await expectOwnerOfSchemaOnly(urls.databaseUrl);
  await expect(
    ask(as(urls.databaseUrl, 'xenplane_programs', passwordOf(urls.databaseUrl)), 'select 1'),
  ).rejects.toThrow(/permission denied for database/);
  expect({
    secrets: modeOf('secrets.json'),
    config: modeOf('redis/redis.conf'),
    redis: modeOf('redis'),
    postgres: modeOf('postgres'),
  }).toEqual({
    secrets: '600',
    config: '600',
    redis: '700',
    postgres: '700',
  });
  const lines = commandLines();
  const { postgres } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as {
    postgres: { superuser: string };
  };
  expect(lines).toContain(folder);
  for (const secret of [passwordOf(urls.databaseUrl), passwordOf(urls.redisUrl), postgres.superuser])
    expect(lines).not.toContain(secret);
});

test('a folder made when everybody was trusted, its servers still running, is guarded from the next start on and loses nothing', async () => {
  spawnSync(
    process.execPath,
    [join(root, 'stack/trusting.fixture.mjs'), folder, join(root, '.xenplane/tools')],
    { stdio: 'inherit' },
  );
  const { postgres: port } = JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8')) as {
    postgres: number;
  };
  expect(await ask(`postgres://xenplane@127.0.0.1:${port}/xenplane`, 'select answer from kept')).toEqual([
    [42],
  ]);

  const urls = await hold();
  await expectGuarded(urls);
  await expectOwnerOfSchemaOnly(urls.databaseUrl);
  expect(await ask(urls.databaseUrl, 'select answer from seen')).toEqual([[42]]);
  expect(
    await ask(
      urls.databaseUrl,
      "insert into kept (answer) values (1) returning id, answer, nextval('apart')::int",
    ),
  ).toEqual([[2, 2, 1]]);
  await ask(
    urls.databaseUrl,
    'alter table kept add column more text; create table fresh (id serial); drop view seen; drop function doubled cascade',
  );
  expect(await asRedis(urls.redisUrl, (redis) => redis.get('kept'))).toBe('42');
  urls.running.child.kill('SIGTERM');
  await urls.running.ended;
  const again = await hold();
  expect(await ask(again.databaseUrl, 'select answer from kept order by id')).toEqual([[42], [2]]);
});
