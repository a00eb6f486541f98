/** Whether VMs can be started now, and if not, what is missing. */
import type { Plane } from './context';
import { masterElsewhere } from './slave';

export interface Readiness {
  readonly missing: readonly string[];
  readonly hosts: number;
}

export async function readiness(plane: Plane, expectedHosts: number): Promise<Readiness> {
  const missing: string[] = [];
  const hosts = await plane.store.query<{ n: number }>('SELECT count(*)::int AS n FROM host_run WHERE alive AND accepting', []).then(
    ([row]) => row?.n ?? 0,
    () => {
      missing.push('database');
      return 0;
    },
  );
  if (hosts < Math.max(1, expectedHosts)) missing.push(`hosts (${hosts} of ${Math.max(1, expectedHosts)})`);
  const { attended } = plane.addresses;
  if (attended !== undefined && attended < hosts) missing.push(`addresses of hosts (${attended} of ${hosts})`);
  const master = await masterElsewhere(plane.store).catch(() => undefined);
  if (master !== undefined) missing.push(`its host, which is a member of the pool at ${master}`);
  if (!(await plane.doorbell.served())) missing.push('scheduler');
  return { missing, hosts };
}
