// Room for leases on a full disk: files that are given up one by one when Postgres needs their room, and made again when there is room.
// As soon as little is left Postgres takes no writes but those of leases, which ask for them, so that the room lasts.
import { chownSync, closeSync, existsSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MB = 2 ** 20;
/** Postgres takes its log in pieces of 16 MB. */
const pieceBytes = 16 * MB;
const names = ['reserve.1', 'reserve.2', 'reserve.3', 'reserve.4'];
const lowBytes = 32 * MB;
const neededBytes = 8 * MB;
const lookMs = 250;
/** Whoever fills the disk is refused meanwhile, and may stop: a piece given up at once would be filled too. */
const betweenPiecesMs = 5_000;
/** Checkpoints let the log use its old pieces again. */
const checkpointMs = 60_000;

async function freeBytes(folder) {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
const isWhole = (file) => existsSync(file) && statSync(file).size >= pieceBytes;
const missing = (folder) => names.map((name) => path.join(folder, name)).filter((file) => !isWhole(file));

/** Random bytes: no file system compresses them away. */
function makePiece(file, account) {
  const fresh = `${file}.new`;
  const bytes = randomBytes(MB);
  const handle = openSync(fresh, 'w', 0o600);
  try {
    for (let written = 0; written < pieceBytes; written += writeSync(handle, bytes));
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  } finally {
    closeSync(handle);
  }
  if (account.uid !== undefined) chownSync(fresh, account.uid, account.gid);
  renameSync(fresh, file);
}

function giveUpPiece(folder) {
  const name = names.find((one) => existsSync(path.join(folder, one)));
  if (name) rmSync(path.join(folder, name), { force: true });
}

/** Before a start: a server that finds no room does not come up. */
export async function makeRoom(folder) {
  for (const _ of names) if ((await freeBytes(folder)) < lowBytes) giveUpPiece(folder);
}

/**
 * server: { refuseWrites(), allowWrites(), checkpoint() }, each rejecting while it does not answer. Answers how to stop.
 * The state in which an earlier start left Postgres is not known, so it is set at the first look.
 */
export function watchRoom({ folder, account, server, log }) {
  const halt = new AbortController();
  let mode;
  const since = { checkpoint: 0, piece: 0 };
  const isDue = (what, everyMs) => Date.now() - since[what] >= everyMs && (since[what] = Date.now()) > 0;
  const enter = async (wanted, act, words) => {
    if (mode === wanted) return;
    await act();
    if (mode !== undefined || wanted === 'full') log(words);
    mode = wanted;
  };
  const whenLow = async (free) => {
    if (free < neededBytes && isDue('piece', mode === 'full' ? betweenPiecesMs : 0)) giveUpPiece(folder);
    await enter(
      'full',
      server.refuseWrites,
      `the disk of ${folder} is full: Postgres takes no changes but leases until there is room`,
    );
    if (isDue('checkpoint', checkpointMs)) await server.checkpoint();
  };
  const look = async () => {
    const free = await freeBytes(folder);
    if (free < lowBytes) return whenLow(free);
    const lacking = missing(folder);
    const isRoomy = free >= 2 * lowBytes + lacking.length * pieceBytes;
    if (isRoomy || mode === undefined)
      await enter('open', server.allowWrites, `there is room again on the disk of ${folder}`);
    if (isRoomy) for (const file of lacking) makePiece(file, account);
  };
  const watching = (async () => {
    while (!halt.signal.aborted) {
      await look().catch(() => {}); // Postgres may be starting, or the disk be full in this moment: again at the next look
      await sleep(lookMs, undefined, { signal: halt.signal, ref: false }).catch(() => {});
    }
  })();
  return async () => {
    halt.abort();
    await watching;
  };
}
