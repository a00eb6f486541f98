/** The state of all repositories that the pool takes updates from, as one checksum: what `sync_updates` answers and `apply_updates` is to be given. */
import { createHash } from 'node:crypto';
import { reading } from '@xenplane/store';
import type { Plane } from '../../core/context';

export function hashOfAll(repositories: readonly { readonly hash: string }[]): string {
  const hashes = repositories.map((r) => r.hash).sort();
  return hashes.length === 1
    ? (hashes[0] ?? '')
    : createHash('sha256').update(hashes.join('\n')).digest('hex');
}

export interface PendingUpdates {
  readonly hash: string;
  readonly hosts: readonly {
    readonly ref: string;
    readonly 'recommended-guidance': readonly string[];
    readonly 'absolute-guidance': readonly string[];
    readonly RPMS: readonly string[];
    readonly updates: readonly string[];
  }[];
  readonly updates: readonly {
    readonly id: string;
    readonly summary: string;
    readonly description: string;
  }[];
}

/** Each host with the introduced updates that it has not; undefined when the pool takes updates from nowhere. */
export async function pendingUpdates(plane: Pick<Plane, 'store'>): Promise<PendingUpdates | undefined> {
  return reading(plane.store, async (tx) => {
    const [pool] = await tx.find('pool', {});
    if (!pool || pool.repositories.length === 0) return undefined;
    const known = await tx.find('pool_update', {});
    const hosts = await tx.find('host', {});
    return {
      hash: hashOfAll(await tx.getMany('Repository', pool.repositories)),
      hosts: hosts.map((h) => ({
        ref: h.ref,
        'recommended-guidance': h.pending_guidances_recommended,
        'absolute-guidance': h.pending_guidances,
        RPMS: [],
        updates: known.filter((u) => !h.updates.includes(u.ref)).map((u) => u.name_label),
      })),
      updates: known.map((u) => ({
        id: u.name_label,
        summary: u.name_label,
        description: u.name_description,
      })),
    };
  });
}
