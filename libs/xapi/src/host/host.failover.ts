/**
 * Starts elsewhere what ran on a host when it was lost. Without high availability nobody does that by itself. Refused while the host
 * has its lease: until that is over its guests may run. Each start is a task of its own under this one's; what runs already is left alone.
 */
import { classes, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { endedChildren, beginChildOperations, type EndedChild } from '../begin/child-operations';
import type { Plane } from '../core/context';
import { lockHostAlive } from '../tables/runs/host-runs';
import { restartableVms } from '../tables/runs/lost-runs';

/** So many starts are under way at once. */
const batchSize = 100;
const started = 'started';

export const hostFailover = (plane: Plane) => ({
  failover: async (
    run: Run<Tx>,
    { host }: OperationParams<typeof classes.host, 'failover'>,
  ): Promise<Record<string, string>> => {
    const vms = await run.commit('begin', (tx) => lostFrom(tx, host));
    const answers: [string, string][] = [];
    for (let from = 0; from < vms.length; from += batchSize) {
      const some = vms.slice(from, from + batchSize);
      const children = some.map((vm) => ({
        method: 'VM.start',
        args: { vm, start_paused: false, force: false },
      }));
      const ends = await endedChildren(plane, run, `start ${1 + from / batchSize}`, (tx) =>
        beginChildOperations(plane, tx, run, children),
      );
      answers.push(...some.map((vm, i): [string, string] => [vm, answerOf(ends[i])]));
      await run.progress((from + some.length) / (vms.length + 1));
    }
    return run.conclude('end', async (tx) => ({
      ...Object.fromEntries(answers),
      ...(await runningOf(tx, vms)),
    }));
  },
});

async function lostFrom(tx: Tx, host: Ref<'host'>): Promise<Ref<'VM'>[]> {
  await tx.get('host', host);
  if (await lockHostAlive(tx, host)) throw new XenError('HOST_IS_LIVE', host);
  return restartableVms(tx, host);
}

const answerOf = (end: EndedChild | undefined): string =>
  end?.succeeded ? started : (end?.error ?? []).join(' ');

/** Somebody else may have started it meanwhile. */
async function runningOf(tx: Tx, vms: readonly string[]): Promise<Record<string, string>> {
  const rows = await tx.query<{ ref: string }>(
    "SELECT ref FROM vm WHERE ref = ANY($1) AND power_state = 'Running'",
    [vms],
  );
  return Object.fromEntries(rows.map((r) => [r.ref, started]));
}
