// Small JSON files that must never be seen half-written, and locks that a dead holder cannot keep.
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive, processOf, waitUntil } from './processes.mjs';

export function readState(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // A file torn by a power cut is as good as none: all that is kept here can be made again.
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}

export function writeState(file, value, mode = 0o644) {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(value, null, 2)}\n`, { mode });
  renameSync(fresh, file);
}

export function updateState(file, change, mode) {
  writeState(file, { ...readState(file), ...change }, mode);
}

/** Makes a folder with these very permissions on all that is new of the path, whatever the umask. */
export function makeFolder(folder, mode = 0o755) {
  const first = mkdirSync(folder, { recursive: true });
  for (let made = folder; first && made.length >= first.length; made = path.dirname(made))
    chmodSync(made, mode);
  return folder;
}

export class Held extends Error {
  constructor(file, holder) {
    super(
      `${path.dirname(file)} is in use by the running process ${holder.pid}; stop that one first (kill ${holder.pid})`,
    );
    this.holder = holder;
  }
}

function tryCreate(file, holder) {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(holder));
  try {
    linkSync(fresh, file); // atomic, and never seen empty, unlike a create followed by a write
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(fresh);
  }
}

function setAside(file, stale) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  // Between our look and our rename another taker may have put a live lock there: give it back.
  if (JSON.stringify(readState(aside)) !== JSON.stringify(stale)) tryCreate(file, readState(aside));
  rmSync(aside);
}

/**
 * Takes the lock or throws Held. `facts` are kept in the file for whoever finds it stale;
 * the answer shows what a dead holder left there.
 */
export function takeLock(file, facts = {}) {
  let left;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (tryCreate(file, { ...processOf(process.pid), ...facts }))
      return { left, release: () => release(file) };
    const holder = readState(file);
    if (isAlive(holder)) throw new Held(file, holder);
    left = holder;
    setAside(file, holder);
  }
  throw new Error(`${file} changes hands too fast`);
}

function release(file) {
  if (readState(file).pid === process.pid) rmSync(file, { force: true });
}

/** Does the work while holding the lock, after waiting for a live holder to finish. */
export async function withLock(file, work, abort, timeoutMs = 900_000) {
  let lock;
  const taken = await waitUntil(
    () => {
      abort?.throwIfAborted();
      try {
        lock = takeLock(file);
        return true;
      } catch (error) {
        if (error instanceof Held) return false;
        throw error;
      }
    },
    timeoutMs,
    250,
  );
  if (!taken) throw new Error(`${file} was held for ${timeoutMs / 1000} s by process ${readState(file).pid}`);
  try {
    return await work();
  } finally {
    lock.release();
  }
}
