/** GPUs and USB devices that VMs are given: which hosts have them, who gets which, and that they are given back. */
import { graphics, type Candidate, type Guest } from '@xenplane/domain';
import { asRef, nullRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { RequestedDevices } from '../placement/guests';
import { findGpus, findPcis, insertPassedPcis, releasePlannedGpus } from '../tables/passed-pcis';

export { freePassedDevices } from '../tables/passed-pcis';

export interface HostGpu extends graphics.Gpu {
  readonly host: string;
}

/** Those with this value in a field, each with the types that it serves or is to serve. */
export async function gpusWhere(
  tx: Tx,
  field: 'ref' | 'GPU_group' | 'host',
  value: string | readonly string[],
): Promise<HostGpu[]> {
  const rows = await findGpus(tx, field, typeof value === 'string' ? [value] : value);
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
  const cards = await findPcis(tx, pcis);
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

/** Takes the PCI devices that the guest asks for on the host, and those of the GPUs that it is to have whole; false when another VM has one of them. */
export async function takePcis(tx: Tx, { ref, pcis = [], gpus = [] }: Guest, host: string): Promise<boolean> {
  if (pcis.length === 0 && !gpus.some((wish) => wish.passthrough)) return true;
  // A part of a GPU may have been given away meanwhile: whoever gives one away holds these rows.
  if (pcis.length > 0) await tx.query('SELECT ref FROM pgpu WHERE host = $1 ORDER BY ref FOR UPDATE', [host]);
  return insertPassedPcis(tx, ref, host, pcis);
}

/** Chooses for each virtual GPU its physical one on the host, alone among all who choose there; false when others were faster. */
export async function takeGpus(tx: Tx, guest: Guest, host: string): Promise<boolean> {
  const wishes = guest.gpus ?? [];
  if (wishes.length === 0) return true;
  await releasePlannedGpus(tx, guest.ref);
  await tx.query('SELECT ref FROM pgpu WHERE host = $1 ORDER BY ref FOR UPDATE', [host]);
  const { chosen, missing } = graphics.allot(await gpusWhere(tx, 'host', host), wishes);
  if (missing) return false;
  for (const [vgpu, pgpu] of chosen)
    await tx.query('UPDATE vgpu SET scheduled_to_be_resident_on = $2 WHERE ref = $1', [vgpu, pgpu]);
  return true;
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
