/** What agents tell of domains. Each report carries the epochs it speaks of and counts only while they are current (R10). */
import type { GuestMetrics, Report, ReportAnswer, ReportRequest } from '@xenplane/hypervisor';
import { asRef, isNullRef, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { startInternally } from '../accept';
import { tellOfVm } from '../alerts';
import { dateTime, type Plane } from '../context';
import { endRuns, showHalted } from './halt';
import { tokenHash } from './tokens';

export async function report(plane: Plane, { reports }: ReportRequest): Promise<ReportAnswer> {
  const applied: boolean[] = [];
  for (const one of reports) applied.push(await inTransaction(plane.store, (tx) => apply(tx, plane, one)));
  return { applied };
}

interface Current {
  readonly vm: string;
  readonly state: string;
  readonly guest_metrics: string | null;
}
async function apply(tx: Tx, plane: Plane, report: Report): Promise<boolean> {
  const [run] = await tx.query<Current>(
    `SELECT r.vm, r.state, v.guest_metrics FROM vm_run r JOIN vm v ON v.ref = r.vm JOIN host_run h ON h.host = r.host
     WHERE v.uuid = $1 AND r.vm_epoch = $2 AND h.uuid = $3 AND h.host_epoch = $4 AND r.host_epoch = h.host_epoch AND h.token_hash = $5 AND r.state IN ('C', 'R', 'S', 'M') FOR UPDATE OF r FOR NO KEY UPDATE OF v`,
    [report.vm, report.vmEpoch, report.host, report.hostEpoch, tokenHash(report.token)],
  );
  if (!run) return false;
  const vm = asRef<'VM'>(run.vm);
  if (report.event.kind === 'guest') await showGuest(tx, plane, run, report.event.guest);
  else if (report.event.kind === 'rebooted') await showRebooted(tx, plane, vm, report.event.domid);
  else if (run.state !== 'S') await ended(tx, plane, vm, report.event.reason);
  else return false;
  return true;
}

/** A guest that ended by itself. While an operation stops the VM, that operation says what became of it. */
async function ended(tx: Tx, plane: Plane, vm: Ref<'VM'>, reason: 'shutdown' | 'crash' | 'watchdog'): Promise<void> {
  const record = await tx.lock('VM', vm);
  await endRuns(tx, [vm]);
  await showHalted(tx, [vm]);
  plane.log.info({ vm: record.uuid, reason }, 'VM ended');
  if (reason === 'crash') await tellOfVm(tx, plane, vm, 'VM_CRASHED', 'crashed', record.resident_on);
  else if (reason === 'shutdown') await tellOfVm(tx, plane, vm, 'VM_SHUTDOWN', 'shut itself down', record.resident_on);
  const again = reason === 'shutdown' ? record.actions_after_shutdown === 'restart' : reason === 'crash' && record.actions_after_crash.endsWith('restart');
  if (again) await startInternally(tx, plane, 'VM.start', { vm, start_paused: false, force: false });
}

async function showRebooted(tx: Tx, plane: Plane, vm: Ref<'VM'>, domid: number): Promise<void> {
  const { metrics } = await tx.lock('VM', vm);
  await tx.update('VM', vm, { domid });
  if (!isNullRef(metrics)) await tx.update('VM_metrics', metrics, { start_time: dateTime(plane.clock.now()) });
  await tellOfVm(tx, plane, vm, 'VM_REBOOTED', 'rebooted itself');
}

/** Which PV features a guest says it has, as xapi reads them from its xenstore. */
async function showGuest(tx: Tx, plane: Plane, { vm, guest_metrics }: Current, guest: GuestMetrics): Promise<void> {
  const drivers = Object.keys(guest.pvDriversVersion).length > 0;
  const shown = {
    os_version: { ...guest.osVersion },
    PV_drivers_version: { ...guest.pvDriversVersion },
    PV_drivers_up_to_date: drivers,
    PV_drivers_detected: drivers,
    networks: { ...guest.networks },
    other: { ...guest.other },
    last_updated: dateTime(plane.clock.now()),
    live: true,
    can_use_hotplug_vbd: drivers ? ('yes' as const) : ('unspecified' as const),
    can_use_hotplug_vif: drivers ? ('yes' as const) : ('unspecified' as const),
  };
  if (guest_metrics !== null) return tx.leaveUpdate('VM_guest_metrics', asRef(guest_metrics), shown);
  const uuid = plane.ids.uuid();
  const ref = asRef<'VM_guest_metrics'>(`OpaqueRef:${uuid}`);
  await Promise.all([
    tx.insert('VM_guest_metrics', ref, { ...shown, uuid, netbios_name: {}, memory: {}, disks: {}, other_config: {}, services: {} }),
    tx.update('VM', asRef<'VM'>(vm), { guest_metrics: ref }),
  ]);
}
