/** GPUs and USB devices that VMs are given: which hosts have them, who gets which, and that they are given back. */
import { graphics, type Candidate, type Guest } from '@xenplane/domain';
import { asRef, nullRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { RequestedDevices } from '../placement/guests';

export interface HostGpu extends graphics.Gpu {
  readonly host: string;
}

/** Those with this value in a field, each with the types that it serves or is to serve. */
export async function gpusWhere(
  tx: Tx,
  field: 'ref' | 'GPU_group' | 'host',
  value: string | readonly string[],
): Promise<HostGpu[]> {
  const rows = await tx.query<
    Omit<HostGpu, 'group' | 'residents'> & { gpu_group: string | null; residents: string[] | null }
  >(
    `SELECT p.ref, p.host, p."GPU_group" AS gpu_group, p."supported_VGPU_types" AS supported, p."enabled_VGPU_types" AS enabled, p."supported_VGPU_max_capacities" AS most,
            (SELECT array_agg(v.type) FROM vgpu v WHERE p.ref IN (v.resident_on, v.scheduled_to_be_resident_on)) AS residents,
            EXISTS (SELECT 1 FROM passed_pci x WHERE x.pci = p."PCI") AS "isTaken"
     FROM pgpu p WHERE p."${field}" = ANY($1) ORDER BY p.ref`,
    [typeof value === 'string' ? [value] : value],
  );
  return rows.map(({ gpu_group, residents, ...row }) => ({
    ...row,
    group: gpu_group ?? '',
    residents: residents ?? [],
  }));
}

/** The VMs that use a GPU or are about to, through any of these types or through any at all. */
export async function residentVms(tx: Tx, pgpu: Ref<'PGPU'>, types?: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ vm: string }>(
    'SELECT DISTINCT v."VM" AS vm FROM vgpu v WHERE $1 IN (v.resident_on, v.scheduled_to_be_resident_on) AND ($2::text[] IS NULL OR v.type = ANY($2)) ORDER BY 1',
    [pgpu, types ?? null],
  );
  return rows.map((r) => r.vm);
}

/** The hosts with their GPUs, PCI and USB devices and their CPUs, for guests that ask for such; for all others nothing is read. */
export async function equipped(
  tx: Tx,
  { gpus, usbGroups, pcis, cpu }: RequestedDevices,
  hosts: readonly Candidate[],
): Promise<readonly Candidate[]> {
  if (cpu) return equipped(tx, { gpus, usbGroups, pcis, cpu: false }, await withCpus(tx, hosts));
  if (gpus.length === 0 && usbGroups.length === 0 && pcis.length === 0) return hosts;
  const cards = await pcisOf(tx, pcis);
  const groups = [...new Set(gpus.map((wish) => wish.group))];
  const found = groups.length > 0 ? await gpusWhere(tx, 'GPU_group', groups) : [];
  const sticks = await tx.query<{ host: string; usb_group: string }>(
    'SELECT host, "USB_group" AS usb_group FROM pusb WHERE passthrough_enabled AND "USB_group" = ANY($1)',
    [usbGroups],
  );
  return hosts.map((host) => ({
    ...host,
    gpus: found.filter((gpu) => gpu.host === host.ref).map(({ host: _host, ...gpu }) => gpu),
    usbGroups: new Set(sticks.filter((s) => s.host === host.ref).map((s) => s.usb_group)),
    ...(pcis.length > 0
      ? { pcis: new Map(cards.filter((c) => c.host === host.ref).map((c) => [c.pci_id, c.vm])) }
      : {}),
  }));
}

async function withCpus(tx: Tx, hosts: readonly Candidate[]): Promise<readonly Candidate[]> {
  const rows = await tx.query<{ ref: string; cpu: Record<string, string> }>(
    'SELECT ref, cpu_info AS cpu FROM host',
    [],
  );
  const cpus = new Map(rows.map(({ ref, cpu }) => [ref, cpu]));
  return hosts.map((host) => ({ ...host, cpu: cpus.get(host.ref) ?? {} }));
}

