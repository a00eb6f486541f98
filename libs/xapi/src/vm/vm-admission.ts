/** What operations on VMs ask before they begin, besides what their lifecycle says. */
import { vdiLifecycle } from '@xenplane/domain';
import { asRef, XenError } from '@xenplane/model';
import type { Row } from '@xenplane/store';
import type { Context } from '../core/context';
import { modeOf } from '../runs/domain-spec';

type Args = Readonly<Record<string, unknown>>;

/** No other running VM may hold a disk that this one would write; no transfer may write to one, nor read one that this VM would write. */
export async function assertDisksFree({ tx }: Context, { vm }: Args): Promise<void> {
  const [[held], busy] = await Promise.all([
    tx.query<{ vdi: string }>(
      `SELECT mine."VDI" AS vdi FROM vbd mine JOIN vdi d ON d.ref = mine."VDI" AND NOT d.sharable JOIN vbd other ON other."VDI" = mine."VDI" AND other.ref <> mine.ref AND other.currently_attached
       JOIN vm v ON v.ref = other."VM" AND v.power_state <> 'Suspended' WHERE mine."VM" = $1 AND (mine.mode = 'RW' OR other.mode = 'RW') LIMIT 1`,
      [vm],
    ),
    tx.query<{ ref: string; ops: Row<'VDI'>['current_operations'] }>(
      `SELECT d.ref, d.current_operations AS ops FROM vbd b JOIN vdi d ON d.ref = b."VDI" AND d.current_operations <> '{}' WHERE b."VM" = $1 AND (b.mode = 'RW' AND NOT d.sharable OR 'blocked' IN (SELECT value FROM jsonb_each_text(d.current_operations)))`,
      [vm],
    ),
  ]);
  if (held) throw new XenError('VDI_IN_USE', held.vdi);
  for (const { ref, ops } of busy) {
    const blocking = Object.fromEntries(Object.entries(ops).filter(([, op]) => op === 'blocked'));
    const refused =
      vdiLifecycle.busyWith(ref, blocking) ??
      (Object.values(ops).includes('copy') ? new XenError('VDI_IN_USE', ref) : undefined);
    if (refused) throw refused;
  }
}
/** Only a guest of full virtualisation has device models. */
export async function assertEmulated({ tx }: Context, args: Args): Promise<void> {
  const vm = await tx.get('VM', asRef<'VM'>(String(args['self'])));
  if (modeOf(vm) !== 'hvm') throw new XenError('CANNOT_RESTART_DEVICE_MODEL', vm.ref);
}
/** A host that is being emptied takes nobody in. */
export async function assertMayStartOn(context: Context, args: Args): Promise<void> {
  const { ref, current_operations } = await context.tx.get('host', asRef<'host'>(String(args['host'])));
  if (Object.values(current_operations).includes('evacuate'))
    throw new XenError('HOST_EVACUATE_IN_PROGRESS', ref);
  await assertDisksFree(context, args);
}
