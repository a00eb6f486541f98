/** The table `passed_pci`: which VM has which PCI device, or is about to have it; a GPU that is given whole is one of them. */
import type { Tx } from '@xenplane/store';

interface GpuRow extends Record<string, unknown> {
  readonly ref: string;
  readonly host: string;
  readonly gpu_group: string | null;
  readonly supported: readonly string[];
  readonly enabled: readonly string[];
  readonly most: Readonly<Record<string, number>>;
  readonly residents: string[] | null;
  readonly isTaken: boolean;
}
/** The GPUs with one of these values in a field, with the types of the virtual GPUs on them; taken: passed whole to a VM. */
export const findGpus = (
  tx: Tx,
  field: 'ref' | 'GPU_group' | 'host',
  values: readonly string[],
): Promise<GpuRow[]> =>
  tx.query<GpuRow>(
    `SELECT p.ref, p.host, p."GPU_group" AS gpu_group, p."supported_VGPU_types" AS supported, p."enabled_VGPU_types" AS enabled, p."supported_VGPU_max_capacities" AS most,
            (SELECT array_agg(v.type) FROM vgpu v WHERE p.ref IN (v.resident_on, v.scheduled_to_be_resident_on)) AS residents,
            EXISTS (SELECT 1 FROM passed_pci x WHERE x.pci = p."PCI") AS "isTaken"
     FROM pgpu p WHERE p."${field}" = ANY($1) ORDER BY p.ref`,
    [values],
  );

/** The PCI devices at these addresses, each with the VM that has it, or uses a part of its GPU. Nothing is read when there are no addresses. */
export async function findPcis(
  tx: Tx,
  addresses: readonly string[],
): Promise<{ host: string; pci_id: string; vm: string }[]> {
  if (addresses.length === 0) return [];
  return tx.query(
    `SELECT p.host, p.pci_id, coalesce(x.vm, (SELECT v."VM" FROM pgpu g JOIN vgpu v ON g.ref IN (v.resident_on, v.scheduled_to_be_resident_on) WHERE g."PCI" = p.ref LIMIT 1), '') AS vm
     FROM pci p LEFT JOIN passed_pci x ON x.pci = p.ref WHERE p.pci_id = ANY($1)`,
    [addresses],
  );
}

/** Gives a VM the devices at these addresses of the host, and the GPUs that it is to have whole; false when another VM has one of them. */
export async function insertPassedPcis(
  tx: Tx,
  vm: string,
  host: string,
  addresses: readonly string[],
): Promise<boolean> {
  const [row] = await tx.query<{ free: boolean }>(
    `WITH gone AS (DELETE FROM passed_pci WHERE vm = $1 AND pci NOT IN (SELECT ref FROM pci WHERE host = $2)),
          named AS (SELECT ref FROM pci WHERE host = $2 AND pci_id = ANY($3)),
          whole AS (SELECT c."PCI" AS ref FROM vgpu v JOIN vgpu_type t ON t.ref = v.type AND t.implementation = 'passthrough' JOIN pgpu c ON c.ref = v.scheduled_to_be_resident_on WHERE v."VM" = $1),
          wanted AS (SELECT ref FROM named UNION SELECT ref FROM whole),
          shared AS (SELECT 1 FROM named n JOIN pgpu c ON c."PCI" = n.ref JOIN vgpu v ON c.ref IN (v.resident_on, v.scheduled_to_be_resident_on) WHERE v."VM" <> $1),
          taken AS (INSERT INTO passed_pci(pci, vm) SELECT ref, $1 FROM wanted WHERE ref NOT IN (SELECT pci FROM passed_pci WHERE vm = $1) ORDER BY ref ON CONFLICT (pci) DO NOTHING RETURNING pci)
     SELECT (SELECT count(*) FROM named) = cardinality($3) AND NOT EXISTS (SELECT 1 FROM shared)
        AND (SELECT count(*) FROM wanted) = (SELECT count(*) FROM taken) + (SELECT count(*) FROM passed_pci x JOIN wanted w ON w.ref = x.pci WHERE x.vm = $1) AS free`,
    [vm, host, addresses],
  );
  return row?.free ?? false;
}

/** Gives back the GPUs that were chosen for a VM, before others are. */
export async function releasePlannedGpus(tx: Tx, vm: string): Promise<void> {
  await tx.query(
    `WITH cards AS (DELETE FROM passed_pci WHERE vm = $1)
     UPDATE vgpu SET scheduled_to_be_resident_on = NULL WHERE "VM" = $1 AND scheduled_to_be_resident_on IS NOT NULL`,
    [vm],
  );
}

/** Frees the hardware that VMs had been given. */
export async function freePassedDevices(tx: Tx, vms: readonly string[]): Promise<void> {
  await tx.query(
    `WITH cards AS (DELETE FROM passed_pci WHERE vm = ANY($1) RETURNING vm),
          shown AS (UPDATE vm SET "attached_PCIs" = '{}' WHERE ref IN (SELECT vm FROM cards)),
          usbs AS (UPDATE vusb SET currently_attached = false, current_operations = '{}' WHERE "VM" = ANY($1) AND (currently_attached OR current_operations <> '{}'))
     UPDATE vgpu SET currently_attached = false, resident_on = NULL, scheduled_to_be_resident_on = NULL
     WHERE "VM" = ANY($1) AND (currently_attached OR resident_on IS NOT NULL OR scheduled_to_be_resident_on IS NOT NULL)`,
    [vms],
  );
}
