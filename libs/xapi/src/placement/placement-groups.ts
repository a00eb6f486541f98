/** How the VMs of an anti-affinity group are spread now: a wish that placement follows where it can. */
import type { Candidate } from '@xenplane/domain';
import type { StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

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
  const rows = await tx.query<{ host: string; vm_group: string; vms: number }>(
    `SELECT r.host, g.ref AS vm_group, count(*)::int AS vms FROM unnest($1::text[]) g(ref) JOIN vm v ON g.ref = ANY(v.groups) JOIN reservation r ON r.vm = v.ref
     GROUP BY r.host, g.ref`,
    [[...groups]],
  );
  return hosts.map((host) => ({
    ...host,
    groups: Object.fromEntries(
      rows.flatMap((row) => (row.host === host.ref ? [[row.vm_group, row.vms]] : [])),
    ),
  }));
}
