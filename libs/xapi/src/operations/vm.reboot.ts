/** A reboot builds the domain once more on the same host, in the same run; asking twice for boot n boots once. */
import { classes, isNullRef, type OperationParams, type Ref } from '@xenplane/model';
import type { DomainSpec, VmAnswer } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { Superseded } from '../agents';
import { tellOfVm } from '../alerts';
import { dateTime, type Plane } from '../context';
import { domainSpec } from '../specs';
import { currentRun, goneMeanwhile, patienceOf, type RunRow } from '../runs';

export const vmReboot = (plane: Plane) => ({
  clean_reboot: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'clean_reboot'>) => reboot(plane, run, vm, 'clean'),
  hard_reboot: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'hard_reboot'>) => reboot(plane, run, vm, 'hard'),
});

interface Begun {
  readonly placed: RunRow;
  readonly spec: DomainSpec;
  readonly boots: number;
}

async function reboot(plane: Plane, run: Run<Tx>, vm: Ref<'VM'>, how: 'clean' | 'hard'): Promise<void> {
  const begun = await run.commit('begin', async (tx): Promise<Begun> => {
    const placed = await currentRun(tx, vm);
    return { placed, spec: await domainSpec(tx, vm, await tx.get('VM', vm)), boots: placed.boots + 1 };
  });
  try {
    const answer = await run.step('boot', () =>
      plane.agents.ensure(begun.placed, { state: 'running', spec: begun.spec, boots: begun.boots, reboot: how }, patienceOf(run)),
    );
    return await run.conclude('show', (tx) => show(plane, tx, vm, begun, answer));
  } catch (error) {
    throw error instanceof Superseded ? goneMeanwhile(begun.placed.host) : error;
  }
}

async function show(plane: Plane, tx: Tx, vm: Ref<'VM'>, { placed, boots }: Begun, answer: VmAnswer): Promise<void> {
  const rows = await tx.query('UPDATE vm_run SET boots = $3, domid = $4 WHERE vm = $1 AND vm_epoch = $2 AND state = $5 RETURNING vm', [
    vm,
    placed.vmEpoch,
    boots,
    answer.domid ?? -1,
    'R',
  ]);
  if (rows.length === 0) throw new Superseded(placed.vm);
  const { metrics } = await tx.lock('VM', vm);
  await tx.update('VM', vm, { domid: answer.domid ?? -1, power_state: 'Running', requires_reboot: false });
  if (!isNullRef(metrics)) await tx.update('VM_metrics', metrics, { start_time: dateTime(plane.clock.now()) });
  await tellOfVm(tx, plane, vm, 'VM_REBOOTED', 'was rebooted', placed.host);
}
