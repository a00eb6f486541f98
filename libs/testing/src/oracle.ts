/** Invariants of every pool at rest, whatever has happened to it: read from the database alone, complaint by complaint. */
import type { Store } from '@xenplane/store';

interface Rule {
  readonly says: string;
  readonly broken: string;
}
const rules: readonly Rule[] = [
  {
    says: 'I4: free memory is the total less Dom0, hypervisor and reservations',
    broken: `SELECT r.host AS place FROM host_run r JOIN host h ON h.ref = r.host JOIN vm d ON d.ref = h.control_domain
             WHERE r.memory_free <> r.memory_total - d.memory_static_max - h.memory_overhead - coalesce((SELECT sum(memory) FROM reservation s WHERE s.host = r.host), 0)`,
  },
  {
    says: 'I4: VMs and vCPUs placed are those reserved',
    broken: `SELECT r.host AS place FROM host_run r WHERE (r.vms_placed, r.vcpus_placed) <> (SELECT count(*), coalesce(sum(vcpus), 0) FROM reservation s WHERE s.host = r.host)`,
  },
  {
    says: 'every reservation belongs to a present run',
    broken: `SELECT s.vm AS place FROM reservation s LEFT JOIN vm_run r ON r.vm = s.vm AND r.vm_epoch = s.vm_epoch AND r.host = s.host WHERE r.vm IS NULL OR r.state = 'H'`,
  },
  {
    says: 'every present run has its reservation',
    broken: `SELECT r.vm AS place FROM vm_run r LEFT JOIN reservation s ON s.vm = r.vm AND s.vm_epoch = r.vm_epoch WHERE r.state <> 'H' AND s.vm IS NULL`,
  },
  {
    says: 'I3: a VM is shown up where it runs, and only there',
    broken: `SELECT v.ref AS place FROM vm v LEFT JOIN vm_run r ON r.vm = v.ref AND r.state = 'R' WHERE NOT v.is_control_domain AND ((v.power_state IN ('Running', 'Paused')) <> (r.vm IS NOT NULL) OR v.resident_on IS DISTINCT FROM r.host)`,
  },
  {
    says: 'I9: nothing is marked as busy by work that is over',
    broken: `SELECT v.ref AS place FROM (SELECT ref, current_operations AS c FROM vm UNION ALL SELECT ref, current_operations FROM vbd UNION ALL SELECT ref, current_operations FROM vif UNION ALL SELECT ref, current_operations FROM vdi UNION ALL SELECT ref, current_operations FROM host) v, jsonb_object_keys(v.c) AS task WHERE NOT EXISTS (SELECT 1 FROM operation o WHERE o.ref = task AND o.state <> 'done') AND NOT EXISTS (SELECT 1 FROM transfer t WHERE t.task = task)`,
  },
  {
    says: 'nothing is on its way to a host without work that brings it there',
    broken: `SELECT ref AS place FROM vm WHERE scheduled_to_be_resident_on IS NOT NULL AND current_operations = '{}'`,
  },
  {
    says: 'I5: a task whose work is done has ended',
    broken: `SELECT t.ref AS place FROM task t JOIN operation o ON o.ref = t.ref AND o.state = 'done' WHERE t.status = 'pending'`,
  },
  {
    says: 'devices are attached only to VMs that are up or suspended',
    broken: `SELECT b.ref AS place FROM vbd b JOIN vm v ON v.ref = b."VM" WHERE b.currently_attached AND v.power_state = 'Halted'`,
  },
  {
    says: 'a suspended VM has its suspend disk, others have none',
    broken: `SELECT ref AS place FROM vm WHERE (power_state = 'Suspended') <> ("suspend_VDI" IS NOT NULL) AND NOT is_a_snapshot`,
  },
  {
    says: 'every disk has contents: a top layer of its own that is not sealed',
    broken: `SELECT d.ref AS place FROM vdi d LEFT JOIN vdi_layer v ON v.vdi = d.ref LEFT JOIN layer l ON l.id = v.layer WHERE d.managed AND (l.id IS NULL OR l.sealed OR l.owner IS DISTINCT FROM d.ref)`,
  },
  {
    says: 'a disk takes on the medium what the layers counted for it take',
    broken: `SELECT d.ref AS place FROM vdi d WHERE d.physical_utilisation <> (SELECT coalesce(sum(bytes + charge), 0) FROM layer l WHERE l.owner = d.ref)`,
  },
  {
    says: 'the sums of a repository are those of its disks',
    broken: `SELECT s.ref AS place FROM sr s WHERE (s.virtual_allocation, s.physical_utilisation) <> (SELECT coalesce(sum(virtual_size) FILTER (WHERE managed), 0), coalesce(sum(physical_utilisation), 0) FROM vdi WHERE "SR" = s.ref)`,
  },
  {
    says: 'a layer on which others lie is sealed',
    broken: `SELECT l.id AS place FROM layer l WHERE NOT l.sealed AND EXISTS (SELECT 1 FROM layer c WHERE c.parent = l.id)`,
  },
  {
    says: 'a disk lies on base copies of its own repository, each of which has a layer and something that lies on it',
    broken: `SELECT d.ref AS place FROM vdi d LEFT JOIN vdi b ON b.uuid = d.sm_config->>'vhd-parent' WHERE d.sm_config->>'vhd-parent' IS NOT NULL AND (b.ref IS NULL OR b.managed OR b."SR" <> d."SR")
             UNION ALL SELECT b.ref FROM vdi b WHERE NOT b.managed AND (NOT EXISTS (SELECT 1 FROM layer l WHERE l.owner = b.ref) OR NOT EXISTS (SELECT 1 FROM vdi c WHERE c.sm_config->>'vhd-parent' = b.uuid))`,
  },
  {
    says: 'layers are counted for disks that there are',
    broken: `SELECT l.id AS place FROM layer l LEFT JOIN vdi d ON d.ref = l.owner WHERE l.owner IS NOT NULL AND d.ref IS NULL`,
  },
];

/** The rules that do not hold, each with an object that breaks it. */
export async function complaints(store: Store): Promise<string[]> {
  const found: string[] = [];
  for (const { says, broken } of rules) {
    const rows = await store.query<{ place: string }>(broken);
    if (rows.length > 0) found.push(`${says}: ${rows.length} times, as at ${rows[0]?.place}`);
  }
  return found;
}
