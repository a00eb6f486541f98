/** Readiness to start VMs, with the parts that are missing. */
import type { Store } from '@xenplane/store';
import type { Plane } from '../core/context';
import { masterElsewhere } from '../tables/sessions/pool-membership';
import { liveLeases } from '../tables/runs/agents';
import { countAcceptingHosts } from '../tables/runs/host-runs';

export interface Readiness {
  readonly missing: readonly string[];
  readonly hosts: number;
}

/**
 * Hosts that the database had for alive when this process began, and of which nothing was heard since, by any process: they may have
 * died together with the whole control plane, and their VMs be shown as running. Each renews its lease soon, registers anew, or is fenced.
 */
export class UnheardHosts {
  private waiting: ReadonlyMap<string, string> | undefined;

  constructor(private readonly store: Store) {}

  /** Looks once more, unless all were heard of; answers how many were not. */
  async count(): Promise<number> {
    if (this.waiting?.size === 0) return 0;
    const leases = new Map(
      (await liveLeases(this.store)).map((one) => [one.host, `${one.host_epoch}/${one.lease_seq}`]),
    );
    this.waiting = new Map(
      [...(this.waiting ?? leases)].filter(([host, lease]) => leases.get(host) === lease),
    );
    return this.waiting.size;
  }
}

export async function readiness(
  plane: Plane,
  expectedHosts: number,
  unheardHosts: UnheardHosts,
): Promise<Readiness> {
  const missing: string[] = [];
  const hosts = await countAcceptingHosts(plane.store).catch(() => {
    missing.push('database');
    return 0;
  });
  if (hosts < Math.max(1, expectedHosts)) missing.push(`hosts (${hosts} of ${Math.max(1, expectedHosts)})`);
  const { attended } = plane.addresses;
  if (attended !== undefined && attended < hosts)
    missing.push(`addresses of hosts (${attended} of ${hosts})`);
  const unheard = await unheardHosts.count().catch(() => 0);
  if (unheard > 0) missing.push(`news of hosts (${unheard})`);
  const master = await masterElsewhere(plane.store).catch(() => undefined);
  if (master !== undefined) missing.push(`its host, which is a member of the pool at ${master}`);
  if (!(await plane.doorbell.served())) missing.push('scheduler');
  return { missing, hosts };
}
