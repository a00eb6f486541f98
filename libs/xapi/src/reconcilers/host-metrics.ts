/** Keeps what clients see of a host's memory in step with what is reserved on it. */
import { inTransaction } from '@xenplane/store';
import type { Plane } from '../core/context';
import { showFreeMemory } from '../tables/runs/host-runs';

export async function updateHostMemory(plane: Plane): Promise<{ readonly changed: number }> {
  return inTransaction(plane.store, async (tx) => ({ changed: await showFreeMemory(tx) }));
}
