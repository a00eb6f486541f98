import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { node, processesIn, remove, root, trialClone } from './stack.fixture';

let clone: string;

/** With this clone's jest, and a stamp that says all is installed. */
beforeEach(() => {
  clone = trialClone();
  mkdirSync(join(clone, 'node_modules'));
  symlinkSync(join(root, 'node_modules/jest'), join(clone, 'node_modules/jest'));
  const hash = createHash('sha256')
    .update(readFileSync(join(clone, 'package-lock.json')))
    .digest('hex');
  writeFileSync(join(clone, 'node_modules/.xenplane-stamp'), hash);
  writeFileSync(
    join(clone, 'jest.config.js'),
    "module.exports = { transform: {}, testMatch: ['<rootDir>/some/*.js'] };",
  );
  mkdirSync(join(clone, 'some'));
});
afterEach(() => remove(clone));

const write = (name: string, text: string) => writeFileSync(join(clone, 'some', name), text);
const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);

async function run(...args: string[]): Promise<{ status: number | null; last: string | undefined }> {
  const running = node(['stack/test.mjs', ...args], clone);
  const status = await running.ended;
  return { status, last: lastLine(running.output()) };
}

const urls =
  "test('urls', () => { expect(process.env.DATABASE_URL).toMatch(/^postgres:/); expect(process.env.REDIS_URL).toMatch(/^redis:/); });";

test('counts tests, and a file that does not load as one failed', async () => {
  write('good.js', `${urls} test('two', () => {});`);
  write('bad.js', "test('three', () => { throw new Error('no'); });");
  write('broken.js', "require('./nowhere');");
  expect(await run()).toEqual({ status: 1, last: '2 passed, 2 failed' });
  expect(await run('some/good')).toEqual({ status: 0, last: '2 passed, 0 failed' });
  expect(processesIn(clone)).toEqual([]);
});

test('no test found is a failure on the last line too', async () => {
  expect(await run('nothing-of-this-name')).toEqual({ status: 1, last: '0 passed, 1 failed' });
});

test('what a test leaves running does not outlive it', async () => {
  write(
    'leaks.js',
    `test('leak', () => { require('node:child_process').spawn('sleep', ['300'], { cwd: ${JSON.stringify(clone)}, argv0: ${JSON.stringify(`${clone}/leak`)}, detached: true, stdio: 'ignore' }).unref(); });`,
  );
  expect(await run()).toEqual({ status: 0, last: '1 passed, 0 failed' });
  expect(processesIn(clone)).toEqual([]);
});
