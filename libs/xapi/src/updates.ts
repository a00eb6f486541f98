/** The state of all repositories that the pool takes updates from, as one checksum: what `sync_updates` answers and `apply_updates` is to be given. */
import { createHash } from 'node:crypto';

export function hashOfAll(repositories: readonly { readonly hash: string }[]): string {
  const hashes = repositories.map((r) => r.hash).sort();
  return hashes.length === 1 ? (hashes[0] ?? '') : createHash('sha256').update(hashes.join('\n')).digest('hex');
}
