/** The facts of an object that the lifecycles ask for, from the replica for reads and from a transaction for calls. */
import { isNullRef, type Ref, type StoredRecord, type XenRecord } from '@xenplane/model';
import {
  storage,
  type hostLifecycle,
  type poolLifecycle,
  type srLifecycle,
  type vbdLifecycle,
  type vdiLifecycle,
  type vifLifecycle,
  type vmLifecycle,
  type vusbLifecycle,
} from '@xenplane/domain';
import type { Replica, Row, Tx } from '@xenplane/store';
import { isHostAlive } from '../tables/runs/host-runs';

type Vm = StoredRecord<'VM'>;
type Vdi = StoredRecord<'VDI'>;
const noFeatures: ReadonlySet<string> = new Set();
const featuresOf = (type: string): ReadonlySet<string> =>
  new Set(storage.driverOf(type)?.features ?? noFeatures);
const known = <T>(values: readonly (T | undefined)[]): T[] => values.filter((v): v is T => v !== undefined);

// ---- from the replica

export function vmFromReplica(view: Replica, ref: string, vm: Vm): vmLifecycle.VmSubject {
  const vbds = known(view.pointingAt('VBD.VM', ref).map((b) => view.stored('VBD', b)));
  const disks = known(
    vbds.filter((b) => !b.empty && b.type === 'Disk').map((b) => view.stored('VDI', b.VDI)),
  );
  return {
    ref,
    vm,
    guest: guestOf(view, vm),
    metrics: isNullRef(vm.metrics) ? undefined : view.stored('VM_metrics', vm.metrics),
    onBoot: disks.map((d) => d.on_boot),
    vusbs: view.pointingAt('VUSB.VM', ref).length,
    vgpus: view.pointingAt('VGPU.VM', ref).length,
    vtpms: view.pointingAt('VTPM.VM', ref).length,
  };
}
const guestOf = (view: Replica, vm: Vm) =>
  isNullRef(vm.guest_metrics) ? undefined : view.stored('VM_guest_metrics', vm.guest_metrics);

export function vbdFromReplica(
  view: Replica,
  ref: string,
  vbd: StoredRecord<'VBD'>,
): vbdLifecycle.VbdSubject | undefined {
  const vm = view.stored('VM', vbd.VM);
  return (
    vm && {
      ref,
      vbd,
      vm,
      guest: guestOf(view, vm),
      vdi: isNullRef(vbd.VDI) ? undefined : view.stored('VDI', vbd.VDI),
      others: [],
    }
  );
}
export function vifFromReplica(
  view: Replica,
  ref: string,
  vif: StoredRecord<'VIF'>,
): vifLifecycle.VifSubject | undefined {
  const vm = view.stored('VM', vif.VM);
  return vm && { ref, vif, vm, guest: guestOf(view, vm), sriov: onSriov(view, vif.network) };
}
/** True if a card of some host serves the network by its functions. */
const onSriov = (view: Replica, network: string): boolean =>
  view.count('network_sriov') > 0 &&
  view
    .pointingAt('PIF.network', network)
    .some((pif) => view.pointingAt('network_sriov.logical_PIF', pif).length > 0);
