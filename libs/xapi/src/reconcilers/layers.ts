/** Has the image server delete the layers that no disk needs any more, then forgets them. Nothing can come to need them again. */
import { inTransaction, reading } from '@xenplane/store';
import type { Plane } from '../core/context';
import { deleteLayers, unusedLayers } from '../tables/layers/layers';

export type RemoveLayers = (ids: readonly string[]) => Promise<void>;
const mostAtOnce = 100;

/** One that is gone already is as good. */
export const removeFromImages =
  ({ settings: { imagesUrl, imagesSecret } }: Pick<Plane, 'settings'>): RemoveLayers =>
  async (ids) => {
    for (const id of ids) {
      const response = await fetch(`${imagesUrl}/layers/${id}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${imagesSecret ?? ''}` },
      });
      await response.body?.cancel();
      if (!response.ok && response.status !== 404)
        throw new Error(`the image server keeps layer ${id}: ${response.status}`);
    }
  };

/** From the top of each chain down, until nothing is left; answers how many went. */
export async function collectLayers(
  plane: Plane,
  remove: RemoveLayers = removeFromImages(plane),
): Promise<number> {
  for (let removed = 0; ;) {
    const ids = await reading(plane.store, (tx) => unusedLayers(tx, mostAtOnce));
    if (ids.length === 0) return removed;
    await remove(ids);
    await inTransaction(plane.store, (tx) => deleteLayers(tx, ids));
    removed += ids.length;
  }
}
