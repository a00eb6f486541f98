/** The errors that sending a VM would meet now. */
import { classes, type CallsOf, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { admitVm } from '../begin/admission';
import type { Outside } from '../core/context';
import { readRemote } from './to-pool/remote-choices';
import { planMigration } from './to-pool/migration-plan';
import {
  assertMayMove,
  attachedAtTarget,
  isOtherPool,
  planDiskMigration,
  type DiskMigrationPlan,
  type MigrateSendParams,
} from './within-pool/disk-migration';
import { assertCanMove } from '../placement/possible-hosts';

async function assertCanSend({ plane }: Outside, sent: MigrateSendParams): Promise<void> {
  const away = await inTransaction(plane.store, async (tx) => {
    const record = await admitVm({ tx }, sent.vm, 'migrate_send', {
      force: sent.options['force'] === 'true',
    });
    if (await isOtherPool(tx, sent)) return record.uuid;
    await assertHere(tx, sent);
    return undefined;
  });
  if (away === undefined) return;
  const remoteSide = await readRemote(plane.store, sent, away);
  await inTransaction(plane.store, (tx) => planMigration(plane, tx, sent, remoteSide));
}

/** In xapi's order: the disks' places, the host, the interfaces, the disks that move. */
export async function assertHere(tx: Tx, sent: MigrateSendParams): Promise<DiskMigrationPlan> {
  const diskPlan = await planDiskMigration(tx, sent);
  await assertHostTakes(tx, sent.vm, diskPlan);
  await assertMayMove(tx, sent, diskPlan);
  return diskPlan;
}

async function assertHostTakes(tx: Tx, vm: Ref<'VM'>, diskPlan: DiskMigrationPlan): Promise<void> {
  const record = await tx.get('VM', vm);
  if (record.power_state !== 'Running' || record.resident_on === diskPlan.host) return;
  const mapped = await attachedAtTarget(tx, vm, []);
  const target = new Map(diskPlan.disks.map((d) => [d.vdi as string, d.sr]));
  const disks = mapped.disks.map((disk) =>
    disk.vdi ? { ...disk, vdi: { ...disk.vdi, SR: target.get(disk.vdi.ref) ?? disk.vdi.SR } } : disk,
  );
  await assertCanMove(tx, diskPlan.host, { vm, record, attached: { ...mapped, disks } });
}

export const vmMigrateOutside: Pick<CallsOf<typeof classes.VM, Outside>, 'assert_can_migrate'> = {
  assert_can_migrate: (outside, sent) => assertCanSend(outside, sent),
};
