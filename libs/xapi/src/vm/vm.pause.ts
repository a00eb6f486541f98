import { classes, type OperationParams, type Ref } from '@xenplane/model';
import type { DomainSpec } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { raiseVmAlert } from '../core/alerts';
import type { Plane } from '../core/context';
import { assertUp, currentRun, steadfast, unlessGone, type RunRow } from '../tables/runs/vm-run';
import { domainSpec } from '../runs/domain-spec';

export const vmPause = (plane: Plane) => ({
  pause: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'pause'>) =>
    change(plane, run, vm, 'paused'),
  unpause: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'unpause'>) =>
    change(plane, run, vm, 'running'),
});

/** The run of a VM that is up, with the description of what is attached to it now. */
export async function describeRun(
  tx: Tx,
  vm: Ref<'VM'>,
  devices = {},
): Promise<{ placed: RunRow; spec: DomainSpec }> {
  const placed = await currentRun(tx, vm);
  return { placed, spec: await domainSpec(tx, vm, await tx.get('VM', vm), { attached: true, ...devices }) };
}

async function change(plane: Plane, run: Run<Tx>, vm: Ref<'VM'>, state: 'paused' | 'running'): Promise<void> {
  const { placed, spec } = await run.commit('begin', (tx) => describeRun(tx, vm));
  const before = state === 'paused' ? 'running' : 'paused';
  const become = (wanted: 'paused' | 'running') =>
    plane.agents.ensure(placed, { state: wanted, spec, boots: placed.boots }, steadfast);
  await run.step(
    'change',
    () => become(state),
    () => become(before).then(() => undefined, unlessGone),
  );
  return run.conclude('show', async (tx) => {
    await assertUp(tx, vm, placed);
    await tx.update('VM', vm, { power_state: state === 'paused' ? 'Paused' : 'Running' });
    await raiseVmAlert(tx, plane, {
      vm,
      name: state === 'paused' ? 'VM_PAUSED' : 'VM_UNPAUSED',
      text: state === 'paused' ? 'was paused' : 'was unpaused',
      host: placed.host,
    });
  });
}
