// Programs of a start whose launcher and guardian were both killed: found by the mark that only our own children carry, and ended.
import { isAlive, processesMarked, signal, waitUntil } from './processes.mjs';
import { readState, writeState } from './state.mjs';

const politeMs = 5_000;
const killMs = 2_000;

/** Running programs, by pid and start, in a file: elsewhere than on Linux no environment of another process can be read. */
export function recordOf(file, mark) {
  return (watched) => writeState(file, { mark, watched }, 0o600);
}

/** Servers are not ended here: they are taken over where they answer. */
function orphans(marks, watched) {
  const marked = marks.flatMap((mark) => processesMarked(mark, 'STACK_STAGE=app'));
  const recorded = watched.filter(({ stage }) => stage === 'app').filter(isAlive);
  return [...new Map([...recorded, ...marked].map((of) => [of.pid, of])).values()];
}

/** Answers how many there were. */
export async function endOrphans(file, leftMark) {
  const { mark, watched = [] } = readState(file);
  const marks = [...new Set([mark, leftMark])].filter((one) => /^xenplane-[0-9a-f]{16}$/.test(one ?? ''));
  const all = () => orphans(marks, watched);
  const found = all().length;
  if (found === 0) return 0;
  for (const of of all()) signal(of, 'SIGTERM');
  if (await waitUntil(() => all().length === 0, politeMs, 50)) return found;
  const killed = await waitUntil(
    () => {
      for (const of of all()) signal(of, 'SIGKILL');
      return all().length === 0;
    },
    killMs,
    50,
  );
  if (!killed)
    throw new Error(
      `programs of an earlier start do not end: ${all()
        .map(({ pid }) => `kill -9 ${pid}`)
        .join('; ')}`,
    );
  return found;
}
