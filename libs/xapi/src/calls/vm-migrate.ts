/** The errors that sending a VM would meet now. */
import { admitVm } from '../admission';
import type { Context } from '../context';
import { attachedThere, journeyOf, type Sent } from '../journeys';
import { assertCanReceive } from '../operations/vm.migrate';

export async function assertCanSend(context: Context, sent: Sent): Promise<void> {
  const { tx } = context;
  const record = await admitVm(context, sent.vm, 'migrate_send', { force: sent.options['force'] === 'true' });
  const journey = await journeyOf(tx, sent);
  if (record.power_state !== 'Running' || record.resident_on === journey.host) return;
  const mapped = await attachedThere(tx, sent.vm, journey, []);
  const target = new Map(journey.disks.map((d) => [d.vdi as string, d.sr]));
  const disks = mapped.disks.map((disk) => (disk.vdi ? { ...disk, vdi: { ...disk.vdi, SR: target.get(disk.vdi.ref) ?? disk.vdi.SR } } : disk));
  await assertCanReceive(tx, journey.host, { vm: sent.vm, record, attached: { disks, nics: mapped.nics } });
}