/** The PCI devices at these addresses, each with the VM that has it, or uses a part of its GPU. */
async function pcisOf(
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

/** Takes the PCI devices that the guest asks for on the host, and those of the GPUs that it is to have whole; false when another VM has one of them. */
export async function takePcis(tx: Tx, { ref, pcis = [], gpus = [] }: Guest, host: string): Promise<boolean> {
  if (pcis.length === 0 && !gpus.some((wish) => wish.passthrough)) return true;
  // A part of a GPU may have been given away meanwhile: whoever gives one away holds these rows.
  if (pcis.length > 0) await tx.query('SELECT ref FROM pgpu WHERE host = $1 ORDER BY ref FOR UPDATE', [host]);
  const [row] = await tx.query<{ free: boolean }>(
    `WITH gone AS (DELETE FROM passed_pci WHERE vm = $1 AND pci NOT IN (SELECT ref FROM pci WHERE host = $2)),
          named AS (SELECT ref FROM pci WHERE host = $2 AND pci_id = ANY($3)),
          whole AS (SELECT c."PCI" AS ref FROM vgpu v JOIN vgpu_type t ON t.ref = v.type AND t.implementation = 'passthrough' JOIN pgpu c ON c.ref = v.scheduled_to_be_resident_on WHERE v."VM" = $1),
          wanted AS (SELECT ref FROM named UNION SELECT ref FROM whole),
          shared AS (SELECT 1 FROM named n JOIN pgpu c ON c."PCI" = n.ref JOIN vgpu v ON c.ref IN (v.resident_on, v.scheduled_to_be_resident_on) WHERE v."VM" <> $1),
          taken AS (INSERT INTO passed_pci(pci, vm) SELECT ref, $1 FROM wanted WHERE ref NOT IN (SELECT pci FROM passed_pci WHERE vm = $1) ORDER BY ref ON CONFLICT (pci) DO NOTHING RETURNING pci)
     SELECT (SELECT count(*) FROM named) = cardinality($3) AND NOT EXISTS (SELECT 1 FROM shared)
        AND (SELECT count(*) FROM wanted) = (SELECT count(*) FROM taken) + (SELECT count(*) FROM passed_pci x JOIN wanted w ON w.ref = x.pci WHERE x.vm = $1) AS free`,
    [ref, host, pcis],
  );
  return row?.free ?? false;
}

/** Chooses for each virtual GPU its physical one on the host, alone among all who choose there; false when others were faster. */
export async function takeGpus(tx: Tx, guest: Guest, host: string): Promise<boolean> {
  const wishes = guest.gpus ?? [];
  if (wishes.length === 0) return true;
  await tx.query(
    `WITH cards AS (DELETE FROM passed_pci WHERE vm = $1)
     UPDATE vgpu SET scheduled_to_be_resident_on = NULL WHERE "VM" = $1 AND scheduled_to_be_resident_on IS NOT NULL`,
    [guest.ref],
  );
  await tx.query('SELECT ref FROM pgpu WHERE host = $1 ORDER BY ref FOR UPDATE', [host]);
  const { chosen, missing } = graphics.allot(await gpusWhere(tx, 'host', host), wishes);
  if (missing) return false;
  for (const [vgpu, pgpu] of chosen)
    await tx.query('UPDATE vgpu SET scheduled_to_be_resident_on = $2 WHERE ref = $1', [vgpu, pgpu]);
  return true;
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

/** Virtual GPUs are copied with their VM; a USB device is only one VM's. */
export async function copyVgpus(
  tx: Tx,
  from: Ref<'VM'>,
  to: Ref<'VM'>,
  newUuid: () => string,
): Promise<void> {
  for (const { ref: _ref, ...vgpu } of await tx.find('VGPU', { VM: from })) {
    const uuid = newUuid();
    await tx.insert('VGPU', asRef<'VGPU'>(`OpaqueRef:${uuid}`), {
      ...vgpu,
      uuid,
      VM: to,
      currently_attached: false,
      resident_on: nullRef(),
      scheduled_to_be_resident_on: nullRef(),
    });
  }
}
export async function removePassedDevices(tx: Tx, vm: Ref<'VM'>): Promise<void> {
  await tx.query('WITH gpus AS (DELETE FROM vgpu WHERE "VM" = $1) DELETE FROM vusb WHERE "VM" = $1', [vm]);
}
