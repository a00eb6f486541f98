import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Running,
  freePort,
  node,
  processesIn,
  remove,
  takenPort,
  trialClone,
  until,
} from './stack.fixture';

let clone: string;
let port: number;
let started: Running[];

beforeEach(async () => {
  clone = trialClone();
  port = await freePort();
  started = [];
});
afterEach(async () => {
  for (const { child, ended } of started) {
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
  }
  remove(clone);
});

function start(...flags: string[]): Running {
  const running = node(['stack/start.mjs', `--port=${port}`, '--tls-port=0', ...flags], clone);
  started.push(running);
  return running;
}
const ready = (running: Running) =>
  until(() => running.output().includes('Xenplane is ready'), `ready; it said: ${running.output()}`, 60_000);
const secrets = () =>
  JSON.parse(readFileSync(join(clone, '.xenplane/secrets.json'), 'utf8')) as Record<string, string>;
const told = (name: string) =>
  JSON.parse(readFileSync(join(clone, `${name}.environment.json`), 'utf8')) as Record<string, string>;

describe('flags', () => {
  test.each([
    [['--banana'], 'unknown flag --banana'],
    [['--hosts'], '--hosts wants a whole number from 1 to 10000'],
    [['--hosts', '0'], "not '0'"],
    [['--hosts=1e3'], "not '1e3'"],
    [['--port', '70000'], "not '70000'"],
    [['--vms', '-1'], "not '-1'"],
    [['--speed', 'fast'], "not 'fast'"],
    [['--password', '--quiet'], '--password wants a value'],
    [['--password='], '--password wants a value'],
    [['--quiet=yes'], '--quiet takes no value'],
    [['4'], "'4' is not a flag"],
    [['-h'], "'-h' is not a flag"],
    [['--tls-port', '8080'], 'are the same'],
    [['--nbd-port', '8443'], '--tls-port and --nbd-port are the same'],
    [['--nbd-port', 'x'], "not 'x'"],
  ])('%j is refused with the list of known ones', async (flags, words) => {
    const refused = node(['stack/start.mjs', ...flags], clone);
    expect(await refused.ended).toBe(2);
    expect(refused.output()).toContain(words);
    expect(refused.output()).toContain('--hosts N');
    expect(existsSync(join(clone, '.xenplane/lock'))).toBe(false);
  });
});

test('a fresh clone becomes ready, refuses a second start, brings a dead program back, and ends with nothing left', async () => {
  writeFileSync(join(clone, 'scheduler.dies'), '');
  const first = start('--password', 'let me in', '--hosts', '7');
  await ready(first);
  expect(first.output()).toContain(`http://127.0.0.1:${port}/jsonrpc`);
  expect(first.output()).toMatch(/npx xe -s 127\.0\.0\.1 -p \d+ -u root -pw 'let me in' host-list/);

  const second = start();
  expect(await second.ended).toBe(1);
  expect(second.output()).toContain(`in use by the running process ${first.child.pid}`);

  await until(
    () => first.output().includes('scheduler died (status 3); starting it again in 1 s'),
    'the death told',
  );
  await until(() => first.output().split('scheduler is up').length === 3, 'scheduler up again');

  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  expect(first.output()).toMatch(/agent ends[^]*scheduler ends[^]*api ends[^]*leases ends[^]*images ends/);
  expect(processesIn(clone)).toEqual([]);
});

test('each program is told what it reads; secrets are kept, for us only', async () => {
  const first = start('--vms', '3', '--seed=9', '--speed', '2.5');
  await ready(first);
  first.child.kill('SIGINT');
  expect(await first.ended).toBe(0);
  const { rootPassword = '', joinKey = '', imagesSecret = '' } = secrets();
  expect(told('api')).toMatchObject({
    XENPLANE_VMS: '3',
    XENPLANE_SEED: '9',
    XENPLANE_ROOT_PASSWORD: rootPassword,
    NODE_ENV: 'production',
  });
  expect(told('api')['XENPLANE_NBD_PORT']).toMatch(/^\d+$/);
  expect(told('agent')).toMatchObject({
    XENPLANE_SPEED: '2.5',
    XENPLANE_JOIN_KEY: joinKey,
    XENPLANE_DATA: join(clone, '.xenplane/agent'),
  });
  expect(told('images')).toMatchObject({ XENPLANE_IMAGES_SECRET: imagesSecret });
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'XENPLANE_ROOT_PASSWORD'])
    expect(told('agent')).not.toHaveProperty(name);
  expect(told('api')['XENPLANE_LEASES_URL']).toBe(
    `http://127.0.0.1:${told('leases')['XENPLANE_LEASES_PORT']}`,
  );
  expect(statSync(join(clone, '.xenplane/secrets.json')).mode & 0o777).toBe(0o600);

  const again = start('--quiet', '--nbd-port', '0');
  await ready(again);
  expect(told('api')).toMatchObject({ XENPLANE_SEED: '9' });
  expect(told('agent')).toMatchObject({ XENPLANE_SEED: '9' });
  expect(told('api')['XENPLANE_NBD_PORT']).toBe('');
  expect(again.output()).toContain(`password   ${rootPassword}`);
  expect(again.output()).not.toContain('api is up');
});

