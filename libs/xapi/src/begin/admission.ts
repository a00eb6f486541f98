/** Admission: refuses an operation that may not begin, inside the transaction that begins it, with the object locked. */
import {
  hostLifecycle,
  poolLifecycle,
  srLifecycle,
  vbdLifecycle,
  vdiLifecycle,
  vifLifecycle,
  vmApplianceLifecycle,
  vmLifecycle,
} from '@xenplane/domain';
import { asRef, isClassName, messages, XenError, type Ref } from '@xenplane/model';
import type { Row } from '@xenplane/store';
import { Later } from '@xenplane/work';
import type { Context } from '../core/context';
import { busyMarksOf, type BusyMark } from './busy-marks';
import { markBusy } from './busy-marks';
import { hostFromTx, srFromTx, vbdFromTx, vdiFromTx, vifFromTx, lockedVm } from './lifecycle-subjects';
import { rulesOf } from '../registry/operation-rules';
import { requestCancel } from '../tables/operations/operations';

/** How long xapi keeps trying when another operation is in progress. */
export const busyLimitMs = 2 * 3600 * 1000;
export const isBusy = (error: unknown): error is XenError =>
  error instanceof XenError && error.code === 'OTHER_OPERATION_IN_PROGRESS';

/** An operation that a scheduler runs waits for a busy object without holding a place. */
export const laterIfBusy = (error: unknown): unknown =>
  isBusy(error) ? new Later(500, busyLimitMs, error) : error;

type In = Pick<Context, 'tx'>;
interface Question {
  readonly force?: boolean;
}

export async function admitVm(
  { tx }: In,
  ref: Ref<'VM'>,
  op: vmLifecycle.VmOperation,
  question: Question = {},
): Promise<Row<'VM'>> {
  const subject = await lockedVm(tx, ref);
  const refused = vmLifecycle.refusal(op, subject, question);
  if (refused) throw refused;
  return subject.vm;
}
export async function admitVbd(
  { tx }: In,
  ref: Ref<'VBD'>,
  op: vbdLifecycle.VbdOperation,
): Promise<Row<'VBD'>> {
  const vbd = await tx.lock('VBD', ref);
  const refused = vbdLifecycle.refusal(op, await vbdFromTx(tx, vbd));
  if (refused) throw refused;
  return vbd;
}
export async function admitVif(
  { tx }: In,
  ref: Ref<'VIF'>,
  op: vifLifecycle.VifOperation,
): Promise<Row<'VIF'>> {
  const vif = await tx.lock('VIF', ref);
  const refused = vifLifecycle.refusal(op, await vifFromTx(tx, vif));
  if (refused) throw refused;
  return vif;
}
export async function admitVdi(
  { tx }: In,
  ref: Ref<'VDI'>,
  op: vdiLifecycle.VdiOperation,
): Promise<Row<'VDI'>> {
  const vdi = await tx.lock('VDI', ref);
  const refused = vdiLifecycle.refusal(op, await vdiFromTx(tx, vdi));
  if (refused) throw refused;
  if (!vdi.managed && op !== 'update') throw new XenError('VDI_NOT_MANAGED', ref);
  return vdi;
}

