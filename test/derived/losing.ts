/** A host loses its lease, as seen by the control plane: nothing has to be waited for. */
import { clockRateError, watchdogKillMs } from '@xenplane/hypervisor';
import { HostsLiveness, type Plane } from '@xenplane/xapi';
import { eventually } from '../world';

/** Its lease is over by all that this process knows; a host that lives finds that out when it renews next. The others have renewed meanwhile. */
export async function lose(plane: Plane, host: string): Promise<void> {
  let now = 0;
  const { clock, store, settings } = plane;
  const liveness = new HostsLiveness({
    ...plane,
    clock: { now: () => clock.now(), wait: (ms) => clock.wait(ms), monotonic: () => now },
  });
  await eventually(async () => {
    await liveness.reconcile();
    now += settings.leaseMs * (1 + clockRateError) + watchdogKillMs + 1;
    await store.query('UPDATE host_lease SET lease_seq = lease_seq + 1 WHERE host <> $1', [host]);
    if (!(await liveness.reconcile()).fenced.includes(host))
      throw new Error('the host has renewed meanwhile');
  });
}
