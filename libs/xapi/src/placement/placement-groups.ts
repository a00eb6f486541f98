/** How the VMs of an anti-affinity group are spread now: a wish that placement follows where it can. */
import type { Candidate } from '@xenplane/domain';
import type { StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { placesOfGroups } from '../tables/runs/placements';

/** The groups in which VMs want to be apart from their like; most VMs are in none, and cost nothing. */
export async function antiAffinityGroups(
  tx: Tx,
  vms: readonly Pick<StoredRecord<'VM'>, 'groups'>[],
): Promise<ReadonlySet<string>> {
  const named = [...new Set(vms.flatMap(({ groups }) => groups))];
  const found = named.length === 0 ? [] : await tx.getMany('VM_group', named);
  return new Set(found.flatMap((group) => (group.placement === 'anti_affinity' ? [group.ref] : [])));
}

/** The hosts, each with how many VMs of each of the groups have a place there. */
export async function countingGroups(
  tx: Tx,
  groups: ReadonlySet<string>,
  hosts: readonly Candidate[],
): Promise<readonly Candidate[]> {
  if (groups.size === 0) return hosts;
  const rows = await placesOfGroups(tx, [...groups]);
  return hosts.map((host) => ({
    ...host,
    groups: Object.fromEntries(
      rows.flatMap((row) => (row.host === host.ref ? [[row.vm_group, row.vms]] : [])),
    ),
  }));
}
