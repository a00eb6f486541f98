/**
 * Fences hosts whose lease was not renewed. A host is fenced only after this process itself, on its own monotonic clock,
 * has seen one and the same lease number for longer than any clock error lets the host believe in it (R6); and only if the
 * number is still the same when the fence commits.
 */
import { clockRateError, watchdogKillMs } from '@xenplane/hypervisor';
import { asRef } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import type { Plane } from '../core/context';
import { endRunsOfHost } from '../runs/halted-runs';
import { alertLostHosts } from '../runs/lost-runs';
import { showAlive } from '../fleet/registrations';
import { alertHostLost } from './protected-vms';

interface Lease {
  readonly host: string;
  readonly host_epoch: number;
  readonly lease_seq: number;
  /** How long the host may believe in it. */
  readonly lease_ms: number;
}

export class HostsLiveness {
  private readonly seen = new Map<string, Lease & { readonly since: number }>();

  constructor(private readonly plane: Plane) {}

  async reconcile(): Promise<{ readonly fenced: readonly string[] }> {
    const leases = await this.plane.store.query<Lease & { host: string }>(
      'SELECT host, host_epoch, lease_seq, lease_ms FROM host_lease WHERE alive',
    );
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

  private async fence({ host, host_epoch, lease_seq }: Lease): Promise<boolean> {
    return inTransaction(this.plane.store, async (tx) => {
      // The host's row first, as in every other transaction that changes both; then no renewal can pass any more.
      await tx.query('SELECT 1 FROM host_run WHERE host = $1 FOR UPDATE', [host]);
      const stale = await tx.query(
        'SELECT 1 FROM host_lease WHERE host = $1 AND host_epoch = $2 AND lease_seq = $3 AND alive FOR UPDATE',
        [host, host_epoch, lease_seq],
      );
      if (stale.length === 0) return false;
      await tx.query('UPDATE host_run SET alive = false, lost = true WHERE host = $1', [host]);
      const vms = await endRunsOfHost(tx, this.plane, host, { lost: true });
      await showAlive(tx, [host], false);
      await alertLostHosts(tx, this.plane, 'HOST_LOST', [asRef<'host'>(host)]);
      await alertHostLost(tx, this.plane, host, vms);
      this.plane.log.warn({ host, vms: vms.length }, 'host fenced');
      return true;
    });
  }
}
