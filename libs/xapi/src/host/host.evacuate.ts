/** Empties a host: a plan, then its VMs in batches, each by a migration of its own with a task of its own under this one's. */
import { classes, errorFrom, isNullRef, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { beginChildOperations, endedChildren } from '../begin/child-operations';
import type { Plane } from '../core/context';
import { evacuationPlan, type EvacuatedVm } from './evacuation';

/** A plan is overtaken when a host goes away or fills up meanwhile: then there is another one for the VMs that are left. */
const mostPlans = 3;
const defaultBatch = 10;

export const hostEvacuate = (plane: Plane) => ({
  evacuate: async (
    run: Run<Tx>,
    { host, network, evacuate_batch_size }: OperationParams<typeof classes.host, 'evacuate'>,
  ): Promise<void> => {
    const leaving: EvacuatedVm = { host, patient: true, ...(isNullRef(network) ? {} : { network }) };
    const size = evacuate_batch_size > 0 ? evacuate_batch_size : defaultBatch;
    let failed: readonly string[] | undefined;
    for (let nth = 1; ; nth += 1) {
      const moves = await run.commit(`plan ${nth}`, (tx) => plan(tx, leaving));
      if (moves.length === 0) return run.conclude('end', async () => undefined);
      if (failed && nth > mostPlans) throw errorFrom(failed);
      for (let from = 0; from < moves.length; from += size) {
        const batch = await moveBatch(plane, run, `${nth}.${1 + from / size}`, {
          moves: moves.slice(from, from + size),
          network,
        });
        failed = batch ?? failed;
        await run.progress((from + size) / (moves.length + size));
      }
    }
  },
});

interface Batch {
  readonly moves: readonly { readonly vm: string; readonly host: string }[];
  readonly network: Ref<'network'>;
}

/** The first VM that cannot leave is the answer, before any is moved. */
async function plan(tx: Tx, leaving: EvacuatedVm): Promise<Batch['moves']> {
  const { moves, stuck } = await evacuationPlan(tx, leaving);
  const [first] = stuck.values();
  if (first) throw errorFrom(first);
  return moves;
}

/** Answers the error of a move that failed, when one did. The moves' tasks are parts of this one's. */
async function moveBatch(
  plane: Plane,
  run: Run<Tx>,
  name: string,
  { moves, network }: Batch,
): Promise<readonly string[] | undefined> {
  const options = { live: 'true', ...(isNullRef(network) ? {} : { network }) };
  const migrations = moves.map(({ vm, host }) => ({
    method: 'VM.pool_migrate',
    label: 'Async.VM.pool_migrate',
    args: { vm, host, options },
  }));
  const ends = await endedChildren(plane, run, `move ${name}`, (tx) =>
    beginChildOperations(plane, tx, run, migrations),
  );
  return ends.find((end) => !end.succeeded)?.error;
}
