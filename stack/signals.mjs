// When to stop: Ctrl-C, SIGTERM, a closed terminal, or npm killed over our head.
import { isAlive, processOf } from './processes.mjs';

const impatientMs = 1500; // one Ctrl-C arrives twice: from the terminal and, a moment later, from npm

/** npm passes SIGINT and SIGTERM on, but its own kill -9 would leave us running unseen. */
function whenNpmDies(act) {
  if (!process.env.npm_lifecycle_event) return;
  const parent = processOf(process.ppid);
  const timer = setInterval(() => {
    if (isAlive(parent)) return;
    clearInterval(timer);
    act('npm died');
  }, 500);
  timer.unref();
}

/** {abort: AbortSignal, asked: Promise}; a second, later signal ends at once and leaves the rest to the guardian. */
export function onStop(print) {
  const controller = new AbortController();
  let since = 0;
  let answer;
  const asked = new Promise((resolve) => (answer = resolve));
  const act = (why) => {
    if (since && Date.now() - since > impatientMs) process.exit(130);
    if (since) return;
    since = Date.now();
    print(`\nstopping (${why}) ...`);
    controller.abort();
    answer(why);
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => act(name));
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}); // the reader went away: go on unheard
  whenNpmDies(act);
  return { abort: controller.signal, asked };
}