export function vusbFromReplica(
  view: Replica,
  ref: string,
  vusb: StoredRecord<'VUSB'>,
): vusbLifecycle.VusbSubject | undefined {
  const vm = view.stored('VM', vusb.VM);
  return vm && { ref, vusb, vm };
}
const isHaState = ({ type }: Vdi): boolean => type === 'ha_statefile' || type === 'redo_log';
function poolOf(view: Replica): StoredRecord<'pool'> | undefined {
  const [pool] = view.refs('pool');
  return pool && view.stored('pool', pool);
}
export function vdiFromReplica(view: Replica, ref: string, vdi: Vdi): vdiLifecycle.VdiSubject | undefined {
  const sr = view.stored('SR', vdi.SR);
  if (!sr) return undefined;
  const vbds = known(view.pointingAt('VBD.VDI', ref).map((b) => view.stored('VBD', b)));
  const pbds = known(view.pointingAt('PBD.SR', vdi.SR).map((p) => view.stored('PBD', p)));
  return {
    ref,
    vdi,
    sr,
    features: featuresOf(sr.type),
    plugged: pbds.some((p) => p.currently_attached),
    haEnabled: isHaState(vdi) && poolOf(view)?.ha_enabled === true,
    vbds,
  };
}
export function srFromReplica(view: Replica, ref: string, sr: StoredRecord<'SR'>): srLifecycle.SrSubject {
  const pbds = known(view.pointingAt('PBD.SR', ref).map((p) => view.stored('PBD', p)));
  const isKept = (disk: string): boolean => {
    const vdi = view.stored('VDI', disk);
    return vdi !== undefined && vdi.managed && vdi.type !== 'rrd';
  };
  return {
    ref,
    sr,
    features: featuresOf(sr.type),
    pbds,
    hasDisks: view.pointingAt('VDI.SR', ref).some(isKept),
  };
}
export const hostFromReplica = (
  view: Replica,
  ref: string,
  host: XenRecord<'host'> | StoredRecord<'host'>,
): hostLifecycle.HostSubject => ({
  ref,
  host,
  live: view.stored('host_metrics', host.metrics)?.live ?? false,
});
export const poolFromReplica = (
  view: Replica,
  ref: string,
  pool: StoredRecord<'pool'>,
): poolLifecycle.PoolSubject => ({
  ref,
  pool,
  clusters: view.count('Cluster'),
});

// ---- from a transaction

async function guest(tx: Tx, vm: Vm): Promise<StoredRecord<'VM_guest_metrics'> | undefined> {
  return isNullRef(vm.guest_metrics)
    ? undefined
    : (await tx.getMany('VM_guest_metrics', [vm.guest_metrics]))[0];
}

/** True if the guest has said that it can do this. */
export async function guestSays(tx: Tx, vm: Ref<'VM'>, feature: string): Promise<boolean> {
  return (await guest(tx, await tx.get('VM', vm)))?.other[feature] === '1';
}

interface Around {
  readonly on_boot: Vdi['on_boot'][] | null;
  readonly vusbs: number;
  readonly vgpus: number;
  readonly vtpms: number;
  readonly other: Record<string, string> | null;
  readonly drivers: boolean | null;
  readonly nomigrate: boolean | null;
  readonly nested: boolean | null;
}
export async function vmFromTx(tx: Tx, vm: Row<'VM'>): Promise<VmSubject> {
  return subjectOf(vm, await around(tx, vm.ref));
}
/** The same of a VM that nobody else changes before the transaction ends; one round trip. */
export async function lockedVm(tx: Tx, ref: Ref<'VM'>): Promise<VmSubject> {
  const [vm, rows] = await Promise.all([tx.lock('VM', ref), around(tx, ref)]);
  return subjectOf(vm, rows);
}
type VmSubject = vmLifecycle.VmSubject & { readonly vm: Row<'VM'> };
const subjectOf = (vm: Row<'VM'>, [row]: readonly Around[]): VmSubject => ({
  ref: vm.ref,
  vm,
  guest: row?.other ? { other: row.other, PV_drivers_detected: row.drivers ?? false } : undefined,
  metrics: { nomigrate: row?.nomigrate ?? false, nested_virt: row?.nested ?? false },
  onBoot: row?.on_boot ?? [],
  vusbs: row?.vusbs ?? 0,
  vgpus: row?.vgpus ?? 0,
  vtpms: row?.vtpms ?? 0,
});
/** All that surrounds a VM in one statement. */
const around = (tx: Tx, vm: Ref<'VM'>): Promise<Around[]> =>
  tx.query<Around>(
    `SELECT (SELECT json_agg(d.on_boot) FROM vbd b JOIN vdi d ON d.ref = b."VDI" WHERE b."VM" = $1 AND b.type = 'Disk') AS on_boot,
            (SELECT count(*)::int FROM vusb WHERE "VM" = $1) AS vusbs, (SELECT count(*)::int FROM vgpu WHERE "VM" = $1) AS vgpus, (SELECT count(*)::int FROM vtpm WHERE "VM" = $1) AS vtpms,
            g.other, g."PV_drivers_detected" AS drivers, m.nomigrate, m.nested_virt AS nested
     FROM vm v LEFT JOIN vm_guest_metrics g ON g.ref = v.guest_metrics LEFT JOIN vm_metrics m ON m.ref = v.metrics WHERE v.ref = $1`,
    [vm],
  );

