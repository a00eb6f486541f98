/** A reboot builds the domain once more on the same host, in the same run; asking twice for boot n boots once. New device models cost a domain too. */
import { classes, isNullRef, type OperationParams, type Ref } from '@xenplane/model';
import type { DomainSpec, VmAnswer } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { Superseded } from '../core/agents';
import { raiseVmAlert } from '../core/alerts';
import { dateTime, type Plane } from '../core/context';
import { renewGuest } from './guest/guest-metrics';
import { renewCertificates } from '../pool/secure-boot';
import { domainSpec } from '../runs/domain-spec';
import { currentRun, patienceOf, type RunRow } from '../tables/runs/vm-run';
import { setBoot } from '../tables/runs/saved-runs';

export const vmReboot = (plane: Plane) => ({
  clean_reboot: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'clean_reboot'>) =>
    reboot(plane, run, vm, 'clean'),
  hard_reboot: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'hard_reboot'>) =>
    reboot(plane, run, vm, 'hard'),
  restart_device_models: (
    run: Run<Tx>,
    { self }: OperationParams<typeof classes.VM, 'restart_device_models'>,
  ) => reboot(plane, run, self, 'devices'),
});

type How = 'clean' | 'hard' | 'devices';
interface Begun {
  readonly placed: RunRow;
  readonly spec: DomainSpec;
  readonly boots: number;
}

async function reboot(plane: Plane, run: Run<Tx>, vm: Ref<'VM'>, how: How): Promise<void> {
  const begun = await run.commit('begin', (tx) => begin(tx, vm));
  const built = await run.step('boot', () =>
    plane.agents.ensure(
      begun.placed,
      { state: 'running', spec: begun.spec, boots: begun.boots, reboot: how },
      patienceOf(run),
    ),
  );
  const booted = run.pointOfNoReturn('booted', {
    show: async (tx) => void (await showBuilt(plane, tx, { vm, how, ...begun }, built)),
  });
  return booted.conclude('show', async (tx) => {
    if (!(await showBuilt(plane, tx, { vm, how, ...begun }, built)))
      throw new Superseded(begun.placed.vm, begun.placed.host);
    if (how !== 'devices') await showBooted(plane, tx, vm, begun.placed);
  });
}

async function begin(tx: Tx, vm: Ref<'VM'>): Promise<Begun> {
  const placed = await currentRun(tx, vm);
  return { placed, spec: await domainSpec(tx, vm, await tx.get('VM', vm)), boots: placed.boots + 1 };
}

interface Built extends Begun {
  readonly vm: Ref<'VM'>;
  readonly how: How;
}
/** False when the run is over. The run has the new domain already when its guest has spoken. */
async function showBuilt(
  plane: Plane,
  tx: Tx,
  { vm, how, placed, boots }: Built,
  { domid = -1 }: VmAnswer,
): Promise<boolean> {
  const run = await setBoot(tx, vm, { epoch: placed.vmEpoch, boots, domid });
  if (!run) return false;
  await tx.update('VM', vm, { domid });
  if (how !== 'devices') await renewGuest(tx, plane, vm, run.before === domid);
  return true;
}

async function showBooted(plane: Plane, tx: Tx, vm: Ref<'VM'>, { host }: RunRow): Promise<void> {
  const { metrics, secureboot_certificates_state } = await tx.lock('VM', vm);
  await tx.update('VM', vm, { power_state: 'Running', requires_reboot: false });
  if (!isNullRef(metrics))
    await tx.update('VM_metrics', metrics, { start_time: dateTime(plane.clock.now()) });
  if (secureboot_certificates_state === 'update_on_boot') await renewCertificates(tx, vm);
  await raiseVmAlert(tx, plane, { vm, name: 'VM_REBOOTED', text: 'was rebooted', host });
}
