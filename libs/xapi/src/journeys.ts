/** A VM that is sent with its disks and interfaces mapped to other storage and networks: what is asked for, and whether it can be. */
import { storage } from '@xenplane/domain';
import { asRef, isNullRef, XenError, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import { copyVdi, removeVdi } from './calls/vdi-clone';
import type { Plane } from './context';
import { assertLive } from './host-use';
import { sessionRef } from './sessions';
import { attachedTo, type Attached } from './specs';

export interface Sent {
  readonly vm: Ref<'VM'>;
  readonly dest: Readonly<Record<string, string>>;
  readonly live: boolean;
  readonly vdi_map: Readonly<Record<string, Ref<'SR'>>>;
  readonly vif_map: Readonly<Record<string, Ref<'network'>>>;
  readonly options: Readonly<Record<string, string>>;
}
export interface Journey {
  readonly host: Ref<'host'>;
  readonly copy: boolean;
  /** Disks that go to other storage. */
  readonly disks: readonly { readonly vdi: Ref<'VDI'>; readonly sr: Ref<'SR'> }[];
  readonly nics: readonly { readonly vif: Ref<'VIF'>; readonly network: Ref<'network'> }[];
}
/** A disk and its copy elsewhere. */
export interface Moved {
  readonly from: Ref<'VDI'>;
  readonly to: Ref<'VDI'>;
}

const destinationKeys = ['host', 'SM', 'xenops', 'session_id', 'master'] as const;

/** What was asked for, checked in xapi's order: the destination, the VM, its disks, its interfaces. */
export async function journeyOf(tx: Tx, sent: Sent): Promise<Journey> {
  const host = await destination(tx, sent.dest);
  const vm = await tx.get('VM', sent.vm);
  const copy = sent.options['copy'] === 'true';
  if (copy && vm.power_state !== 'Halted') throw new XenError('VM_BAD_POWER_STATE', sent.vm, 'halted', vm.power_state.toLowerCase());
  const srs = new Set((await tx.find('PBD', { host, currently_attached: true })).map((p) => p.SR));
  const disks = await mappedDisks(tx, vm, sent, { srs, copy });
  return { host, copy, disks, nics: await mappedNics(tx, vm, sent, host) };
}

/** Whether the destination is a host of another pool. INVALID_VALUE for what is no destination. */
export async function isElsewhere(tx: Tx, { dest }: Pick<Sent, 'dest'>): Promise<boolean> {
  const missing = destinationKeys.find((key) => dest[key] === undefined);
  if (missing) throw new XenError('INVALID_VALUE', missing, '');
  return (await tx.getMany('host', [dest['host'] ?? ''])).length === 0;
}

/** A host of this pool, for the owner of a session of it. */
async function destination(tx: Tx, dest: Sent['dest']): Promise<Ref<'host'>> {
  const host = asRef<'host'>(dest['host'] ?? '');
  const token = dest['session_id'] ?? '';
  const [session] = await tx.query('SELECT 1 AS yes FROM session_state WHERE session = $1', [sessionRef(token)]);
  if (!session) throw new XenError('SESSION_INVALID', token);
  await assertLive(tx, host);
  return host;
}

async function mappedDisks(
  tx: Tx,
  vm: Row<'VM'>,
  { vdi_map }: Sent,
  there: { readonly srs: ReadonlySet<string>; readonly copy: boolean },
): Promise<Journey['disks']> {
  const disks: Journey['disks'][number][] = [];
  for (const vdi of await disksOf(tx, vm)) {
    const sr = vdi_map[vdi.ref] ?? vdi.SR;
    if (!there.srs.has(sr)) throw vdi_map[vdi.ref] === undefined ? new XenError('VDI_NOT_IN_MAP', vdi.ref) : new XenError('VM_REQUIRES_SR', vm.ref, sr);
    if (sr === vdi.SR && !there.copy) continue;
    await assertCanLeave(tx, vdi, [sr]);
    disks.push({ vdi: vdi.ref, sr });
  }
  return disks;
}

async function disksOf(tx: Tx, vm: Row<'VM'>): Promise<Row<'VDI'>[]> {
  const vbds = (await tx.find('VBD', { VM: vm.ref })).filter((b) => b.type === 'Disk' && !b.empty);
  return tx.getMany('VDI', [...vbds.map((b) => b.VDI), ...(isNullRef(vm.suspend_VDI) ? [] : [vm.suspend_VDI])]);
}

/** `to` is storage of this pool. */
export async function assertCanLeave(tx: Tx, vdi: Row<'VDI'>, to: readonly Ref<'SR'>[]): Promise<void> {
  if (vdi.cbt_enabled) throw new XenError('VDI_CBT_ENABLED', vdi.ref);
  if (vdi.on_boot === 'reset') throw new XenError('VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION');
  for (const sr of [vdi.SR, ...to]) {
    const features = storage.driverOf((await tx.get('SR', sr)).type)?.features ?? [];
    if (!features.includes('VDI_MIRROR')) throw new XenError('SR_DOES_NOT_SUPPORT_MIGRATION', sr, features.join(', '));
  }
}

async function mappedNics(tx: Tx, vm: Row<'VM'>, { vif_map }: Sent, host: Ref<'host'>): Promise<Journey['nics']> {
  const nics: Journey['nics'][number][] = [];
  for (const vif of await tx.find('VIF', { VM: vm.ref })) {
    const network = vif_map[vif.ref];
    if (network === undefined || network === vif.network) continue;
    await tx.get('network', network);
    const elsewhere = await tx.find('PIF', { network });
    if (elsewhere.length > 0 && !elsewhere.some((p) => p.host === host)) throw new XenError('HOST_CANNOT_ATTACH_NETWORK', host, network);
    nics.push({ vif: vif.ref, network });
  }
  return nics;
}

/** The copies, empty until the data has come; their space is taken now. */
export async function copyDisks(plane: Plane, tx: Tx, journey: Journey): Promise<Moved[]> {
  const moved: Moved[] = [];
  for (const { vdi, sr } of journey.disks) moved.push({ from: vdi, to: await copyVdi({ plane, tx }, await tx.lock('VDI', vdi), sr) });
  return moved;
}

/** The devices of a VM as they will be when it has arrived. */
export async function attachedThere(tx: Tx, vm: Ref<'VM'>, journey: Journey, moved: readonly Moved[]): Promise<Attached> {
  const { disks, nics, ...rest } = await attachedTo(tx, vm, { attached: true });
  const copies = new Map(
    (
      await tx.getMany(
        'VDI',
        moved.map((m) => m.to),
      )
    ).map((vdi, i) => [moved[i]?.from as string, vdi]),
  );
  const networks = new Map(
    (
      await tx.getMany(
        'network',
        journey.nics.map((n) => n.network),
      )
    ).map((n) => [n.ref as string, n]),
  );
  const target = new Map(journey.nics.map((n) => [n.vif as string, n.network as string]));
  return {
    ...rest,
    disks: disks.map((disk) => (disk.vdi && copies.has(disk.vdi.ref) ? { ...disk, vdi: copies.get(disk.vdi.ref) ?? disk.vdi } : disk)),
    nics: nics.map((nic) => {
      const network = networks.get(target.get(nic.ref) ?? '');
      return network ? { ...nic, network: network.ref, network_uuid: network.uuid, bridge: network.bridge } : nic;
    }),
  };
}

/** From now on the VM uses the copies and the other networks. */
export async function arrive(tx: Tx, vm: Ref<'VM'>, journey: Journey, moved: readonly Moved[]): Promise<void> {
  for (const { from, to } of moved) {
    await tx.query('UPDATE vbd SET "VDI" = $3 WHERE "VM" = $1 AND "VDI" = $2', [vm, from, to]);
    await tx.query('UPDATE vm SET "suspend_VDI" = $3 WHERE ref = $1 AND "suspend_VDI" = $2', [vm, from, to]);
  }
  for (const { vif, network } of journey.nics) await tx.update('VIF', vif, { network });
}

/** Of each disk and its copy only the one that is in use stays: after an arrival the copy, before it the disk. */
export async function dropUnused(tx: Tx, moved: readonly Moved[]): Promise<void> {
  for (const { from, to } of moved) {
    const [copy] = await tx.query(`SELECT 1 AS yes FROM vbd WHERE "VDI" = $1 UNION ALL SELECT 1 FROM vm WHERE "suspend_VDI" = $1`, [to]);
    await dropVdi(tx, copy ? from : to);
  }
}
/** Unless something uses it. */
export async function dropVdi(tx: Tx, ref: Ref<'VDI'>): Promise<void> {
  const [vdi] = await tx.getMany('VDI', [ref]);
  const [used] = await tx.query('SELECT 1 AS yes FROM vbd WHERE "VDI" = $1', [ref]);
  if (!vdi || used) return;
  await removeVdi(tx, vdi);
}
