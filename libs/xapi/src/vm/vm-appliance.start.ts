/**
 * Appliances: their VMs are started and stopped group by group, in the order of each and with the pauses that each asks for.
 * The refusal of one VM does not stop the others; the refusing VMs are named in the end.
 */
import { asRef, classes, XenError, type OperationParams, type Ref } from '@xenplane/model';
import { vmApplianceLifecycle } from '@xenplane/domain';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import {
  endedChildren,
  beginChildOperations,
  parkUntil,
  type ChildOperation,
} from '../begin/child-operations';
import type { Plane } from '../core/context';

type Operation = vmApplianceLifecycle.ApplianceOperation;
interface Way {
  readonly op: Operation;
  readonly child: (vm: string) => ChildOperation;
}
type Self<K extends Operation> = OperationParams<typeof classes.VM_appliance, K>;

export const applianceOperations = (plane: Plane) => ({
  start: (run: Run<Tx>, { self, paused }: Self<'start'>) =>
    inTurn(plane, run, self, {
      op: 'start',
      child: (vm) => ({ method: 'VM.start', args: { vm, start_paused: paused, force: false } }),
    }),
  clean_shutdown: (run: Run<Tx>, { self }: Self<'clean_shutdown'>) =>
    inTurn(plane, run, self, {
      op: 'clean_shutdown',
      child: (vm) => ({ method: 'VM.clean_shutdown', args: { vm } }),
    }),
  hard_shutdown: (run: Run<Tx>, { self }: Self<'hard_shutdown'>) =>
    inTurn(plane, run, self, {
      op: 'hard_shutdown',
      child: (vm) => ({ method: 'VM.hard_shutdown', args: { vm } }),
    }),
  shutdown: (run: Run<Tx>, { self }: Self<'shutdown'>) =>
    inTurn(plane, run, self, { op: 'shutdown', child: (vm) => ({ method: 'VM.shutdown', args: { vm } }) }),
});

async function inTurn(
  plane: Plane,
  run: Run<Tx>,
  self: Ref<'VM_appliance'>,
  { op, child }: Way,
): Promise<void> {
  const groups = await run.commit('begin', (tx) => groupsOf(tx, self, op));
  const failed: string[] = [];
  for (const [i, { vms, delay }] of groups.entries()) {
    const ends = await endedChildren(plane, run, `group ${i}`, (tx) =>
      beginChildOperations(plane, tx, run, vms.map(child)),
    );
    failed.push(...vms.filter((_vm, n) => !ends[n]?.succeeded));
    await run.progress((i + 1) / (groups.length + 1));
    if (delay === 0 || i === groups.length - 1) continue;
    await parkUntil(
      plane,
      run,
      await run.commit(`pause ${i}`, async () => plane.clock.now().getTime() + delay * 1000),
    );
  }
  if (failed.length > 0) throw new XenError('OPERATION_PARTIALLY_FAILED', `VM_appliance.${op}`, ...failed);
  return run.conclude('end', async () => undefined);
}

async function groupsOf(
  tx: Tx,
  self: Ref<'VM_appliance'>,
  op: Operation,
): Promise<vmApplianceLifecycle.Group[]> {
  const starting = op === 'start';
  const vms = (await tx.find('VM', { appliance: self })).filter((vm) =>
    vmApplianceLifecycle.concerns[op](vm.power_state),
  );
  const members = vms.map((vm) => ({
    ref: asRef<'VM'>(vm.ref),
    order: vm.order,
    delay: starting ? vm.start_delay : vm.shutdown_delay,
  }));
  return vmApplianceLifecycle.groups(members, starting ? 'up' : 'down');
}
