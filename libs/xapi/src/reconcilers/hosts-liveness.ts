/**
 * Fences hosts whose lease was not renewed. A host is fenced only after this process itself, on its own monotonic clock,
 * has seen one and the same lease number for longer than any clock error lets the host believe in it (R6); and only if the
 * number is still the same when the fence commits.
 */
import { clockRateError, watchdogKillMs } from '@xenplane/hypervisor';
import { asRef } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import type { Plane } from '../core/context';
import { endRunsOfHost } from '../tables/runs/halted-runs';
import { alertLostHosts } from '../tables/runs/lost-runs';
import { showAlive } from '../fleet/registrations';
import { alertHostLost } from './protected-vms';
import { liveLeases, lockLease, markHostLost, type Lease } from '../tables/runs/agents';

export class HostsLiveness {
  private readonly seen = new Map<string, Lease & { readonly since: number }>();

  constructor(private readonly plane: Plane) {}

  async reconcile(): Promise<{ readonly fenced: readonly string[] }> {
    const leases = await liveLeases(this.plane.store);
    const fenced: string[] = [];
    for (const lease of leases) if (this.isStale(lease) && (await this.fence(lease))) fenced.push(lease.host);
    const present = new Set(leases.map((l) => l.host));
    for (const host of this.seen.keys()) if (!present.has(host)) this.seen.delete(host);
    return { fenced };
  }

  private isStale(lease: Lease): boolean {
    const before = this.seen.get(lease.host);
    const now = this.plane.clock.monotonic();
    if (!before || before.lease_seq !== lease.lease_seq || before.host_epoch !== lease.host_epoch) {
      this.seen.set(lease.host, { ...lease, since: now });
      return false;
    }
    return now - before.since > lease.lease_ms * (1 + clockRateError) + watchdogKillMs;
  }

  private async fence(lease: Lease): Promise<boolean> {
    return inTransaction(this.plane.store, async (tx) => {
      if (!(await lockLease(tx, lease))) return false;
      const { host } = lease;
      await markHostLost(tx, host);
      const vms = await endRunsOfHost(tx, this.plane, host, { lost: true });
      await showAlive(tx, [host], false);
      await alertLostHosts(tx, this.plane, 'HOST_LOST', [asRef<'host'>(host)]);
      await alertHostLost(tx, this.plane, host, vms);
      this.plane.log.warn({ host, vms: vms.length }, 'host fenced');
      return true;
    });
  }
}
