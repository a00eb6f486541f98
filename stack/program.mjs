// One of our own programs: started, its lines named, started again when it dies.
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { processOf, stopProcess } from './processes.mjs';

const keptLines = 20;
// Far below a lease of 10 s: a program that dies again and again is there for part of each.
const longestPauseMs = 2_000;
const steadyMs = 60_000; // having run this long it may fail once more without a longer pause

/** With --quiet: what is a warning or worse, by pino's level or by its words, or came on stderr. */
function matters(line, onStderr) {
  const level = /"level":(\d+|"\w+")/.exec(line)?.[1];
  if (level) return Number(level) >= 40 || /warn|error|fatal/.test(level);
  return onStderr || /\b(warn(ing)?|error|fatal)\b/i.test(line);
}

function readLines(child, take) {
  const read = (stream, onStderr) =>
    readline.createInterface({ input: stream }).on('line', (line) => take(line, onStderr));
  read(child.stdout, false);
  read(child.stderr, true);
}

function launch({ file, args, cwd, env, guard }, take) {
  // A group of its own: Ctrl-C in the terminal goes to the launcher, which stops things in order.
  const child = spawn(file, args, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, ...guard.environment('app') },
  });
  if (child.pid) guard.watch(child.pid, 'app', ['SIGTERM']);
  readLines(child, take);
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, killer) => resolve(killer ?? `status ${code}`));
    // A grandchild may hold the pipes open: the last lines get a moment, not for ever.
    child.once('exit', (code, killer) => setTimeout(resolve, 300, killer ?? `status ${code}`).unref());
  });
  return { of: processOf(child.pid), ended };
}

/** what: { name, file, args, cwd, env, guard, quiet, print } */
export function runProgram(what) {
  const lines = [];
  const halt = new AbortController();
  const program = { name: what.name, deaths: 0, lastLines: () => lines.join('\n') };
  let current;
  const take = (line, onStderr) => {
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
    if (!what.quiet || matters(line, onStderr)) what.print(`${what.name.padEnd(9)} | ${line}`);
  };
  const live = async () => {
    for (let row = 0; !halt.signal.aborted;) {
      const since = Date.now();
      current = launch(what, take);
      const end = await current.ended;
      what.guard.forget(current.of.pid);
      if (halt.signal.aborted) return;
      row = Date.now() - since > steadyMs ? 1 : row + 1;
      program.deaths = row;
      const pauseMs = Math.min(1000 * 2 ** (row - 1), longestPauseMs);
      what.print(`${what.name} died (${end}); starting it again in ${pauseMs / 1000} s`);
      await sleep(pauseMs, undefined, { signal: halt.signal }).catch(() => {});
    }
  };
  const over = live();
  program.stop = async (graceMs = 10_000) => {
    halt.abort();
    await stopProcess(current.of, [
      ['SIGTERM', graceMs],
      ['SIGKILL', 2000],
    ]);
    await over;
  };
  return program;
}
