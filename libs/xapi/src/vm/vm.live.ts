/** Changes to a VM that may be running: its memory range and its number of vCPUs. */
import { memory } from '@xenplane/domain';
import { classes, isNullRef, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { DomainSpec } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import { Later, type Run } from '@xenplane/work';
import type { Plane } from '../core/context';
import { keepingPlan } from '../placement/ha-plan';
import { changeReservation } from '../tables/runs/placements';
import { assertUp, steadfast, unlessGone, type RunRow } from '../tables/runs/vm-run';
import { describeRun } from './vm.pause';

export const vmLive = (plane: Plane) => ({
  set_memory_dynamic_range: (
    run: Run<Tx>,
    { self, min, max }: OperationParams<typeof classes.VM, 'set_memory_dynamic_range'>,
  ) => setRange(plane, run, self, min, max),
  set_VCPUs_number_live: (
    run: Run<Tx>,
    { self, nvcpu }: OperationParams<typeof classes.VM, 'set_VCPUs_number_live'>,
  ) => setVcpus(plane, run, self, nvcpu),
  set_memory_target_live: (
    run: Run<Tx>,
    { self, target }: OperationParams<typeof classes.VM, 'set_memory_target_live'>,
  ) => setRange(plane, run, self, target, target),
  wait_memory_target_live: (
    run: Run<Tx>,
    { self }: OperationParams<typeof classes.VM, 'wait_memory_target_live'>,
  ) => run.conclude('reached', (tx) => reached(tx, self)),
});

interface Begun {
  readonly placed: RunRow | null;
  readonly spec: DomainSpec | null;
  readonly before: { readonly min: number; readonly max: number };
}

async function setRange(
  plane: Plane,
  run: Run<Tx>,
  self: Ref<'VM'>,
  min: number,
  max: number,
): Promise<void> {
  const begun = await run.commit(
    'reserve',
    (tx) => beginRange(tx, self, min, max),
    (tx, { before }) => restoreRange(tx, self, before),
  );
  const { placed, spec } = begun;
  if (placed && spec)
    await run.step(
      'balloon',
      () => ensure(plane, placed, { ...spec, memoryTargetBytes: max }),
      () => restore(plane, placed, spec),
    );
  return run.conclude('show', async (tx) => {
    if (placed) await assertUp(tx, self, placed);
    const { metrics, power_state } = await tx.lock('VM', self);
    await tx.update('VM', self, { memory_target: max });
    if (power_state === 'Running' && !isNullRef(metrics))
      await tx.update('VM_metrics', metrics, { memory_actual: max });
  });
}

async function beginRange(tx: Tx, self: Ref<'VM'>, min: number, max: number): Promise<Begun> {
  const vm = await tx.lock('VM', self);
  const after = { ...vm, memory_dynamic_min: min, memory_dynamic_max: max };
  const refused = memory.refuseLimits(after);
  if (refused) throw refused;
  const run = vm.power_state === 'Running' ? await describeRun(tx, self) : { placed: null, spec: null };
  await keepingPlan(tx, async () => {
    if (run.placed) await changeReservation(tx, self, memory.neededToStart(after));
    await tx.update('VM', self, { memory_dynamic_min: min, memory_dynamic_max: max });
  });
  return { ...run, before: { min: vm.memory_dynamic_min, max: vm.memory_dynamic_max } };
}

async function restoreRange(tx: Tx, self: Ref<'VM'>, { min, max }: Begun['before']): Promise<void> {
  const vm = await tx.lock('VM', self);
  const after = { ...vm, memory_dynamic_min: min, memory_dynamic_max: max };
  if (vm.power_state === 'Running') await changeReservation(tx, self, memory.neededToStart(after));
  await tx.update('VM', self, { memory_dynamic_min: min, memory_dynamic_max: max });
}

async function setVcpus(plane: Plane, run: Run<Tx>, self: Ref<'VM'>, vcpus: number): Promise<void> {
  const { placed, spec } = await run.commit('begin', async (tx) => {
    const { VCPUs_max } = await tx.lock('VM', self);
    if (vcpus < 1 || vcpus > VCPUs_max)
      throw new XenError('INVALID_VALUE', 'VCPUs_number_live', String(vcpus));
    return describeRun(tx, self);
  });
  await run.step(
    'plug',
    () => ensure(plane, placed, { ...spec, vcpus }),
    () => restore(plane, placed, spec),
  );
  return run.conclude('show', async (tx) => {
    await assertUp(tx, self, placed);
    const { metrics } = await tx.lock('VM', self);
    await tx.update('VM', self, { VCPUs_at_startup: vcpus });
    if (!isNullRef(metrics)) await tx.update('VM_metrics', metrics, { VCPUs_number: vcpus });
  });
}

const nearEnoughBytes = 2 ** 20,
  longestWaitMs = 256_000;

/** True when the guest is as near to its target as it will come; polled until it is. */
async function reached(tx: Tx, self: Ref<'VM'>): Promise<void> {
  const { memory_target, metrics } = await tx.get('VM', self);
  const { memory_actual } = await tx.get('VM_metrics', metrics);
  if (Math.abs(memory_actual - memory_target) > nearEnoughBytes)
    throw new Later(500, longestWaitMs, new XenError('VM_MEMORY_TARGET_WAIT_TIMEOUT'));
}

/** Has the domain be as it was; one that is gone needs nothing. */
export const restore = (plane: Plane, placed: RunRow, spec: DomainSpec): Promise<void> =>
  ensure(plane, placed, spec).catch(unlessGone);

/** Has the domain be as described. */
export async function ensure(plane: Plane, placed: RunRow, spec: DomainSpec): Promise<void> {
  await plane.agents.ensure(placed, { state: 'running', spec, boots: placed.boots }, steadfast);
}
