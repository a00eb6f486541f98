// Debian and Ubuntu: programs from the package registry, without their system services.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { makeFolder } from './state.mjs';

const which = (name) =>
  (process.env.PATH ?? '').split(path.delimiter).some((folder) => existsSync(path.join(folder, name)));
export const hasApt = () => process.platform === 'linux' && which('apt-get') && which('dpkg');
const isRoot = () => process.getuid?.() === 0;

function apt(args, cwd) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  return spawnSync('apt-get', args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  });
}

/** Tries; a new machine has no package lists, or old ones: then updates them and tries again. */
function withLists(log, attempt) {
  const first = attempt();
  if (first.status === 0 || !isRoot()) return first;
  log('apt-get update ...');
  apt(['update']);
  return attempt();
}

/** The packages still missing on this machine for that one to run, itself included. */
function missing(name) {
  const plan = apt(['install', '--simulate', '-y', '--no-install-recommends', name]);
  return [...(plan.stdout ?? '').matchAll(/^Inst (\S+)/gm)].map((match) => match[1]);
}

function fetchInto(folder, name) {
  const names = missing(name);
  return names.length > 0 ? apt(['download', ...names], folder) : { status: 1 };
}

/** Unpacks a package and what it needs into tools/NAME/usr/...; undefined when it is not to be had. */
export function unpack(name, tools, log) {
  const home = path.join(tools, name);
  if (existsSync(home)) return home;
  if (!hasApt()) return undefined;
  const folder = makeFolder(mkdtempSync(path.join(tools, `${name}.`)));
  log(`downloading ${name} with apt-get ...`);
  try {
    if (withLists(log, () => fetchInto(folder, name)).status !== 0) return undefined;
    for (const file of readdirSync(folder).filter((entry) => entry.endsWith('.deb'))) {
      if (spawnSync('dpkg', ['-x', file, 'root'], { cwd: folder, stdio: 'ignore' }).status !== 0)
        return undefined;
    }
    // Whole or not at all, and a start beside us may have been faster.
    if (!existsSync(home)) renameSync(makeFolder(path.join(folder, 'root')), home);
    return home;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where the libraries of an unpacked package are. */
export function libraryFolders(home) {
  const bases = ['usr/lib', 'lib']
    .map((name) => path.join(home, name))
    .filter((folder) => existsSync(folder));
  return bases.flatMap((base) => [
    base,
    ...readdirSync(base)
      .filter((name) => name.includes('-linux-'))
      .map((name) => path.join(base, name)),
  ]);
}

const clusterConfig = '/etc/postgresql-common/createcluster.conf';

/** Debian makes and starts a cluster on 5432 as it installs Postgres, unless this file says no. */
function withoutCluster(install) {
  const saved = `${clusterConfig}.xenplane`;
  if (!existsSync(clusterConfig)) return install();
  copyFileSync(clusterConfig, saved);
  appendFileSync(clusterConfig, '\ncreate_main_cluster = false\n');
  try {
    return install();
  } finally {
    renameSync(saved, clusterConfig);
  }
}

/** Only root may; true when Postgres' programs are there afterwards. */
export function installPostgres(log) {
  if (!hasApt() || !isRoot()) return false;
  log('installing postgresql with apt-get (a minute) ...');
  const install = (name) => apt(['install', '-y', '--no-install-recommends', name]);
  if (withLists(log, () => install('postgresql-common')).status !== 0) return false;
  return withoutCluster(() => install('postgresql')).status === 0;
}
