/** Disks that go to another repository: what must hold for a copy, and for a move while VMs run. */
import { vdiLifecycle } from '@xenplane/domain';
import { asRef, isNullRef, nullRef, XenError, type Ref } from '@xenplane/model';
import type { Row } from '@xenplane/store';
import type { Context } from '../core/context';
import { growBases, notedOfCopy } from '../tables/layers/disk-chains';
import { assertSrMoves } from './storage-motion-checks';
import { isPlugged } from '../begin/lifecycle-subjects';
import { changedBytes, contentBytes, moveLayers, revertLayers } from '../tables/layers/layers';
import { takeSpace } from './vdi-clone';

type Args = Readonly<Record<string, unknown>>;
type Making = Pick<Context, 'plane' | 'tx'>;
const named = <C extends 'SR' | 'VDI'>(args: Args, name: string): Ref<C> =>
  asRef<C>(String(args[name] ?? nullRef()));

async function assertPlugged({ tx }: Pick<Context, 'tx'>, sr: Ref<'SR'>): Promise<void> {
  await tx.get('SR', sr);
  if (!(await isPlugged(tx, sr))) throw new XenError('SR_HAS_NO_PBDS', sr);
}

export async function copyable(context: Context, args: Args): Promise<void> {
  const { tx } = context;
  const [into, base] = [named<'VDI'>(args, 'into_vdi'), named<'VDI'>(args, 'base_vdi')];
  if (!isNullRef(base)) await tx.get('VDI', base);
  if (isNullRef(into)) return assertPlugged(context, named<'SR'>(args, 'sr'));
  const [source, target] = [await tx.get('VDI', named<'VDI'>(args, 'vdi')), await tx.lock('VDI', into)];
  const vbds = await tx.find('VBD', { VDI: into });
  for (const { current_operations } of [target, ...vbds]) {
    const busy = vdiLifecycle.busyWith(into, current_operations);
    if (busy) throw busy;
  }
  if (!target.managed) throw new XenError('VDI_NOT_MANAGED', into);
  if (target.read_only) throw new XenError('VDI_READONLY', into);
  if (target.virtual_size < source.virtual_size)
    throw new XenError('VDI_TOO_SMALL', into, String(source.virtual_size));
  if (vbds.some((b) => b.currently_attached) || into === source.ref)
    throw new XenError('VDI_IN_USE', into, 'copy');
  await assertPlugged(context, target.SR);
}

/** Copies into an existing disk take its size as given. Where it began as `base`, only what differs is copied. */
export async function copyInto(
  { plane, tx }: Making,
  source: Row<'VDI'>,
  into: Ref<'VDI'>,
  base: Ref<'VDI'>,
): Promise<Ref<'VDI'>> {
  const bytes = isNullRef(base)
    ? await contentBytes(tx, source.ref)
    : await changedBytes(tx, base, source.ref);
  await revertLayers(tx, plane.ids, [into, source.ref], { charge: bytes, shown: false });
  return into;
}

export async function migratable(context: Context, args: Args): Promise<void> {
  const { tx } = context;
  const vdi = await tx.get('VDI', named<'VDI'>(args, 'vdi'));
  const sr = named<'SR'>(args, 'sr');
  // xapi moves a disk by moving the VM that has it; any other disk can be copied.
  if ((await tx.find('VBD', { VDI: vdi.ref })).length === 0)
    throw new XenError('VDI_NEEDS_VM_FOR_MIGRATE', vdi.ref);
  await assertPlugged(context, sr);
  if (vdi.SR !== sr) await assertSrMoves(tx, vdi.SR, sr);
  const [stuck] = await tx.query<{ vm: string }>(
    `SELECT v.ref AS vm FROM vbd b JOIN vm v ON v.ref = b."VM" AND v.resident_on IS NOT NULL
     WHERE b."VDI" = $1 AND b.currently_attached AND NOT EXISTS (SELECT 1 FROM pbd p WHERE p."SR" = $2 AND p.host = v.resident_on AND p.currently_attached) LIMIT 1`,
    [vdi.ref, sr],
  );
  if (stuck) throw new XenError('VM_REQUIRES_SR', stuck.vm, sr);
}

/** The disk goes to the other repository with its snapshots; what they share stays shared. */
export async function moveFamily({ plane, tx }: Making, ref: Ref<'VDI'>, SR: Ref<'SR'>): Promise<Ref<'VDI'>> {
  const moved = await moveVdi({ plane, tx }, ref, SR);
  if (moved === ref) return ref;
  const family = [moved];
  for (const snapshot of await tx.find('VDI', { snapshot_of: moved }))
    if (snapshot.type !== 'cbt_metadata') family.push(await moveVdi({ plane, tx }, snapshot.ref, SR));
  await growBases(tx, plane.ids, family);
  return moved;
}

/** A new record in the other repository takes the contents, the devices and the snapshots of the old one, which ends. */
async function moveVdi({ plane, tx }: Making, ref: Ref<'VDI'>, SR: Ref<'SR'>): Promise<Ref<'VDI'>> {
  const { ref: _old, ...vdi } = await tx.lock('VDI', ref);
  if (vdi.SR === SR) return ref;
  const uuid = plane.ids.uuid(),
    moved = asRef<'VDI'>(`OpaqueRef:${uuid}`);
  const room = await contentBytes(tx, ref);
  await takeSpace({ tx }, SR, vdi.virtual_size, room, vdi.is_a_snapshot ? room : vdi.virtual_size);
  await takeSpace({ tx }, SR, 0, -room);
  const sm_config = notedOfCopy((await tx.get('SR', SR)).type, vdi.sm_config);
  await tx.insert('VDI', moved, {
    ...vdi,
    uuid,
    location: uuid,
    SR,
    sm_config,
    physical_utilisation: 0,
    current_operations: {},
    allowed_operations: [],
  });
  await moveLayers(tx, ref, moved);
  for (const [table, column] of [
    ['vbd', 'VDI'],
    ['vdi', 'snapshot_of'],
    ['crashdump', 'VDI'],
    ['vm', 'suspend_VDI'],
  ] as const)
    await tx.query(`UPDATE ${table} SET "${column}" = $2 WHERE "${column}" = $1`, [ref, moved]);
  await takeSpace({ tx }, vdi.SR, -vdi.virtual_size, 0);
  await tx.remove('VDI', ref);
  return moved;
}
