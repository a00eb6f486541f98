/** The errors that sending a VM would meet now. */
import { classes, type CallsOf, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { admitVm } from '../begin/admission';
import type { Outside } from '../core/context';
import { lookThere } from './to-pool/remote-choices';
import { planTrip } from './to-pool/migration-plan';
import { assertMayMove, attachedThere, isElsewhere, journeyOf, type Journey, type Sent } from './within-pool/disk-migration';
import { assertCanReceive } from './within-pool/vm.migrate';

async function assertCanSend({ plane }: Outside, sent: Sent): Promise<void> {
  const away = await inTransaction(plane.store, async (tx) => {
    const record = await admitVm({ tx }, sent.vm, 'migrate_send', { force: sent.options['force'] === 'true' });
    if (await isElsewhere(tx, sent)) return record.uuid;
    await assertHere(tx, sent);
    return undefined;
  });
  if (away === undefined) return;
  const there = await lookThere(plane.store, sent, away);
  await inTransaction(plane.store, (tx) => planTrip(plane, tx, sent, there));
}

/** In xapi's order: the disks' places, the host, the interfaces, the disks that move. */
export async function assertHere(tx: Tx, sent: Sent): Promise<Journey> {
  const journey = await journeyOf(tx, sent);
  await assertHostTakes(tx, sent.vm, journey);
  await assertMayMove(tx, sent, journey);
  return journey;
}

async function assertHostTakes(tx: Tx, vm: Ref<'VM'>, journey: Journey): Promise<void> {
  const record = await tx.get('VM', vm);
  if (record.power_state !== 'Running' || record.resident_on === journey.host) return;
  const mapped = await attachedThere(tx, vm, []);
  const target = new Map(journey.disks.map((d) => [d.vdi as string, d.sr]));
  const disks = mapped.disks.map((disk) => (disk.vdi ? { ...disk, vdi: { ...disk.vdi, SR: target.get(disk.vdi.ref) ?? disk.vdi.SR } } : disk));
  await assertCanReceive(tx, journey.host, { vm, record, attached: { ...mapped, disks } });
}

export const vmMigrateOutside: Pick<CallsOf<typeof classes.VM, Outside>, 'assert_can_migrate'> = {
  assert_can_migrate: (outside, sent) => assertCanSend(outside, sent),
};
