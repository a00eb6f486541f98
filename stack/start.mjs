// npm start: all of Xenplane on this machine, in the foreground, until Ctrl-C.
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareCheckout } from './checkout.mjs';
import { keptPorts, keptSecrets, keptSeed, programEnvironment } from './environment.mjs';
import { WrongFlag, readFlags, usage } from './flags.mjs';
import { openGuard } from './guard.mjs';
import { isFree } from './ports.mjs';
import { runProgram } from './program.mjs';
import { startServices, takeFolder } from './services.mjs';
import { onStop } from './signals.mjs';

const root = path.resolve(import.meta.dirname, '..');
const patienceMs = 120_000; // without any news
const hopeless = 5; // deaths in a row before ready: it will not come up

const print = (line) => process.stdout.write(`${line}\n`);

function flagsOrExit() {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    print(usage());
    process.exit(0);
  }
  try {
    return readFlags(args);
  } catch (error) {
    if (!(error instanceof WrongFlag)) throw error;
    process.stderr.write(`${error.message}\n${usage()}\n`);
    process.exit(2);
  }
}

async function refuseTakenPorts({ port, tlsPort, nbdPort = 0 }) {
  for (const [flag, number] of [
    ['--port', port],
    ['--tls-port', tlsPort],
    ['--nbd-port', nbdPort],
  ]) {
    if (number !== 0 && !(await isFree(number))) {
      throw new Error(
        `port ${number} is taken by another program; choose another one: npm start -- ${flag} N`,
      );
    }
  }
}

/** The page's status and words; none when it does not answer. */
async function lookAt(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return { status: answer.status, words: await answer.text() };
  } catch {
    return {};
  }
}

const lastWords = (programs) =>
  programs
    .map(
      ({ name, deaths, lastLines }) =>
        `--- ${name}${deaths ? ` (died ${deaths} times)` : ''}, its last lines:\n${lastLines()}`,
    )
    .join('\n');

/** Until that page answers 200; gives up when a program cannot stay alive, or when the page says the same for too long: a thousand hosts take their time. */
async function waitFor(url, programs, abort) {
  let last,
    since = Date.now();
  for (;;) {
    const { status, words } = await lookAt(url);
    if (status === 200) return;
    abort.throwIfAborted();
    const dying = programs.filter(({ deaths }) => deaths >= hopeless);
    if (dying.length > 0) throw new Error(`${dying[0].name} does not stay alive\n${lastWords(dying)}`);
    if (words !== last) [last, since] = [words, Date.now()];
    if (Date.now() - since > patienceMs) {
      const died = programs.filter(({ deaths }) => deaths > 0);
      throw new Error(
        `${url} was not 200 and said nothing new for ${patienceMs / 1000} s${last ? `, last: ${last}` : ''}\n${lastWords(died.length > 0 ? died : programs)}`,
      );
    }
    await sleep(150, undefined, { signal: abort });
  }
}

const quoted = (word) => (/^[\w.@%+=:,/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function banner({ port, tlsPort, data }, { nbd }, password) {
  const at = `http://127.0.0.1:${port}`;
  const tls = tlsPort
    ? [`  TLS        https://127.0.0.1:${tlsPort}/  (the same, certificate made at the first start)`]
    : [];
  return [
    '',
    'Xenplane is ready',
    `  XML-RPC    ${at}/`,
    `  JSON-RPC   ${at}/jsonrpc`,
    `  metrics    ${at}/metrics  (with the same login)`,
    ...tls,
    ...(nbd ? [`  NBD        nbd://127.0.0.1:${nbd}  (disks, on a network with the purpose for it)`] : []),
    `  hosts      each at an address of its own, by the same ports: npx xe host-list params=name-label,address`,
    '  user       root',
    `  password   ${password}`,
    `  data       ${path.resolve(root, data)}`,
    `  try        npx xe -s 127.0.0.1 -p ${port} -u root -pw ${quoted(password)} host-list`,
    '  stop       Ctrl-C',
    '',
  ].join('\n');
}

/** Everything is undone in the reverse order of its making, however far the start came. */
async function start(flags, undo, abort) {
  const folder = path.resolve(root, flags.data);
  const guard = openGuard();
  undo.push(() => guard.close());
  const lock = await takeFolder(folder, guard, print);
  undo.push(() => lock.release());
  const seed = keptSeed(folder, flags.seed);
  await refuseTakenPorts(flags);
  await prepareCheckout(root, { log: print, abort, env: guard.environment('app') });
  const services = await startServices({ dir: path.join(folder, 'services'), log: print, guard, abort });
  undo.push(() => services.stop());
  abort.throwIfAborted();
  const secrets = keptSecrets(folder, flags.password);
  const ports = await keptPorts(folder, flags);
  const environment = programEnvironment({ flags: { ...flags, seed }, folder, secrets, ports, services });
  await startPrograms({ flags, environment, guard, undo, abort });
  print(banner(flags, ports, secrets.rootPassword));
}

async function startPrograms({ flags, environment, guard, undo, abort }) {
  const programs = [];
  const launch = (name) => {
    const args = [path.join(root, `dist/apps/${name}/src/main.js`)];
    const program = runProgram({
      name,
      file: process.execPath,
      args,
      cwd: root,
      env: environment(name),
      guard,
      quiet: flags.quiet,
      print,
    });
    programs.push(program);
    undo.push(() => program.stop());
  };
  const at = `http://127.0.0.1:${flags.port}`;
  launch('images');
  launch('leases');
  launch('api');
  await waitFor(`${at}/health/live`, programs, abort); // the tables are there from then on
  launch('scheduler');
  launch('agent');
  await waitFor(`${at}/health/ready`, programs, abort);
}

async function main() {
  const flags = flagsOrExit();
  const undo = [];
  const stopping = onStop(print);
  let failure;
  try {
    await start(flags, undo, stopping.abort);
    await stopping.asked;
  } catch (error) {
    if (!stopping.abort.aborted) failure = error;
  }
  for (const step of undo.reverse()) await step();
  if (failure) process.stderr.write(`\nXenplane did not start: ${failure.message}\n`);
  process.exit(failure ? 1 : 0);
}

await main();
