/** The steps common to all migrations to another pool: disks first, then records, then the disks get their names. */
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { removeVm } from '../../vm/vm';
import type { Plane } from '../../core/context';
import { dropVdi } from '../within-pool/disk-migration';
import type { Guest } from './build-archive';
import { nameDisks, sendDisk, sendRecords, type SentDisk, type SendingContext } from './remote-records';
import type { MigrationPlan } from './migration-plan';

/** Names the steps of several migrations in one operation. */
export type MigrationTag = '' | ` ${string}`;

/** `sent` grows as they come, for who must clear them away. `part`: how much of the whole this is. */
export async function sendDisks(
  run: Run<Tx>,
  sending: SendingContext,
  sent: SentDisk[],
  { part, tag = '' }: { readonly part: number; readonly tag?: MigrationTag },
): Promise<void> {
  const { disks } = sending.migration;
  for (const [i, disk] of disks.entries()) {
    const progress = (fraction: number): Promise<void> =>
      run.progress((part * (i + fraction)) / disks.length);
    sent.push(
      await run.step(`disk ${i}${tag}`, () =>
        sendDisk(sending, disk, { checkpoint: () => run.checkpoint(), progress }),
      ),
    );
  }
}

export async function sendVm(
  run: Run<Tx>,
  sending: SendingContext,
  disks: readonly SentDisk[],
  guest: Guest,
  tag: MigrationTag = '',
): Promise<Ref<'VM'>> {
  const vm = await run.step(`records${tag}`, () => sendRecords(sending, disks, guest));
  await run.step(`names${tag}`, () => nameDisks(sending, disks));
  return vm;
}

/** It belongs to whoever sends it, until it is given away. */
const why = 'The VM is on its way from another pool';
export const blockedUntilGiven = { start: why, start_on: why, resume: why, unpause: why };

/** Nothing of the VM stays in this pool. */
export async function removeSent(plane: Plane, tx: Tx, migration: MigrationPlan): Promise<void> {
  for (const vm of await tx.getMany('VM', [...migration.snapshots, migration.vm]))
    await removeVm({ plane, tx }, vm);
  for (const { vdi } of migration.disks) await dropVdi(tx, vdi);
}
