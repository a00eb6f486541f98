/** The repository that is filled from uploads: its index comes with the upload. */
import { XenError, type Ref } from '@xenplane/model';
import { inTransaction, reading, type Tx } from '@xenplane/store';
import type { Plane } from '../../core/context';
import { hashIn, remember } from './pool.sync_updates';

interface Enabled {
  readonly pool: Ref<'pool'>;
  readonly repository: Ref<'Repository'>;
}
/** BUNDLE_REPO_NOT_ENABLED when the pool takes no updates from uploads. */
async function enabled(tx: Tx): Promise<Enabled> {
  const [pool] = await tx.find('pool', {});
  const repositories = pool ? await tx.getMany('Repository', pool.repositories) : [];
  const bundle = repositories.find((r) => r.origin === 'bundle');
  if (!pool || !bundle) throw new XenError('BUNDLE_REPO_NOT_ENABLED');
  return { pool: pool.ref, repository: bundle.ref };
}
export const bundleRepository = (plane: Plane): Promise<Enabled> => reading(plane.store, enabled);

/** Remembers the checksum of the uploaded index; answers that of all repositories. */
export function syncBundle(plane: Plane, index: string): Promise<string> {
  return inTransaction(plane.store, async (tx) => {
    const { pool, repository } = await enabled(tx);
    return remember(tx, plane, pool, [{ ref: repository, hash: hashIn(index, true) }]);
  });
}
