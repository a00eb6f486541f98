/** Preconditions of storage motion for repositories and disks, within a pool and between pools. */
import { storage } from '@xenplane/domain';
import { XenError, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';

/** Storage that can mirror to other storage can take a mirror. */
const needed = [
  { feature: 'VDI_SNAPSHOT', from: 'VDI_SNAPSHOT', to: 'VDI_SNAPSHOT' },
  { feature: 'VDI_MIRROR', from: 'VDI_MIRROR', to: 'VDI_MIRROR_IN' },
] as const;

/** SR_DOES_NOT_SUPPORT_MIGRATION with the features that a repository lacks to give disks away, or to take them. */
export function assertMoves(sr: string, features: readonly string[], way: 'from' | 'to'): void {
  const missing = needed.filter(
    ({ feature, to }) => !features.includes(feature) && !(way === 'to' && features.includes(to)),
  );
  if (missing.length > 0)
    throw new XenError('SR_DOES_NOT_SUPPORT_MIGRATION', sr, missing.map((one) => one[way]).join(';'));
}

async function featuresOf(tx: Tx, sr: Ref<'SR'>): Promise<readonly string[]> {
  return storage.driverOf((await tx.get('SR', sr)).type)?.features ?? [];
}
export async function assertSrMoves(tx: Tx, from: Ref<'SR'>, to?: Ref<'SR'>): Promise<void> {
  assertMoves(from, await featuresOf(tx, from), 'from');
  if (to !== undefined) assertMoves(to, await featuresOf(tx, to), 'to');
}

export function assertDiskMoves({ ref, cbt_enabled, on_boot }: Row<'VDI'>): void {
  if (cbt_enabled) throw new XenError('VDI_CBT_ENABLED', ref);
  if (on_boot === 'reset') throw new XenError('VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION');
}
