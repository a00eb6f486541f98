// Our own Redis (or Valkey): which program, which folder, how configured.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { privateFolder } from './account.mjs';
import { libraryFolders, unpack } from './apt.mjs';
import { identity, procText, processOf, stopProcess, waitUntil } from './processes.mjs';
import { command } from './redis-wire.mjs';

const names = ['redis-server', 'valkey-server'];
const brewFolders = [
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/redis/bin',
  '/opt/homebrew/opt/valkey/bin',
  '/usr/local/opt/redis/bin',
  '/usr/local/opt/valkey/bin',
];

function installed() {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/bin', ...brewFolders];
  return names
    .flatMap((name) => folders.map((folder) => ({ file: path.join(folder, name), env: {} })))
    .filter(({ file }) => existsSync(file));
}

function fromApt(tools, log) {
  for (const name of names) {
    const home = unpack(name, tools, log);
    if (home)
      return {
        file: path.join(home, 'usr/bin', name),
        env: { LD_LIBRARY_PATH: libraryFolders(home).join(':') },
      };
  }
  return undefined;
}

function works({ file, env }, account) {
  return (
    spawnSync(file, ['--version'], { ...account, cwd: '/', env: { ...process.env, ...env }, stdio: 'ignore' })
      .status === 0
  );
}

const remedy =
  'Redis is missing. Install it (Debian, Ubuntu: sudo apt-get install redis-server; macOS: brew install redis), ' +
  'or set REDIS_URL to one that runs, e.g. REDIS_URL=redis://127.0.0.1:6379. Where apt-get has no package lists: sudo apt-get update';

export function program({ tools, account, log }) {
  const here = installed().find((candidate) => works(candidate, account));
  if (here) return here;
  const unpacked = fromApt(tools, log);
  if (unpacked && works(unpacked, account)) return unpacked;
  throw new Error(remedy);
}

const configOf = (folder) => path.join(folder, 'redis.conf');

/** The password by a file, for everybody sees the arguments of a program. */
function writeConfig(folder, account, password) {
  const file = configOf(folder);
  writeFileSync(`${file}.new`, `requirepass ${password}\n`, { mode: 0o600 });
  if (account.uid !== undefined) chownSync(`${file}.new`, account.uid, account.gid);
  renameSync(`${file}.new`, file);
}

function settings(folder, durable, port) {
  const pairs = {
    bind: '127.0.0.1',
    port,
    dir: folder,
    pidfile: path.join(folder, 'pid'),
    appendonly: durable ? 'yes' : 'no',
    appendfsync: 'everysec',
    save: '',
    'maxmemory-policy': 'noeviction',
    databases: 64, // one for each jest worker
    daemonize: 'no',
  };
  return [
    configOf(folder),
    ...Object.entries(pairs).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ];
}

const urlOf = (port, password) => `redis://:${password}@127.0.0.1:${port}`;

async function isOurs(url, folder) {
  try {
    const [, found] = await command(url, ['CONFIG', 'GET', 'dir']);
    return realpathSync(found) === realpathSync(folder) && (await command(url, ['PING'])) === 'PONG';
  } catch {
    return false;
  }
}

async function portOf(pid) {
  const words = procText(pid, 'cmdline');
  return Number(/:(\d+)\0*$/.exec(words)?.[1] ?? /--port\0(\d+)/.exec(words)?.[1]);
}

/** Two on one folder would spoil each other's files, and Redis itself does not look. One that wants no password is stopped. */
async function find(folder, password, keptPort) {
  const file = path.join(folder, 'pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  if (!pid || !identity(pid)) return undefined;
  const of = processOf(pid);
  const isRedis = /(redis|valkey)-server/.test(procText(pid, 'cmdline'));
  const port = (await portOf(pid)) || keptPort();
  let answers = false;
  await waitUntil(
    async () => (answers = await isOurs(urlOf(port, password), folder)) || identity(pid) !== of.identity,
    isRedis ? 5000 : 0,
    100,
  );
  if (answers) return { pid, port };
  if (isRedis && realpathSync(`/proc/${pid}/cwd`) === realpathSync(folder))
    await stopProcess(of, [
      ['SIGTERM', 5000],
      ['SIGKILL', 1000],
    ]);
  return undefined;
}

/** Redis may lose anything (Postgres is the truth), so files that it cannot read stop nobody. */
function setAsideBroken(folder, log) {
  return (words) => {
    const files = path.join(folder, 'appendonlydir');
    if (!/bad file format|AOF.*(corrupt|manifest|doesn't exist)/i.test(words) || !existsSync(files)) return;
    renameSync(files, `${files}.broken.${Date.now()}`);
    log(
      'redis could not read its files; they are set aside, and it starts empty (the jobs come again from Postgres)',
    );
  };
}

export function redisService({ parent, tools, account, durable, log, secrets, keptPort }) {
  const { password } = secrets.redis;
  const folder = privateFolder(parent, 'redis', account);
  const { file, env } = program({ tools, account, log });
  return {
    name: 'redis',
    folder,
    account,
    log: path.join(folder, 'log'),
    stopSignals: ['SIGTERM'],
    url: (port) => urlOf(port, password),
    command: (port) => ({ file, env, args: settings(folder, durable, port) }),
    ready: (port) => isOurs(urlOf(port, password), folder),
    find: () => find(folder, password, keptPort),
    secure: () => writeConfig(folder, account, password),
    mend: setAsideBroken(folder, log),
  };
}

export async function probeRedis(url) {
  try {
    await command(url, ['PING']);
  } catch (error) {
    throw new Error(`REDIS_URL is set, but that Redis does not answer: ${error.message || error.code}`);
  }
}