test('kill -9 of the launcher leaves nothing, and the next start works', async () => {
  const first = start();
  await ready(first);
  expect(processesIn(clone).length).toBeGreaterThanOrEqual(8); // guardian, services, five programs
  first.child.kill('SIGKILL');
  await first.ended;
  await until(() => processesIn(clone).length === 0, 'guardian, services and programs gone');
  expect(existsSync(join(clone, '.xenplane/lock'))).toBe(true); // stale, to be taken over
  await ready(start());
});

test('a taken port is named, and nothing is left behind', async () => {
  const taken = await takenPort();
  port = taken.port;
  const refused = start();
  expect(await refused.ended).toBe(1);
  expect(refused.output()).toContain(`port ${taken.port} is taken`);
  expect(processesIn(clone)).toEqual([]);
  expect(existsSync(join(clone, '.xenplane/lock'))).toBe(false);
  taken.free();
});

test('a program that cannot live is named with its last words', async () => {
  writeFileSync(join(clone, 'apps/main.js'), "console.log('last words'); process.exit(4);");
  const failed = start();
  expect(await failed.ended).toBe(1);
  expect(failed.output()).toMatch(
    /did not start: (images|leases|api) does not stay alive\n--- (images|leases|api) \(died 5 times\), its last lines:\nlast words/,
  );
  expect(processesIn(clone)).toEqual([]);
});

describe('without a seed', () => {
  const seedOf = async (...flags: string[]): Promise<string> => {
    const running = start(...flags);
    await ready(running);
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    expect(told('agent')['XENPLANE_SEED']).toBe(told('api')['XENPLANE_SEED']);
    return told('api')['XENPLANE_SEED'] ?? '';
  };

  test('each data folder has its own, and keeps it; another one is refused', async () => {
    const seed = await seedOf();
    expect(seed).toMatch(/^[1-9]\d{0,8}$/);
    expect(await seedOf('--data', 'other')).not.toBe(seed);
    expect(await seedOf()).toBe(seed);
    expect(await seedOf('--seed', seed)).toBe(seed);
    const refused = start('--seed', String(Number(seed) === 5 ? 6 : 5));
    expect(await refused.ended).toBe(1);
    expect(refused.output()).toContain(`was made with --seed ${seed}`);
    expect(processesIn(clone)).toEqual([]);
  });

  test('a folder made by an earlier version, whose seed was 1, goes on with that', async () => {
    await seedOf('--seed', '7');
    rmSync(join(clone, '.xenplane/seed.json'));
    expect(await seedOf()).toBe('1');
    expect(await seedOf()).toBe('1');
  });
});

const alive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

test('launcher and guardian killed together: the next start ends the programs that they left, and nothing else', async () => {
  const first = start();
  await ready(first);
  const { guardian } = JSON.parse(readFileSync(join(clone, '.xenplane/lock'), 'utf8')) as {
    guardian: { pid: number };
  };
  const foreign = spawn(
    process.execPath,
    ['-e', 'setInterval(() => {}, 1000)', join(clone, 'dist/apps/api/src/main.js')],
    { stdio: 'ignore' },
  );
  first.child.kill('SIGSTOP'); // or it would start another guardian
  process.kill(guardian.pid, 'SIGKILL');
  first.child.kill('SIGKILL');
  await first.ended;
  const left = processesIn(join(clone, 'dist')).map((line) => Number(line.split(' ')[0]));
  expect(left).toHaveLength(6); // five programs and the foreign one

  const second = start();
  await ready(second);
  expect(second.output()).toContain('5 programs of an earlier start still ran');
  expect(left.filter(alive)).toEqual([foreign.pid]);
  foreign.kill('SIGKILL');
});
