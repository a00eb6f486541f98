// Processes by pid *and* start: a pid alone may long belong to somebody else.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const linux = process.platform === 'linux';
const bootId = linux ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8) : '';

function linuxIdentity(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in parentheses, may hold spaces: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `${bootId}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

function psIdentity(pid) {
  const ps = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return ps.stdout?.trim() || undefined;
}

/** Tells this process from every other that had or will have its pid; undefined when it is dead. */
export function identity(pid) {
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  return linux ? linuxIdentity(pid) : psIdentity(pid);
}

export function processOf(pid) {
  return { pid, identity: identity(pid) };
}

export function isAlive(of) {
  return Boolean(of?.identity) && identity(of.pid) === of.identity;
}

/** Sends to the process and, on request, to its whole group; a dead one is no error. */
export function signal(of, name, group = false) {
  if (!isAlive(of)) return;
  for (const target of group ? [-of.pid, of.pid] : [of.pid]) {
    try {
      process.kill(target, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

export async function waitUntil(condition, timeoutMs, stepMs = 20) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() >= end) return false;
    await sleep(stepMs);
  }
}

/** Sends each signal in turn, giving the process the time stated with it to be gone. */
export async function stopProcess(of, steps) {
  for (const [name, graceMs] of steps) {
    signal(of, name, name === 'SIGKILL');
    if (await waitUntil(() => !isAlive(of), graceMs)) return true;
  }
  return !isAlive(of);
}

/** The text of /proc/PID/FILE ('environ', 'cmdline'), entries separated by NUL; '' where there is none. */
export function procText(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Live processes whose environment holds all these marks (Linux only: elsewhere none are found). */
export function processesMarked(...marks) {
  if (!linux) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const environ = procText(pid, 'environ');
      return marks.every((mark) => environ.includes(mark));
    })
    .map((pid) => processOf(Number(pid)))
    .filter(isAlive);
}

/** Runs a command to its end with its output shown; rejects on failure; an aborted one is stopped. */
export function run(file, args, { signal: abort, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
    const cancel = () => child.kill('SIGTERM');
    abort?.addEventListener('abort', cancel, { once: true });
    child.once('error', reject);
    child.once('exit', (code, killer) => {
      abort?.removeEventListener('abort', cancel);
      if (code === 0) resolve();
      else reject(new Error(`'${[file, ...args].join(' ')}' ended with ${killer ?? `status ${code}`}`));
    });
  });
}
