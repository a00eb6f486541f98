/** Plugging disks and interfaces into a VM that runs, and out of it: the domain gets its new devices, then the record shows them. */
import { classes, isNullRef, type ClassName, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import type { Plane } from '../core/context';
import { assertUp } from '../tables/runs/vm-run';
import { deviceName } from '../runs/domain-spec';
import { assertHostHas } from '../storage/pbd';
import { describeRun } from './vm.pause';
import { ensure } from './vm.live';

type Device = 'VBD' | 'VIF';

async function change(
  plane: Plane,
  run: Run<Tx>,
  cls: Device,
  self: Ref<Device>,
  plug: boolean,
): Promise<void> {
  const { vm, placed, spec } = await run.commit('begin', async (tx) => {
    const { VM } = await tx.get<ClassName & Device>(cls, self);
    const described = await describeRun(tx, VM, plug ? { plus: self } : { minus: self });
    if (plug && cls === 'VBD') await assertReached(tx, described.placed.host, self as Ref<'VBD'>);
    return { vm: VM, ...described };
  });
  await run.step(plug ? 'plug' : 'unplug', () => ensure(plane, placed, spec));
  return run.conclude('show', async (tx) => {
    await assertUp(tx, vm, placed);
    await show(tx, cls, self, plug);
  });
}

async function assertReached(tx: Tx, host: Ref<'host'>, self: Ref<'VBD'>): Promise<void> {
  const { VDI, empty } = await tx.get('VBD', self);
  if (!empty && !isNullRef(VDI)) await assertHostHas(tx, host, (await tx.get('VDI', VDI)).SR);
}

async function show(tx: Tx, cls: Device, self: Ref<Device>, plug: boolean): Promise<void> {
  if (cls === 'VIF') return tx.update('VIF', self as Ref<'VIF'>, { currently_attached: plug });
  const vbd = await tx.get('VBD', self as Ref<'VBD'>);
  await tx.update('VBD', vbd.ref, {
    currently_attached: plug,
    device: vbd.device || deviceName(vbd.userdevice),
  });
}

export const vbdOperations = (plane: Plane) => ({
  plug: (run: Run<Tx>, { self }: OperationParams<typeof classes.VBD, 'plug'>) =>
    change(plane, run, 'VBD', self, true),
  unplug: (run: Run<Tx>, { self }: OperationParams<typeof classes.VBD, 'unplug'>) =>
    change(plane, run, 'VBD', self, false),
  unplug_force: (run: Run<Tx>, { self }: OperationParams<typeof classes.VBD, 'unplug_force'>) =>
    change(plane, run, 'VBD', self, false),
});
export const vifOperations = (plane: Plane) => ({
  plug: (run: Run<Tx>, { self }: OperationParams<typeof classes.VIF, 'plug'>) =>
    change(plane, run, 'VIF', self, true),
  unplug: (run: Run<Tx>, { self }: OperationParams<typeof classes.VIF, 'unplug'>) =>
    change(plane, run, 'VIF', self, false),
  unplug_force: (run: Run<Tx>, { self }: OperationParams<typeof classes.VIF, 'unplug_force'>) =>
    change(plane, run, 'VIF', self, false),
});
