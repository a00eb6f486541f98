// The life of one server of ours: adopted or started, brought back when it dies, stopped.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, processOf, stopProcess, waitUntil } from './processes.mjs';
import { keptPort, newPort } from './ports.mjs';

const attempts = 10;
const readyMs = 60_000; // recovery after a power cut may have much to replay

export function tail(file, lines = 12) {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

function openLog(file) {
  if (existsSync(file) && statSync(file).size > 10_000_000) renameSync(file, `${file}.1`);
  return openSync(file, 'a');
}

/** A group of its own, so that Ctrl-C in a terminal reaches the launcher only, which knows the order. */
function launch(service, port, guard) {
  const log = openLog(service.log);
  const { file, args, env } = service.command(port);
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PG')));
  const child = spawn(file, args, {
    ...service.account,
    cwd: service.folder,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...clean, ...env, ...guard.environment('service') },
  });
  closeSync(log);
  child.on('error', () => {}); // seen as a process that is not there
  if (child.pid) guard.watch(child.pid, 'service', service.stopSignals);
  child.unref();
  return processOf(child.pid);
}

async function isReady(service, port) {
  try {
    return await service.ready(port);
  } catch {
    return false;
  }
}

/** The process once it answers; undefined when it died first or is no longer wanted. */
async function launchReady(service, port, { guard, abort }) {
  const of = launch(service, port, guard);
  const over = async () => abort.aborted || !isAlive(of) || (await isReady(service, port));
  const inTime = await waitUntil(over, readyMs);
  if (inTime && !abort.aborted && isAlive(of)) return of;
  await stopProcess(of, [
    [service.stopSignals[0], inTime ? 5000 : 0],
    ['SIGKILL', 5000],
  ]);
  guard.forget(of.pid);
  return undefined;
}

/** A port may be taken, an old server still be going: so again, and elsewhere if the port may change. */
async function start(service, context, fixedPort) {
  const { ports, abort } = context;
  for (let attempt = 1; attempt <= attempts && !abort.aborted; attempt += 1) {
    const port = fixedPort ?? (await (attempt > 2 ? newPort : keptPort)(ports, service.name));
    const of = await launchReady(service, port, context);
    if (of) return { of, port };
    service.mend?.(tail(service.log));
    await sleep(100 * attempt);
  }
  abort.throwIfAborted();
  throw new Error(`${service.name} did not start. The end of ${service.log}:\n${tail(service.log)}`);
}

/** A service that dies comes back on the same port, because its clients hold the URL. */
async function keepAlive(service, context, current) {
  const { guard, log, abort } = context;
  for (;;) {
    await sleep(500, undefined, { ref: false, signal: abort }).catch(() => {});
    if (abort.aborted) return;
    if (isAlive(current.of)) continue;
    log(`${service.name} died; starting it again`);
    guard.forget(current.of.pid);
    await start(service, context, current.port).then(
      (again) => (current.of = again.of),
      (error) => abort.aborted || log(error.message),
    );
  }
}

async function adopt(service, { guard, log }) {
  const found = await service.find();
  if (!found) return undefined;
  log(`${service.name} of this folder still runs (pid ${found.pid}): using it`);
  guard.watch(found.pid, 'service', service.stopSignals);
  return { of: processOf(found.pid), port: found.port };
}

/**
 * service: { name, folder, log, account, command(port), ready(port), find(), url(port), stopSignals,
 *            secure?(), prepare?(port), attend?(port), mend?(the log's end) }
 * secure() runs before a start, while nobody can be connected; attend() while it runs, and answers how to stop that.
 * find() answers {pid, port} of a server that runs on our folder already, after an unclean end.
 * context: { ports: the file that remembers them, guard, log, abort: AbortSignal }
 */
export async function bringUp(service, context) {
  const halt = new AbortController();
  const whole = { ...context, abort: AbortSignal.any([halt.signal, context.abort]) };
  let current = await adopt(service, whole);
  if (!current) {
    await service.secure?.();
    current = await start(service, whole);
  }
  let keeping = Promise.resolve();
  let unattend = async () => {};
  const stop = async () => {
    halt.abort();
    await unattend();
    await keeping;
    await stopProcess(current.of, [
      [service.stopSignals[0], 10_000],
      ['SIGKILL', 2000],
    ]);
    context.guard.forget(current.of.pid);
  };
  try {
    await service.prepare?.(current.port);
  } catch (error) {
    await stop();
    throw error;
  }
  unattend = service.attend?.(current.port) ?? unattend;
  keeping = keepAlive(service, { ...whole, abort: halt.signal }, current);
  return { url: service.url(current.port), stop };
}
