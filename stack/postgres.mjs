// Our own Postgres: which programs, which folder, how configured, and who is let in.
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { privateFolder } from './account.mjs';
import { installPostgres } from './apt.mjs';
import { identity, procText, processOf, stopProcess, waitUntil } from './processes.mjs';
import { admit, ownDatabase, postgresUrl, superuser, writesOf } from './postgres-roles.mjs';
import { query } from './postgres-wire.mjs';
import { makeRoom, watchRoom } from './reserve.mjs';

const listing = (folder) => (existsSync(folder) ? readdirSync(folder) : []);
const byVersion = (a, b) => parseInt(b.replace(/\D+/, ''), 10) - parseInt(a.replace(/\D+/, ''), 10);

function debian() {
  return listing('/usr/lib/postgresql')
    .sort(byVersion)
    .map((version) => `/usr/lib/postgresql/${version}/bin`);
}

function onPath() {
  const folders = (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((folder) => existsSync(path.join(folder, 'initdb')));
  return folders.map((folder) => path.dirname(realpathSync(path.join(folder, 'initdb'))));
}

function brew() {
  return ['/opt/homebrew/opt', '/usr/local/opt'].flatMap((opt) =>
    listing(opt)
      .filter((name) => /^postgresql(@\d+)?$/.test(name))
      .sort(byVersion)
      .map((name) => path.join(opt, name, 'bin')),
  );
}

function majorOf(bin, account) {
  const answer = spawnSync(path.join(bin, 'postgres'), ['--version'], {
    ...account,
    cwd: '/',
    encoding: 'utf8',
  });
  return answer.status === 0 ? /(\d+)/.exec(answer.stdout)?.[1] : undefined;
}

const remedy =
  'Postgres is missing. Install it (Debian, Ubuntu: sudo apt-get install postgresql; macOS: brew install postgresql@17), ' +
  'or set DATABASE_URL to one that runs, e.g. DATABASE_URL=postgres://user:password@127.0.0.1:5432/xenplane';

/** A folder made by one major version is only read by that one. */
export function programs({ account, log, wantedMajor }) {
  const find = () =>
    [debian, onPath, brew]
      .flatMap((source) => source())
      .find(
        (bin) => (wantedMajor ?? majorOf(bin, account)) === majorOf(bin, account) && majorOf(bin, account),
      );
  const found = find() ?? (installPostgres(log) ? find() : undefined);
  if (found) return found;
  throw new Error(
    wantedMajor
      ? `The data was written by Postgres ${wantedMajor}, which is not here any more. Install it, or choose another --data folder.`
      : remedy,
  );
}

function initialise(bin, data, { account, durable }) {
  const fresh = `${data}.new`; // renamed when whole: initdb killed half-way leaves nothing that looks like data
  rmSync(fresh, { recursive: true, force: true });
  // Nobody is let in until the superuser has a password.
  const args = [
    '-D',
    fresh,
    '-U',
    superuser,
    '--auth=reject',
    '-E',
    'UTF8',
    '--locale=C',
    ...(durable ? [] : ['--no-sync']),
  ];
  const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
  const made = spawnSync(path.join(bin, 'initdb'), args, {
    ...account,
    cwd: path.dirname(data),
    env,
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
  renameSync(fresh, data);
}

// Small machines: the cache is what 100,000 VMs' rows need, planner costs are those of an SSD, JIT
// costs more than it gives on short statements, and checkpoints are rare so that full pages are few.
const always = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  random_page_cost: '1.1',
  jit: 'off',
  max_wal_size: '1GB',
  min_wal_size: '128MB',
  checkpoint_timeout: '15min',
  wal_compression: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
};
const durableSettings = {
  max_connections: 200,
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
};
const throwAway = { max_connections: 300, fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

function settings(durable) {
  return Object.entries({ ...always, ...(durable ? durableSettings : throwAway) }).flatMap(
    ([name, value]) => ['-c', `${name}=${value}`],
  );
}

/** Its process and port, from the file that Postgres keeps while it runs. */
function pidFile(data) {
  const file = path.join(data, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n');
  return { file, pid: Number(lines[0]), port: Number(lines[3]) };
}

async function isOurs(port, data, secrets) {
  try {
    const [[folder]] = await query(admit(port, secrets), 'show data_directory');
    return realpathSync(folder) === realpathSync(data);
  } catch {
    return false;
  }
}

/** One that runs on our folder: adopted; one that does not answer, or trusts everybody: stopped; a leftover file: removed. */
async function find(data, secrets) {
  const left = pidFile(data);
  if (!left || !identity(left.pid)) return undefined;
  const of = processOf(left.pid);
  const command = procText(left.pid, 'cmdline');
  if (command && !command.includes(data)) {
    rmSync(left.file); // the pid is somebody else's by now, and Postgres would not start because of it
    return undefined;
  }
  let answers = false;
  const isOver = async () =>
    (answers = await isOurs(left.port, data, secrets)) || identity(left.pid) !== of.identity;
  if (secrets.secured) await waitUntil(isOver, 10_000, 100);
  if (answers) return { pid: left.pid, port: left.port };
  if (command)
    await stopProcess(of, [
      ['SIGINT', 5000],
      ['SIGQUIT', 2000],
      ['SIGKILL', 1000],
    ]);
  return undefined;
}

const admission = [
  '# Written at each start: passwords only, and only on this machine.',
  'host all all 127.0.0.1/32 scram-sha-256',
  '',
].join('\n');

function writeAdmission(data, account) {
  const file = path.join(data, 'pg_hba.conf');
  writeFileSync(`${file}.new`, admission, { mode: 0o600 });
  if (account.uid !== undefined) chownSync(`${file}.new`, account.uid, account.gid);
  renameSync(`${file}.new`, file);
}

/** Gives the superuser its password while nobody can be connected; also in a folder made when everybody on the machine was trusted. */
function giveSuperuserPassword({ bin, data, account, secrets }) {
  const args = [
    '--single',
    '-D',
    data,
    '-c',
    'password_encryption=scram-sha-256',
    '-c',
    'exit_on_error=on',
    'postgres',
  ];
  const options = {
    ...account,
    cwd: path.dirname(data),
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    encoding: 'utf8',
  };
  const done = spawnSync(path.join(bin, 'postgres'), args, {
    ...options,
    input: `ALTER ROLE ${superuser} PASSWORD '${secrets.superuser}'\n`,
  });
  if (done.status !== 0)
    throw new Error(`the superuser of ${data} got no password: ${done.error?.message ?? done.stderr}`);
}

export function postgresService({ parent, account, durable, log, secrets }) {
  const folder = privateFolder(parent, 'postgres', account);
  const data = path.join(folder, 'data');
  const version = path.join(data, 'PG_VERSION');
  const wantedMajor = existsSync(version) ? readFileSync(version, 'utf8').trim() : undefined;
  const bin = programs({ account, log, wantedMajor });
  if (!wantedMajor) initialise(bin, data, { account, durable });
  return {
    name: 'postgres',
    folder,
    account,
    log: path.join(folder, 'log'),
    stopSignals: ['SIGINT', 'SIGQUIT'],
    url: (port) => postgresUrl(port, secrets.postgres),
    command: (port) => ({
      file: path.join(bin, 'postgres'),
      args: ['-D', data, '-p', String(port), ...settings(durable)],
      env: { LC_ALL: 'C' },
    }),
    ready: (port) => isOurs(port, data, secrets.postgres),
    find: () => find(data, secrets.postgres),
    secure: async () => {
      await makeRoom(folder);
      if (!secrets.postgres.secured) giveSuperuserPassword({ bin, data, account, secrets: secrets.postgres });
      writeAdmission(data, account);
      secrets.secured('postgres');
    },
    prepare: (port) => ownDatabase(port, secrets.postgres, { mayCreate: !durable }),
    attend: (port) =>
      durable
        ? watchRoom({ folder, account, log, server: writesOf(port, secrets.postgres) })
        : async () => {},
  };
}

/** With the driver that the programs use, so that whatever it makes of the URL is what they will get. */
export async function probePostgres(url) {
  let pg;
  try {
    pg = (await import('pg')).default;
  } catch {
    return; // nothing is installed yet; the programs will say
  }
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  try {
    await client.connect();
    await client.query('select 1');
  } catch (error) {
    throw new Error(`DATABASE_URL is set, but that Postgres does not answer: ${error.message || error.code}`);
  } finally {
    await client.end().catch(() => {});
  }
}
