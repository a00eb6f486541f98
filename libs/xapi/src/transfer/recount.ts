/** The size of a disk after a write that did not come to its end: the bytes that came stay. */
import type { Ref } from '@xenplane/model';
import { inTransaction, reading } from '@xenplane/store';
import type { Plane } from '../core/context';
import { blockBytes, chainOf, reportUtilisation } from '../tables/layers/layers';
import { LayerClient } from './layer-client';

/** A disk that is gone has nothing to count; where the image server does not answer, the next write counts. */
export async function recount(plane: Plane, vdi: Ref<'VDI'>): Promise<void> {
  try {
    const [top] = await reading(plane.store, (tx) => chainOf(tx, vdi));
    if (!top) return;
    const { count } = await new LayerClient(plane.settings).present([top.id]);
    await inTransaction(plane.store, (tx) => reportUtilisation(tx, top.id, count * blockBytes));
  } catch (error) {
    plane.log.warn({ vdi, error }, 'disk not counted after a broken write');
  }
}
