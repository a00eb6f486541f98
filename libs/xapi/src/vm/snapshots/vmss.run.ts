/** One run of a snapshot schedule: each VM gets its snapshot, the oldest beyond those to keep go, and messages say how it went. */
import { asRef, classes, type OperationParams, type Ref, type StoredRecord } from '@xenplane/model';
import { decodeTaskResult } from '@xenplane/wire';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { raiseAlert } from '../../core/alerts';
import { dropSnapshot } from './vm-snapshot';
import {
  endedChildren,
  beginChildOperations,
  type ChildOperation,
  type EndedChild,
} from '../../begin/child-operations';
import { dateTime, type Plane } from '../../core/context';

type Vmss = StoredRecord<'VMSS'>;
interface Member {
  readonly vm: Ref<'VM'>;
  readonly uuid: string;
  readonly name: string;
}
interface Begun {
  readonly vms: readonly Member[];
  readonly children: readonly ChildOperation[];
  readonly time: string;
}

export const vmssOperations = (plane: Plane) => ({
  snapshot_now: async (
    run: Run<Tx>,
    { vmss }: OperationParams<typeof classes.VMSS, 'snapshot_now'>,
  ): Promise<string> => {
    const { vms, children, time } = await run.commit('begin', (tx) => begin(plane, tx, vmss));
    const ends = await endedChildren(plane, run, 'snapshots', (tx) =>
      beginChildOperations(plane, tx, run, children),
    );
    return run.conclude('end', (tx) => finish(plane, tx, vmss, { vms, ends, time }));
  },
});

const methods = {
  snapshot: 'VM.snapshot',
  checkpoint: 'VM.checkpoint',
  snapshot_with_quiesce: 'VM.snapshot_with_quiesce',
} as const;

async function begin(plane: Plane, tx: Tx, ref: Ref<'VMSS'>): Promise<Begun> {
  const vmss = await tx.get('VMSS', ref);
  const time = dateTime(plane.clock.now());
  const vms = (await tx.find('VM', { snapshot_schedule: ref })).map((vm): Member => ({
    vm: vm.ref,
    uuid: vm.uuid,
    name: vm.name_label,
  }));
  const children = vms.map(({ vm, name }): ChildOperation => {
    const args = { vm, new_name: `${name}-${vmss.name_label}-${time}` };
    return {
      method: methods[vmss.type],
      args: vmss.type === 'snapshot' ? { ...args, ignore_vdis: [] } : args,
    };
  });
  return { vms, children, time };
}

interface Outcome {
  readonly vms: readonly Member[];
  readonly ends: readonly EndedChild[];
  readonly time: string;
}
async function finish(plane: Plane, tx: Tx, ref: Ref<'VMSS'>, { vms, ends, time }: Outcome): Promise<string> {
  const vmss = await tx.lock('VMSS', ref);
  const failures: string[] = [];
  for (const [i, member] of vms.entries()) {
    const end = ends[i];
    if (end?.succeeded) await keep(tx, vmss, member.vm, end);
    else failures.push(`${member.uuid}: ${end?.error.join(' ') ?? ''}`);
    const name = end?.succeeded ? 'VMSS_SNAPSHOT_SUCCEEDED' : 'VMSS_SNAPSHOT_FAILED';
    const body = `VM '${member.name}' (uuid: ${member.uuid})${end?.succeeded ? '' : `: ${end?.error.join(' ') ?? ''}`}`;
    await raiseAlert(tx, plane, {
      name,
      priority: end?.succeeded ? 5 : 3,
      cls: 'VMSS',
      obj_uuid: vmss.uuid,
      body,
    });
  }
  await tx.update('VMSS', ref, { last_run_time: vmss.last_run_time > time ? vmss.last_run_time : time });
  return failures.length === 0
    ? `${vms.length} snapshots taken`
    : `${vms.length - failures.length} snapshots taken, ${failures.length} failed: ${failures.join('; ')}`;
}

/** The new snapshot is the schedule's; of these each VM keeps the latest few. */
async function keep(
  tx: Tx,
  { retained_snapshots }: Vmss,
  vm: Ref<'VM'>,
  { result }: EndedChild,
): Promise<void> {
  const made = decodeTaskResult({ kind: 'ref', cls: 'VM' }, result);
  await tx.query('UPDATE vm SET is_vmss_snapshot = true WHERE ref = $1', [made]);
  const surplus = await tx.query<{ ref: string }>(
    `SELECT ref FROM vm WHERE snapshot_of = $1 AND is_vmss_snapshot AND current_operations = '{}' ORDER BY snapshot_time DESC, ref = $3 DESC, ref OFFSET $2`,
    [vm, retained_snapshots, made],
  );
  for (const { ref } of surplus) await dropSnapshot(tx, asRef<'VM'>(ref));
}
