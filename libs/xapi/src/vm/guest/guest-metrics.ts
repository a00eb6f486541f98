/**
 * `VM.guest_metrics`: the record exists as soon as the VM has a domain, empty until the guest speaks, and keeps its reference
 * while it fills. A start and a reboot make a new one; suspending, resuming and moving keep it; a halted VM keeps the last one.
 */
import { asRef, isNullRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { GuestMetrics } from '@xenplane/hypervisor';
import type { Row, Tx } from '@xenplane/store';
import { dateTime, type Plane } from '../../core/context';
import { recordWith } from '../../core/records';

type Record = StoredRecord<'VM_guest_metrics'>;
interface NewGuest {
  readonly ref: Ref<'VM_guest_metrics'>;
  readonly record: Record;
}

/** A record of a guest that has said nothing yet. */
export function silentGuest(plane: Plane, known: Partial<Record> = {}): NewGuest {
  const uuid = plane.ids.uuid();
  const record = recordWith('VM_guest_metrics', {
    last_updated: dateTime(plane.clock.now()),
    live: true,
    ...known,
    uuid,
  });
  return { ref: asRef(`OpaqueRef:${uuid}`), record };
}

/** The guest of an earlier run does not speak for the one that comes. */
export function forgetGuest(tx: Tx, { ref, guest_metrics }: Pick<Row<'VM'>, 'ref' | 'guest_metrics'>): void {
  if (isNullRef(guest_metrics)) return;
  tx.leave('UPDATE vm SET guest_metrics = NULL WHERE ref = $1', [ref]);
  tx.leave('DELETE FROM vm_guest_metrics WHERE ref = $1', [guest_metrics]);
}

/** After a reboot the record is a new one: empty, unless the guest has already spoken from its new domain. */
export async function renewGuest(tx: Tx, plane: Plane, vm: Ref<'VM'>, hasSpoken: boolean): Promise<void> {
  const { guest_metrics } = await tx.lock('VM', vm);
  const [present] =
    hasSpoken && !isNullRef(guest_metrics) ? await tx.getMany('VM_guest_metrics', [guest_metrics]) : [];
  const { ref: _ref, ...said } = present ?? { ref: undefined };
  const { ref, record } = silentGuest(plane, said);
  await Promise.all([
    tx.insert('VM_guest_metrics', ref, record),
    tx.update('VM', vm, { guest_metrics: ref }),
    tx.query('DELETE FROM vm_guest_metrics WHERE ref = $1', [guest_metrics]),
  ]);
}

/** Which PV features a guest says it has, as xapi reads them from its xenstore. */
export async function showGuest(
  tx: Tx,
  plane: Plane,
  vm: Pick<Row<'VM'>, 'ref' | 'guest_metrics'>,
  guest: GuestMetrics,
): Promise<void> {
  const drivers = Object.keys(guest.pvDriversVersion).length > 0;
  const hotplug = drivers ? ('yes' as const) : ('unspecified' as const);
  const said = {
    os_version: { ...guest.osVersion },
    PV_drivers_version: { ...guest.pvDriversVersion },
    PV_drivers_up_to_date: drivers,
    PV_drivers_detected: drivers,
    networks: { ...guest.networks },
    other: { ...guest.other },
    last_updated: dateTime(plane.clock.now()),
    live: true,
    can_use_hotplug_vbd: hotplug,
    can_use_hotplug_vif: hotplug,
  };
  if (!isNullRef(vm.guest_metrics)) return tx.leaveUpdate('VM_guest_metrics', vm.guest_metrics, said);
  const { ref, record } = silentGuest(plane, said);
  await Promise.all([
    tx.insert('VM_guest_metrics', ref, record),
    tx.update('VM', vm.ref, { guest_metrics: ref }),
  ]);
}
