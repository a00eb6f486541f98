/** The one pool, and what is to hold for all of its hosts at once. */
import { XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Row } from '@xenplane/store';
import type { Context } from '../core/context';

export async function lockPool({ tx }: Pick<Context, 'tx'>): Promise<Row<'pool'>> {
  const [pool] = await tx.find('pool', {});
  if (!pool) throw new XenError('INTERNAL_ERROR', 'There is no pool yet');
  return tx.lock('pool', pool.ref);
}

export const hostRefs = async ({ tx }: Context): Promise<Ref<'host'>[]> =>
  (await tx.query<{ ref: Ref<'host'> }>('SELECT ref FROM host ORDER BY ref', [])).map((r) => r.ref);

/** Writes the same into the record of every host. */
export async function setEverywhere(context: Context, patch: Partial<StoredRecord<'host'>>): Promise<void> {
  await context.tx.updateMany(
    'host',
    (await hostRefs(context)).map((ref) => ({ ref, ...patch })),
  );
}
