// Postgres and Redis of our own in a folder, or those that the environment names.
import path from 'node:path';
import { ownerOf, reachableFolder, serviceAccount } from './account.mjs';
import { openGuard } from './guard.mjs';
import { postgresService, probePostgres } from './postgres.mjs';
import { isAlive, waitUntil } from './processes.mjs';
import { probeRedis, redisService } from './redis.mjs';
import { endOrphans, recordOf } from './orphans.mjs';
import { bringUp } from './service.mjs';
import { keptPasswords } from './passwords.mjs';
import { makeFolder, readState, takeLock } from './state.mjs';

const root = path.resolve(import.meta.dirname, '..');
const none = async () => {};

/** Waits for the guardian of a launcher that was killed to finish its work, or does that work; then the folder is ours. */
export async function takeFolder(folder, guard, log = console.error) {
  const lock = takeLock(path.join(makeFolder(folder), 'lock'), {
    guardian: guard.guardian,
    mark: guard.mark,
  });
  await waitUntil(() => !isAlive(lock.left?.guardian), 10_000, 50);
  const running = path.join(folder, 'running.json');
  const ended = await endOrphans(running, lock.left?.mark);
  if (ended > 0) log(`${ended} programs of an earlier start still ran; they are ended`);
  guard.recordWith(recordOf(running, guard.mark));
  return lock;
}

async function external(url, probe) {
  await probe(url);
  return { url, stop: none };
}

/** Both at once; if one fails the other is stopped too. */
async function bothOrNone(starting) {
  const results = await Promise.allSettled(starting);
  const failures = results.filter(({ status }) => status === 'rejected').map(({ reason }) => reason);
  const running = results.filter(({ status }) => status === 'fulfilled').map(({ value }) => value);
  if (failures.length === 0) return running;
  await Promise.all(running.map((service) => service.stop()));
  throw failures.length === 1 ? failures[0] : new Error(failures.map(({ message }) => message).join('\n'));
}

async function startOwn({ dir, durable, tools, log, guard, abort }) {
  const anyAccount = serviceAccount();
  const parent = reachableFolder(path.resolve(dir), anyAccount, log);
  const account = ownerOf(path.join(parent, 'postgres'), anyAccount);
  const lock = await takeFolder(parent, guard, log);
  const ports = path.join(parent, 'ports.json');
  const secrets = keptPasswords(parent);
  const place = {
    parent,
    account,
    durable,
    log,
    secrets,
    tools: reachableFolder(path.resolve(tools), account, log),
  };
  const context = { ports, guard, log, abort };
  const keptPort = () => readState(ports).redis;
  try {
    const [postgres, redis] = await bothOrNone([
      process.env.DATABASE_URL
        ? external(process.env.DATABASE_URL, probePostgres)
        : Promise.resolve().then(() => bringUp(postgresService(place), context)),
      process.env.REDIS_URL
        ? external(process.env.REDIS_URL, probeRedis)
        : Promise.resolve().then(() => bringUp(redisService({ ...place, keptPort }), context)),
    ]);
    return { postgres, redis, release: lock.release };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * dir: where they keep their data; durable: false for tests (a power cut may lose all);
 * tools: where downloaded programs are kept; guard: the caller's, or one is opened here;
 * abort: an AbortSignal that ends a start under way.
 */
export async function startServices({
  dir,
  durable = true,
  log = console.error,
  tools = path.join(root, '.xenplane/tools'),
  guard: given,
  abort = new AbortController().signal,
}) {
  const guard = given ?? openGuard();
  const closeGuard = given ? none : () => guard.close();
  try {
    const { postgres, redis, release } = await startOwn({ dir, durable, tools, log, guard, abort });
    const stop = async () => {
      await Promise.all([postgres.stop(), redis.stop()]);
      release();
      await closeGuard();
    };
    return { databaseUrl: postgres.url, redisUrl: redis.url, stop };
  } catch (error) {
    await closeGuard();
    throw error;
  }
}
