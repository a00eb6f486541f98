/** GPUs and USB devices that VMs are given: which hosts have them, who gets which, and that they are given back. */
import { graphics, type Candidate, type Guest } from '@xenplane/domain';
import { asRef, nullRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Attached } from './specs';

export interface HostGpu extends graphics.Gpu {
  readonly host: string;
}

/** Those with this value in a field, each with the types that it serves or is to serve. */
export async function gpusWhere(tx: Tx, field: 'ref' | 'GPU_group' | 'host', value: string | readonly string[]): Promise<HostGpu[]> {
  const rows = await tx.query<Omit<HostGpu, 'group' | 'residents'> & { gpu_group: string | null; residents: string[] | null }>(
    `SELECT p.ref, p.host, p."GPU_group" AS gpu_group, p."supported_VGPU_types" AS supported, p."enabled_VGPU_types" AS enabled, p."supported_VGPU_max_capacities" AS most,
            (SELECT array_agg(v.type) FROM vgpu v WHERE p.ref IN (v.resident_on, v.scheduled_to_be_resident_on)) AS residents
     FROM pgpu p WHERE p."${field}" = ANY($1) ORDER BY p.ref`,
    [typeof value === 'string' ? [value] : value],
  );
  return rows.map(({ gpu_group, residents, ...row }) => ({ ...row, group: gpu_group ?? '', residents: residents ?? [] }));
}

/** The VMs that use a GPU or are about to, through any of these types or through any at all. */
export async function residentVms(tx: Tx, pgpu: Ref<'PGPU'>, types?: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ vm: string }>(
    'SELECT DISTINCT v."VM" AS vm FROM vgpu v WHERE $1 IN (v.resident_on, v.scheduled_to_be_resident_on) AND ($2::text[] IS NULL OR v.type = ANY($2)) ORDER BY 1',
    [pgpu, types ?? null],
  );
  return rows.map((r) => r.vm);
}

/** The hosts with their GPUs and USB devices, for a guest that asks for such; for all others nothing is read. */
export async function equipped(tx: Tx, { gpus, usbGroups }: Pick<Attached, 'gpus' | 'usbGroups'>, hosts: readonly Candidate[]): Promise<readonly Candidate[]> {
  if (gpus.length === 0 && usbGroups.length === 0) return hosts;
  const groups = [...new Set(gpus.map((wish) => wish.group))];
  const found = groups.length > 0 ? await gpusWhere(tx, 'GPU_group', groups) : [];
  const sticks = await tx.query<{ host: string; usb_group: string }>(
    'SELECT host, "USB_group" AS usb_group FROM pusb WHERE passthrough_enabled AND "USB_group" = ANY($1)',
    [usbGroups],
  );
  return hosts.map((host) => ({
    ...host,
    gpus: found.filter((gpu) => gpu.host === host.ref),
    usbGroups: new Set(sticks.filter((s) => s.host === host.ref).map((s) => s.usb_group)),
  }));
}

/** Chooses for each virtual GPU its physical one on the host, alone among all who choose there; false when others were faster. */
export async function takeGpus(tx: Tx, guest: Guest, host: string): Promise<boolean> {
  const wishes = guest.gpus ?? [];
  if (wishes.length === 0) return true;
  await tx.query('UPDATE vgpu SET scheduled_to_be_resident_on = NULL WHERE "VM" = $1 AND scheduled_to_be_resident_on IS NOT NULL', [guest.ref]);
  await tx.query('SELECT ref FROM pgpu WHERE host = $1 ORDER BY ref FOR UPDATE', [host]);
  const { chosen, missing } = graphics.allot(await gpusWhere(tx, 'host', host), wishes);
  if (missing) return false;
  for (const [vgpu, pgpu] of chosen) await tx.query('UPDATE vgpu SET scheduled_to_be_resident_on = $2 WHERE ref = $1', [vgpu, pgpu]);
  return true;
}

/** What the VMs had of the hardware of hosts is free again. */
export async function freePassedDevices(tx: Tx, vms: readonly string[]): Promise<void> {
  await tx.query(
    `WITH usbs AS (UPDATE vusb SET currently_attached = false, current_operations = '{}' WHERE "VM" = ANY($1) AND (currently_attached OR current_operations <> '{}'))
     UPDATE vgpu SET currently_attached = false, resident_on = NULL, scheduled_to_be_resident_on = NULL
     WHERE "VM" = ANY($1) AND (currently_attached OR resident_on IS NOT NULL OR scheduled_to_be_resident_on IS NOT NULL)`,
    [vms],
  );
}

/** Virtual GPUs are copied with their VM; a USB device is only one VM's. */
export async function copyVgpus(tx: Tx, from: Ref<'VM'>, to: Ref<'VM'>, newUuid: () => string): Promise<void> {
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
