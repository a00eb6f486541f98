// Postgres refuses to run as root, so root hands its services to an unprivileged account,
// which must be able to reach their folders.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from './state.mjs';

const idOf = (flag, name) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim() || NaN);

/** {uid, gid} for spawn(): empty when we are not root and services simply run as we do. */
export function serviceAccount() {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = [idOf('-u', name), idOf('-g', name)];
    if (uid > 0 && gid > 0) return { uid, gid };
  }
  throw new Error(
    'running as root, and there is neither a "postgres" nor a "nobody" account to run Postgres as: adduser --system postgres',
  );
}

/** Whoever the data belongs to goes on with it: installing Postgres later makes an account of that name. */
export function ownerOf(folder, otherwise) {
  const found = otherwise.uid === undefined ? undefined : statSync(folder, { throwIfNoEntry: false });
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : otherwise;
}

export function reaches(folder, account) {
  if (account.uid === undefined) return true;
  return (
    spawnSync('/bin/sh', ['-c', 'cd "$0"', folder], { ...account, cwd: '/', stdio: 'ignore' }).status === 0
  );
}

function ownFolder(folder) {
  try {
    mkdirSync(folder);
    chmodSync(folder, 0o755); // a mode given to mkdir is cut by the umask
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  // /var/tmp is everybody's: somebody may have been there first.
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid())
    throw new Error(`${folder} is not a folder of ours; remove it and start again`);
  return folder;
}

/** The folder asked for, or one in /var/tmp when the account cannot reach that (a clone under /root). */
export function reachableFolder(wanted, account, log) {
  makeFolder(wanted);
  if (reaches(wanted, account)) return wanted;
  const hash = createHash('sha256').update(realpathSync(wanted)).digest('hex').slice(0, 12);
  const folder = ownFolder(`/var/tmp/xenplane-${hash}`);
  log(`note: uid ${account.uid} cannot reach ${wanted}; using ${folder} for it`);
  return folder;
}

/** A folder that only the account reads. */
export function privateFolder(parent, name, account) {
  const folder = makeFolder(path.join(parent, name), 0o700);
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid);
  return folder;
}