export async function admitAppliance(
  { tx }: In,
  ref: Ref<'VM_appliance'>,
  op: vmApplianceLifecycle.ApplianceOperation,
): Promise<Row<'VM_appliance'>> {
  const appliance = await tx.lock('VM_appliance', ref);
  const states = (await tx.find('VM', { appliance: ref })).map((vm) => vm.power_state);
  const refused = vmApplianceLifecycle.refusal(op, { ref, appliance, states });
  if (refused) throw refused;
  return appliance;
}
export async function admitSr({ tx }: In, ref: Ref<'SR'>, op: srLifecycle.SrOperation): Promise<Row<'SR'>> {
  return allowed({ tx }, await tx.lock('SR', ref), op);
}
/** The same for what changes nothing of the repository but its sums: many disks are made at once. */
export async function assertSrAllows(
  { tx }: In,
  ref: Ref<'SR'>,
  op: srLifecycle.SrOperation,
): Promise<Row<'SR'>> {
  return allowed({ tx }, await tx.get('SR', ref), op);
}
async function allowed({ tx }: In, sr: Row<'SR'>, op: srLifecycle.SrOperation): Promise<Row<'SR'>> {
  const refused = srLifecycle.refusal(op, await srFromTx(tx, sr));
  if (refused) throw refused;
  return sr;
}
export async function admitHost(
  { tx }: In,
  ref: Ref<'host'>,
  op: hostLifecycle.HostOperation,
): Promise<Row<'host'>> {
  const host = await tx.lock('host', ref);
  const refused = hostLifecycle.refusal(op, await hostFromTx(tx, host));
  if (refused) throw refused;
  return host;
}
async function admitPool({ tx }: In, ref: Ref<'pool'>, op: poolLifecycle.PoolOperation): Promise<void> {
  const pool = await tx.lock('pool', ref);
  const refused = poolLifecycle.refusal(op, { ref, pool, clusters: 0 });
  if (refused) throw refused;
}

type Args = Readonly<Record<string, unknown>>;

async function admitOne(context: Context, cls: string, ref: string, op: string, args: Args): Promise<void> {
  const force = args['force'] === true || (args['options'] as Args | undefined)?.['force'] === 'true';
  if (cls === 'VM') await admitVm(context, asRef(ref), op as vmLifecycle.VmOperation, { force });
  else if (cls === 'VBD') await admitVbd(context, asRef(ref), op as vbdLifecycle.VbdOperation);
  else if (cls === 'host') await admitHost(context, asRef(ref), op as hostLifecycle.HostOperation);
  else if (cls === 'VIF') await admitVif(context, asRef(ref), op as vifLifecycle.VifOperation);
  else if (cls === 'VM_appliance')
    await admitAppliance(context, asRef(ref), op as vmApplianceLifecycle.ApplianceOperation);
  else if (cls === 'pool') await admitPool(context, asRef(ref), op as poolLifecycle.PoolOperation);
  else await admitVdi(context, asRef(ref), op as vdiLifecycle.VdiOperation);
}

/** Checks what an operation takes and marks it as busy under the operation's task. */
export async function admitMarked(context: Context, method: string, args: Args): Promise<void> {
  const marks = await admit(context, method, args);
  if (context.task) await markBusy(context.tx, context.task, marks);
}

/** Checks what an operation takes, and locks it; the caller marks it. */
export async function admit(context: Context, method: string, args: Args): Promise<readonly BusyMark[]> {
  const rules = rulesOf(method);
  const marks = busyMarksOf(method, args);
  if (marks.length === 0) await assertThere(context, method, args);
  // Asked at once, which is one round trip; the first refusal in this order is the answer.
  const checked = marks.filter(({ unchecked }) => !unchecked);
  const answers = [
    ...checked.map(({ cls, ref, op }) => admitOne(context, cls, ref, op, args)),
    rules.admit?.(context, args),
  ];
  for (const answer of answers) answer?.catch(() => undefined);
  for (const answer of answers) await answer;
  if (rules.preempts)
    await preempt(
      context,
      marks.map((m) => m.ref),
    );
  return marks;
}

/** An object that gets no mark must still be there. */
async function assertThere({ tx }: Context, method: string, args: Args): Promise<void> {
  const [first] = messages.get(method)?.params ?? [];
  const cls = first?.type.kind === 'ref' ? (first.type.cls ?? '') : '';
  if (first && isClassName(cls)) await tx.get(cls, asRef(String(args[first.name])));
}

/** Asks what is under way on the VMs to stop. */
async function preempt({ tx, task }: Context, refs: readonly string[]): Promise<void> {
  for (const vm of await tx.getMany('VM', refs)) {
    const others = Object.keys(vm.current_operations).filter((other) => other !== task);
    if (others.length > 0) await requestCancel(tx, others);
  }
}
