// The launcher's side of the guardian: says what runs, so that nothing outlives the launcher.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { processOf, stopProcess } from './processes.mjs';

const program = fileURLToPath(new URL('guardian.mjs', import.meta.url));

function launch(mark) {
  // Its own session and an environment without the mark: no Ctrl-C and no sweep reaches it.
  const guardian = spawn(process.execPath, [program, mark], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH },
    cwd: '/',
  });
  guardian.stdin.on('error', () => {}); // its death is noticed by 'exit'
  guardian.unref();
  guardian.stdin.unref();
  return guardian;
}

export function openGuard() {
  const mark = `xenplane-${randomBytes(8).toString('hex')}`;
  const watched = new Map();
  let closing = false;
  const records = [];
  const record = () => {
    for (const keep of records) keep([...watched.values()]);
  };
  let guardian;
  const tell = (message) => guardian.stdin.write(`${JSON.stringify(message)}\n`);
  const open = () => {
    guardian = launch(mark);
    for (const watch of watched.values()) tell({ watch });
    guardian.once('exit', () => closing || open());
  };
  open();
  return {
    mark,
    guardian: processOf(guardian.pid),
    /** Marks of outer guards stay: a test's guard must also reach what a launcher under test started. */
    environment: (stage) => ({
      STACK_GUARD: [process.env.STACK_GUARD, mark].filter(Boolean).join(','),
      STACK_STAGE: stage,
    }),
    /** Has what runs written down, for a start after one in which launcher and guardian were killed together. */
    recordWith(keep) {
      records.push(keep);
    },
    watch(pid, stage, signals) {
      const watch = { ...processOf(pid), stage, signals };
      watched.set(pid, watch);
      record();
      tell({ watch });
      return watch;
    },
    forget(pid) {
      watched.delete(pid);
      record();
      tell({ forget: pid });
    },
    /** Also sweeps what the children left behind; over when the guardian is gone. */
    async close() {
      if (closing) return;
      closing = true;
      guardian.ref();
      guardian.stdin.end();
      const gone = guardian.exitCode !== null || new Promise((resolve) => guardian.once('exit', resolve));
      await Promise.race([
        gone,
        stopProcess(processOf(guardian.pid), [
          ['SIGCONT', 5000],
          ['SIGKILL', 1000],
        ]),
      ]);
    },
  };
}
