/** The places of VMs on hosts: taken with a run and a reservation in one statement, with the explanation of the choice in the table `placement`. */
import { policyKey } from '@xenplane/domain';
import { asRef, XenError, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { Superseded, type PlacedVm } from '../../core/agents';

export interface NewPlacement {
  readonly vm: Ref<'VM'>;
  readonly task: Ref<'task'>;
  readonly host: string;
  readonly memoryBytes: number;
  readonly vcpus: number;
  /** Repositories and networks that the host must reach still. */
  readonly srs: readonly string[];
  readonly networks: readonly string[];
  /** True if the plan of high availability is kept meanwhile. */
  readonly planned: boolean;
  readonly policy: string;
  readonly explanation: unknown;
}
/** The facts by which a host was chosen and which may have changed since, apart from its free memory. */
const stillReached = `NOT EXISTS (SELECT 1 FROM unnest($8::text[]) s(sr) WHERE NOT EXISTS (SELECT 1 FROM pbd p WHERE p."SR" = s.sr AND p.host = $2 AND p.currently_attached))
                     AND NOT EXISTS (SELECT 1 FROM unnest($9::text[]) n(network) WHERE NOT EXISTS (SELECT 1 FROM pif i WHERE i.network = n.network AND i.host = $2 AND i.bond_slave_of IS NULL))
                     AND coalesce((SELECT bool_or(ha_enabled) FROM pool), false) = $10`;

/** One statement: room taken, run begun, reservation and explanation written, or nothing at all (R3, R14). */
export async function commitPlacement(
  tx: Tx,
  { vm, task, memoryBytes, vcpus, srs, networks, host, planned, policy, explanation }: NewPlacement,
): Promise<PlacedVm | undefined> {
  const [row] = await tx.query<{ uuid: string; vm_epoch: number; host_epoch: number; ended: boolean }>(
    `WITH free AS (SELECT vm FROM vm_run WHERE vm = $1 AND state <> 'H'),
          room AS (UPDATE host_run SET memory_free = memory_free - $3, vcpus_placed = vcpus_placed + $4, vms_placed = vms_placed + 1
                   WHERE host = $2 AND alive AND accepting AND memory_free >= $3 AND NOT EXISTS (SELECT 1 FROM free) AND ${stillReached} RETURNING host, host_epoch),
          run AS (INSERT INTO vm_run(vm, vm_epoch, host, host_epoch, state, attempt, boots, domid, since, saved)
                  SELECT $1, nextval('vm_epochs'), host, host_epoch, 'A', 0, 1, -1, now(), NULL FROM room
                  ON CONFLICT (vm) DO UPDATE SET vm_epoch = excluded.vm_epoch, host = excluded.host, host_epoch = excluded.host_epoch, state = 'A', attempt = 0, boots = 1, domid = -1, claim_nonce = NULL, since = now()
                  RETURNING vm_epoch, host, host_epoch),
          reserved AS (INSERT INTO reservation(vm, vm_epoch, host, memory, vcpus) SELECT $1, vm_epoch, host, $3, $4 FROM run),
          explained AS (INSERT INTO placement(vm, task, host, policy, explanation) SELECT $1, $6, host, $7, $5::jsonb FROM run)
     UPDATE vm SET scheduled_to_be_resident_on = run.host FROM run WHERE vm.ref = $1 RETURNING vm.uuid, run.vm_epoch, run.host_epoch`,
    [
      vm,
      host,
      memoryBytes,
      vcpus,
      JSON.stringify(explanation),
      task,
      policy,
      srs,
      networks,
      planned,
    ],
  );
  return (
    row && {
      vm: row.uuid,
      vmEpoch: row.vm_epoch,
      host: asRef(host),
      hostEpoch: row.host_epoch,
    }
  );
}

/** True if the VM has a place already. */
export async function hasPlace(tx: Tx, vm: Ref<'VM'>): Promise<boolean> {
  return (await tx.query("SELECT 1 AS yes FROM vm_run WHERE vm = $1 AND state <> 'H'", [vm])).length > 0;
}

/** Makes the reservation of a running VM as big as it needs to be now; HOST_NOT_ENOUGH_FREE_MEMORY when its host has no more. */
export async function changeReservation(tx: Tx, vm: Ref<'VM'>, bytes: number): Promise<void> {
  const rows = await tx.query(
    `WITH mine AS (SELECT r.vm, r.vm_epoch, r.host, $2::bigint - r.memory AS more FROM reservation r JOIN vm_run v ON v.vm = r.vm AND v.vm_epoch = r.vm_epoch WHERE r.vm = $1 FOR UPDATE OF r),
          room AS (UPDATE host_run h SET memory_free = h.memory_free - m.more FROM mine m WHERE h.host = m.host AND h.memory_free >= m.more RETURNING h.host)
     UPDATE reservation r SET memory = $2 FROM mine m, room WHERE r.vm = m.vm AND r.vm_epoch = m.vm_epoch RETURNING r.vm`,
    [vm, bytes],
  );
  if (rows.length > 0) return;
  const [host] = await tx.query<{ memory_free: number }>(
    'SELECT h.memory_free FROM host_run h JOIN vm_run v ON v.host = h.host WHERE v.vm = $1',
    [vm],
  );
  throw host
    ? new XenError('HOST_NOT_ENOUGH_FREE_MEMORY', String(bytes), String(host.memory_free))
    : new Superseded(vm);
}

/** A host as placement sees it, with the sums of what is placed there. */
export interface HostRow extends Record<string, unknown> {
  ref: string;
  uuid: string;
  enabled: boolean;
  alive: boolean;
  memory_free: number;
  memory_total: number;
  vcpus_placed: number;
  vms_placed: number;
  pcpus: number;
  hvm: boolean;
  iommu: boolean;
  srs: string[] | null;
  networks: string[] | null;
  planned: boolean;
  policy: string | null;
}

const hostsQuery = `SELECT r.host AS ref, r.uuid, r.accepting AS enabled, r.alive, r.memory_free, r.memory_total, r.vcpus_placed, r.vms_placed, r.pcpus, h.capabilities @> '["hvm-3.0-x86_64"]'::jsonb AS hvm, coalesce(h.chipset_info ->> 'iommu' = 'true', false) AS iommu,
  (SELECT json_agg(p."SR") FROM pbd p WHERE p.host = r.host AND p.currently_attached) AS srs, (SELECT json_agg(n.network) FROM pif n WHERE n.host = r.host AND n.bond_slave_of IS NULL) AS networks,
  (SELECT bool_or(p.ha_enabled) FROM pool p) AS planned, (SELECT min(p.other_config ->> '${policyKey}') FROM pool p) AS policy,
  CASE WHEN row_number() OVER () = 1 THEN (SELECT json_object_agg(v.vm, v.vm_epoch) FROM vm_run v WHERE v.vm = ANY($1)) END AS shown FROM host_run r JOIN host h ON h.ref = r.host`;
/** All hosts; of these VMs, on the first row, the epochs of the runs that are in the sums. */
export const placementHosts = (
  tx: Tx,
  vms: readonly string[],
): Promise<(HostRow & { readonly shown: Record<string, number> | null })[]> =>
  tx.query<HostRow & { readonly shown: Record<string, number> | null }>(hostsQuery, [vms]);

/** How many VMs of each of the groups have a place on each host. */
export const placesOfGroups = (
  tx: Tx,
  groups: readonly string[],
): Promise<{ readonly host: string; readonly vm_group: string; readonly vms: number }[]> =>
  tx.query<{ host: string; vm_group: string; vms: number }>(
    `SELECT r.host, g.ref AS vm_group, count(*)::int AS vms FROM unnest($1::text[]) g(ref) JOIN vm v ON g.ref = ANY(v.groups) JOIN reservation r ON r.vm = v.ref
     GROUP BY r.host, g.ref`,
    [groups],
  );