export async function hostFromTx(tx: Tx, host: Row<'host'>): Promise<hostLifecycle.HostSubject> {
  return { ref: host.ref, host, live: await isHostAlive(tx, host.ref) };
}

export async function vbdFromTx(tx: Tx, vbd: Row<'VBD'>): Promise<vbdLifecycle.VbdSubject> {
  const vm = await tx.get('VM', vbd.VM);
  const [vdi] = isNullRef(vbd.VDI) ? [] : await tx.getMany('VDI', [vbd.VDI]);
  const others = isNullRef(vbd.VDI)
    ? []
    : await tx.query<{ mode: 'RO' | 'RW' }>(
        `SELECT b.mode FROM vbd b JOIN vm v ON v.ref = b."VM" WHERE b."VDI" = $1 AND b.ref <> $2 AND b.currently_attached AND v.power_state <> 'Suspended' AND NOT v.is_control_domain`,
        [vbd.VDI, vbd.ref],
      );
  return { ref: vbd.ref, vbd, vm, guest: await guest(tx, vm), vdi, others };
}
export async function vifFromTx(tx: Tx, vif: Row<'VIF'>): Promise<vifLifecycle.VifSubject> {
  const vm = await tx.get('VM', vif.VM);
  const [sriov] = await tx.query(
    'SELECT 1 AS yes FROM network_sriov s JOIN pif p ON p.ref = s."logical_PIF" WHERE p.network = $1 LIMIT 1',
    [vif.network],
  );
  return { ref: vif.ref, vif, vm, guest: await guest(tx, vm), sriov: sriov !== undefined };
}
export const vusbFromTx = async (tx: Tx, vusb: Row<'VUSB'>): Promise<vusbLifecycle.VusbSubject> => ({
  ref: vusb.ref,
  vusb,
  vm: await tx.get('VM', vusb.VM),
});
export async function vdiFromTx(tx: Tx, vdi: Row<'VDI'>): Promise<vdiLifecycle.VdiSubject> {
  const sr = await tx.get('SR', vdi.SR);
  return {
    ref: vdi.ref,
    vdi,
    sr,
    features: featuresOf(sr.type),
    plugged: await isPlugged(tx, vdi.SR),
    haEnabled: isHaState(vdi) && ((await tx.find('pool', {}))[0]?.ha_enabled ?? false),
    vbds: await tx.find('VBD', { VDI: vdi.ref }),
  };
}
/** One connection says whether there is any, and whether one is plugged: those that are come first. */
export async function srFromTx(tx: Tx, { ref, ...sr }: Row<'SR'>): Promise<srLifecycle.SrSubject> {
  const [row] = await tx.query<{ pbds: { currently_attached: boolean }[]; disks: boolean }>(
    `SELECT ARRAY(SELECT jsonb_build_object('currently_attached', currently_attached) FROM pbd WHERE "SR" = $1 ORDER BY currently_attached DESC LIMIT 1) AS pbds,
            EXISTS (SELECT 1 FROM vdi WHERE "SR" = $1 AND managed AND type <> 'rrd') AS disks`,
    [ref],
  );
  return { ref, sr, features: featuresOf(sr.type), pbds: row?.pbds ?? [], hasDisks: row?.disks ?? false };
}
export async function isPlugged(tx: Tx, sr: Ref<'SR'>): Promise<boolean> {
  const rows = await tx.query('SELECT 1 AS yes FROM pbd WHERE "SR" = $1 AND currently_attached LIMIT 1', [
    sr,
  ]);
  return rows.length > 0;
}
