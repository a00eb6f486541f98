/** How the VMs of an anti-affinity group are spread now: a wish that placement follows where it can. */
import type { Candidate } from '@xenplane/domain';
import type { Ref, StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

/** The group of a VM that wants to be apart from its like; most VMs are in none, and cost nothing. */
export async function antiAffinityGroup(
  tx: Tx,
  { groups }: Pick<StoredRecord<'VM'>, 'groups'>,
): Promise<Ref<'VM_group'> | undefined> {
  const found = groups.length === 0 ? [] : await tx.getMany('VM_group', groups);
  return found.find((group) => group.placement === 'anti_affinity')?.ref;
}

/** The hosts, each with how many VMs of the group have a place there. */
export async function countingGroup(
  tx: Tx,
  group: Ref<'VM_group'>,
  hosts: readonly Candidate[],
): Promise<readonly Candidate[]> {
  const rows = await tx.query<{ host: string; vms: number }>(
    'SELECT r.host, count(*)::int AS vms FROM vm v JOIN reservation r ON r.vm = v.ref WHERE $1 = ANY(v.groups) GROUP BY r.host',
    [group],
  );
  const counts = new Map(rows.map((row) => [row.host, row.vms]));
  return hosts.map((host) => ({ ...host, groups: { [group]: counts.get(host.ref) ?? 0 } }));
}
