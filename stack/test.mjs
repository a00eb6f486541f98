// npm test: all tests against a Postgres and Redis made for this run; the last line counts them.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { prepareCheckout } from './checkout.mjs';
import { openGuard } from './guard.mjs';
import { processOf, stopProcess } from './processes.mjs';
import { startServices } from './services.mjs';
import { onStop } from './signals.mjs';
import { readState } from './state.mjs';

const root = path.resolve(import.meta.dirname, '..');
const note = (line) => process.stderr.write(`${line}\n`);

function throwAwayFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xenplane-test-'));
  chmodSync(folder, 0o755); // root's services run as another account, which must pass through
  return folder;
}

function jestArguments(extra) {
  const jest = path.join(root, 'node_modules/jest/bin/jest.js');
  return [jest, ...extra, '--reporters=default', `--reporters=${path.join(root, 'stack/reporter.cjs')}`];
}

/** jest's exit status; a stop asked for ends it. */
function runJest(environment, guard, abort) {
  const options = {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment, ...guard.environment('app') },
  };
  const jest = spawn(process.execPath, jestArguments(process.argv.slice(2)), options);
  const of = processOf(jest.pid);
  guard.watch(jest.pid, 'app', ['SIGTERM']);
  abort.addEventListener('abort', () =>
    stopProcess(of, [
      ['SIGTERM', 5000],
      ['SIGKILL', 1000],
    ]),
  );
  return new Promise((resolve, reject) => {
    jest.once('error', reject);
    jest.once('exit', (code) => resolve(code ?? 1));
  });
}

async function test(folder, undo, abort) {
  const guard = openGuard();
  undo.push(() => guard.close());
  await prepareCheckout(root, { log: note, abort, env: guard.environment('app') });
  const services = await startServices({
    dir: path.join(folder, 'services'),
    durable: false,
    log: note,
    guard,
    abort,
  });
  undo.push(() => services.stop());
  const counts = path.join(folder, 'counts.json');
  const environment = {
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    STACK_TEST_COUNTS: counts,
  };
  const status = await runJest(environment, guard, abort);
  return { passed: 0, failed: 0, ...readState(counts), status };
}

async function main() {
  const folder = throwAwayFolder();
  const undo = [() => rmSync(folder, { recursive: true, force: true })];
  const stopping = onStop(note);
  let result = { passed: 0, failed: 0, status: 1 };
  try {
    result = await test(folder, undo, stopping.abort);
  } catch (error) {
    if (!stopping.abort.aborted) note(error.message);
  }
  for (const step of undo.reverse()) await step();
  const status = stopping.abort.aborted ? 130 : result.status;
  // No test may have failed and yet jest did (nothing found, a broken configuration): the line must say so.
  const failed = status === 0 ? result.failed : Math.max(result.failed, 1);
  process.stdout.write(`${result.passed} passed, ${failed} failed\n`, () => process.exit(status));
}

await main();
