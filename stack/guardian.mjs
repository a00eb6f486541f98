// Outlives its launcher by two seconds: when the other end of its input closes, for whatever
// reason (kill -9 included), it stops every process the launcher started, and then itself.
import readline from 'node:readline';
import { isAlive, processesMarked, signal, waitUntil } from './processes.mjs';

const mark = process.argv[2];
const watched = new Map();

// Only the end of the launcher ends it; a stray signal to everything must not.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {});

function unregistered(stage) {
  const known = new Set([...watched.values()].map((of) => of.pid));
  return processesMarked(mark, `STACK_STAGE=${stage}`)
    .filter((of) => !known.has(of.pid))
    .map((of) => ({ ...of, signals: ['SIGTERM'] }));
}

const registered = (stage) => [...watched.values()].filter((of) => of.stage === stage && isAlive(of));

/** Polite signal, firm signal, SIGKILL; then looks again for any born meanwhile. */
async function stopStage(stage, [politeMs, firmMs]) {
  const all = () => [...registered(stage), ...unregistered(stage)];
  for (const of of all()) signal(of, of.signals[0]);
  if (await waitUntil(() => all().length === 0, politeMs, 50)) return;
  for (const of of all()) signal(of, of.signals[1] ?? 'SIGTERM');
  if (await waitUntil(() => all().length === 0, firmMs, 50)) return;
  await waitUntil(
    () => {
      for (const of of all()) signal(of, 'SIGKILL', true);
      return all().length === 0;
    },
    500,
    50,
  );
}

async function stopAll() {
  await stopStage('app', [600, 100]);
  await stopStage('service', [600, 200]);
  process.exit(0);
}

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { watch, forget } = JSON.parse(line);
    if (watch) watched.set(watch.pid, watch);
    if (forget) watched.delete(forget);
  })
  .on('close', stopAll);
