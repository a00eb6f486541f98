/** Reports of agents about domains. Each report carries its epochs and counts only while they are current (R10). */
import type { Report, ReportAnswer, ReportRequest, VmEvent } from '@xenplane/hypervisor';
import { asRef, isNullRef, nullRef, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { beginInternally } from '../begin/begin-operation';
import { raiseVmAlert } from '../core/alerts';
import { dateTime, type Plane } from '../core/context';
import { renewGuest, showGuest } from '../vm/guest/guest-metrics';
import { forgetSaved } from '../vm/vm.shutdown';
import { endRuns, showHalted } from '../tables/runs/halted-runs';
import { tokenHash } from './tokens';
import { leaveDomid, lockReportedRun, setDomid, type ReportedRun } from '../tables/runs/agent-runs';

export async function applyReport(plane: Plane, { reports }: ReportRequest): Promise<ReportAnswer> {
  const applied: boolean[] = [];
  for (const one of reports) applied.push(await inTransaction(plane.store, (tx) => apply(tx, plane, one)));
  return { applied };
}

async function apply(tx: Tx, plane: Plane, report: Report): Promise<boolean> {
  const run = await lockReportedRun(tx, { ...report, tokenHash: tokenHash(report.token) });
  if (!run) return false;
  const vm = asRef<'VM'>(run.vm);
  if (report.event.kind === 'guest') return heard(tx, plane, run, report.event);
  if (report.event.kind === 'rebooted') await showRebooted(tx, plane, vm, report.event.domid);
  else if (run.state !== 'S') await ended(tx, plane, vm, report.event.reason);
  else return false;
  return true;
}

/** False for a domain that was replaced since. One that is newer than the record shows was built by a reboot that is about to be shown. */
async function heard(
  tx: Tx,
  plane: Plane,
  run: ReportedRun,
  { domid, guest }: Extract<VmEvent, { kind: 'guest' }>,
): Promise<boolean> {
  const isShown = run.state !== 'C';
  if (isShown && domid < run.domid) return false;
  if (isShown && domid > run.domid) leaveDomid(tx, run.vm, domid);
  await showGuest(
    tx,
    plane,
    { ref: asRef(run.vm), guest_metrics: run.guest_metrics === null ? nullRef() : asRef(run.guest_metrics) },
    guest,
  );
  return true;
}

/** A guest that ended by itself. While an operation stops the VM, that operation says what became of it. */
async function ended(
  tx: Tx,
  plane: Plane,
  vm: Ref<'VM'>,
  reason: 'shutdown' | 'crash' | 'watchdog',
): Promise<void> {
  const record = await tx.lock('VM', vm);
  await endRuns(tx, [vm]);
  await showHalted(tx, [vm]);
  // It was resumed, and has run since: nobody may go back to that memory.
  if (!isNullRef(record.suspend_VDI)) await forgetSaved(tx, vm);
  plane.log.info({ vm: record.uuid, reason }, 'VM ended');
  if (reason === 'crash')
    await raiseVmAlert(tx, plane, { vm, name: 'VM_CRASHED', text: 'crashed', host: record.resident_on });
  else if (reason === 'shutdown')
    await raiseVmAlert(tx, plane, {
      vm,
      name: 'VM_SHUTDOWN',
      text: 'shut itself down',
      host: record.resident_on,
    });
  const again =
    reason === 'shutdown'
      ? record.actions_after_shutdown === 'restart'
      : reason === 'crash' && record.actions_after_crash.endsWith('restart');
  if (again) await beginInternally(tx, plane, 'VM.start', { vm, start_paused: false, force: false });
}

async function showRebooted(tx: Tx, plane: Plane, vm: Ref<'VM'>, domid: number): Promise<void> {
  const { metrics } = await tx.lock('VM', vm);
  await Promise.all([tx.update('VM', vm, { domid }), setDomid(tx, vm, domid)]);
  await renewGuest(tx, plane, vm, false);
  if (!isNullRef(metrics))
    await tx.update('VM_metrics', metrics, { start_time: dateTime(plane.clock.now()) });
  await raiseVmAlert(tx, plane, { vm, name: 'VM_REBOOTED', text: 'rebooted itself' });
}
