/** Disks that hold the memory of suspended VMs. */
import { asRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import { takeSpace } from '../storage/vdi-clone';
import type { Plane } from '../core/context';
import { newLayer } from '../tables/layers/layers';
import { recordWith } from '../core/records';

type Suspended = Pick<StoredRecord<'VM'>, 'uuid' | 'name_label' | 'memory_static_max' | 'suspend_SR'>;

/** A disk that the memory of the VM fits on, where the VM, the pool or its host wants it. */
export async function newSuspendVdi(plane: Plane, tx: Tx, vm: Row<'VM'>): Promise<Ref<'VDI'>> {
  return suspendDiskIn(plane, tx, await suspendStorage(tx, vm), vm);
}

export const memoryDiskBytes = (vm: Pick<Suspended, 'memory_static_max'>): number =>
  Math.ceil((vm.memory_static_max * 1.01) / 2 ** 20) * 2 ** 20;

export async function suspendDiskIn(
  plane: Plane,
  tx: Tx,
  SR: Ref<'SR'>,
  vm: Suspended,
  change: Partial<StoredRecord<'VDI'>> = {},
): Promise<Ref<'VDI'>> {
  const uuid = plane.ids.uuid(),
    vdi = asRef<'VDI'>(`OpaqueRef:${uuid}`);
  const virtual_size = memoryDiskBytes(vm);
  const physical_utilisation = change.physical_utilisation ?? virtual_size;
  const disk = {
    virtual_size,
    physical_utilisation,
    type: 'suspend' as const,
    managed: true,
    name_label: 'Suspend image',
  };
  await takeSpace({ tx }, SR, virtual_size, physical_utilisation);
  await tx.insert(
    'VDI',
    vdi,
    recordWith('VDI', {
      ...disk,
      uuid,
      location: uuid,
      SR,
      name_description: `Suspend image of ${vm.name_label}`,
      ...change,
    }),
  );
  await newLayer(tx, { id: plane.ids.uuid(), vdi, bytes: physical_utilisation });
  return vdi;
}

/** The first of these that the VM's host is connected to. */
async function suspendStorage(tx: Tx, vm: Row<'VM'>): Promise<Ref<'SR'>> {
  const [found] = await tx.query<{ sr: Ref<'SR'> }>(
    `SELECT c.sr FROM vm v, pool p, host h, LATERAL (VALUES (1, v."suspend_SR"), (2, p."suspend_image_SR"), (3, h.suspend_image_sr)) AS c(nth, sr)
     WHERE v.ref = $1 AND h.ref = v.resident_on AND EXISTS (SELECT 1 FROM pbd b WHERE b."SR" = c.sr AND b.host = h.ref) ORDER BY c.nth LIMIT 1`,
    [vm.ref],
  );
  if (!found) throw new XenError('VM_NO_SUSPEND_SR', vm.ref);
  return found.sr;
}
