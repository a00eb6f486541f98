/** Updates in the pool's repositories: their metadata is fetched and remembered by its checksum. */
import { createHash } from 'node:crypto';
import { XenError, type classes, type OperationParams, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { dateTime, type Plane } from '../../core/context';
import { hashOfAll } from './update-checksum';

interface Source {
  readonly ref: Ref<'Repository'>;
  readonly origin: string;
  readonly binary_url: string;
  readonly update: boolean;
}
export interface Synced {
  readonly ref: Ref<'Repository'>;
  readonly hash: string;
}
const timeoutMs = 30_000;
const mostBytes = 16 * 2 ** 20;

async function fetched(url: string): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new XenError('REPOSYNC_FAILED');
    }
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of response.body as AsyncIterable<Uint8Array>) {
      size += piece.length;
      if (size > mostBytes) throw new XenError('REPOSYNC_FAILED');
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  } catch (error) {
    throw error instanceof XenError ? error : new XenError('REPOSYNC_FAILED');
  }
}

/** The checksum of the update descriptions, or of the whole index where a repository has none. */
export function hashIn(index: string, update: boolean): string {
  if (!/<repomd\b/.test(index)) throw new XenError('INVALID_REPOMD_XML');
  const described =
    /<data type="updateinfo">[\s\S]*?<checksum type="sha256">\s*([0-9a-f]{64})\s*<\/checksum>/.exec(
      index,
    )?.[1];
  if (update && described === undefined) throw new XenError('INVALID_UPDATEINFO_XML');
  return described ?? createHash('sha256').update(index).digest('hex');
}

async function sync({ ref, origin, binary_url, update }: Source): Promise<Synced> {
  // A bundle is synced when it is uploaded.
  if (origin === 'bundle') throw new XenError('CAN_NOT_SYNC_UPDATES');
  const index = await fetched(`${binary_url.replace(/\/+$/, '')}/repodata/repomd.xml`);
  return { ref, hash: hashIn(index.toString('utf8'), update) };
}

const sourcesOf = (plane: Plane, self: Ref<'pool'>): Promise<Source[]> =>
  inTransaction(plane.store, async (tx) => {
    const { repositories } = await tx.get('pool', self);
    if (repositories.length === 0) throw new XenError('NO_REPOSITORY_ENABLED');
    return (await tx.getMany('Repository', repositories)).map(({ ref, origin, binary_url, update }) => ({
      ref,
      origin,
      binary_url,
      update,
    }));
  });

/** Hosts are up to date when they have just this. */
export async function remember(
  tx: Tx,
  plane: Plane,
  self: Ref<'pool'>,
  synced: readonly Synced[],
): Promise<string> {
  await tx.lock('pool', self);
  await tx.updateMany('Repository', synced);
  await tx.update('pool', self, { last_update_sync: dateTime(plane.clock.now()) });
  await tx.query(
    "UPDATE host SET latest_synced_updates_applied = CASE WHEN last_update_hash = $1 THEN 'yes' ELSE 'no' END WHERE ref IN (SELECT ref FROM host ORDER BY ref FOR NO KEY UPDATE)",
    [hashOfAll(synced)],
  );
  return hashOfAll(synced);
}

export const poolSyncUpdates = (plane: Plane) => ({
  sync_updates: async (
    run: Run<Tx>,
    { self }: OperationParams<typeof classes.pool, 'sync_updates'>,
  ): Promise<string> => {
    const synced = await run.step('fetch', async () => {
      const found: Synced[] = [];
      for (const source of await sourcesOf(plane, self)) found.push(await sync(source));
      return found;
    });
    return run.conclude('remember', async (tx) => {
      return remember(tx, plane, self, synced);
    });
  },
});
