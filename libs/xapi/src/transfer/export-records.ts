/** The records of an export: every record that can be reached from the VM, with references among themselves only. */
import { classNamed, isNullRef, nullRef, type ClassName, type Ref, type Type } from '@xenplane/model';
import type { OvaObject } from '@xenplane/wire';
import type { Readable } from '../core/implied-calls';

export interface ExportOptions {
  readonly preservePowerState?: boolean;
  readonly snapshots?: boolean;
  /** Disks that others say they lie on, by the setting of storage for it. */
  readonly parents?: boolean;
  /** Classes of devices that are left out. */
  readonly excludedDevices?: ReadonlySet<string>;
}
export interface ExportedDisk {
  readonly id: string;
  readonly ref: Ref<'VDI'>;
  /** The disk holds the saved memory of this VM. */
  readonly memoryOf: Ref<'VM'> | undefined;
}
export interface Exported {
  readonly objects: readonly OvaObject[];
  /** Disks whose contents belong to the export, sorted by their names in it. */
  readonly disks: readonly ExportedDisk[];
}

type Related = Pick<Readable, 'has' | 'record' | 'byUuid'>;

/** Objects in the order in which they were met, by reference. */
class Found {
  readonly classes = new Map<string, ClassName>();
  readonly ids = new Map<string, string>();
  readonly contents = new Map<Ref<'VDI'>, Ref<'VM'> | undefined>();

  constructor(readonly replica: Related) {}

  /** The record, the first time that it is met. */
  meet<N extends ClassName>(cls: N, ref: Ref<N>): ReturnType<Related['record']> {
    if (isNullRef(ref) || this.ids.has(ref) || !this.replica.has(cls, ref)) return undefined;
    this.ids.set(ref, `Ref:${this.ids.size}`);
    this.classes.set(ref, cls);
    return this.replica.record(cls, ref);
  }
  /** All of a class that point here, by a field. */
  all<N extends ClassName>(cls: N, refs: readonly Ref<N>[], each: (ref: Ref<N>) => void): void {
    for (const ref of refs) if (this.meet(cls, ref)) each(ref);
  }
}

export function exportRecords(
  replica: Related,
  vms: readonly Ref<'VM'>[],
  options: ExportOptions = {},
): Exported {
  const found = new Found(replica);
  for (const vm of vms) meetVm(found, vm, options);
  const objects = [...found.ids].map(([ref, id]) => objectOf(found, ref, id, options));
  const disks = [...found.contents].map(([ref, memoryOf]) => ({
    ref,
    memoryOf,
    id: found.ids.get(ref) ?? '',
  }));
  return { objects, disks: disks.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

function meetVm(found: Found, ref: Ref<'VM'>, options: ExportOptions): void {
  if (!found.meet('VM', ref)) return;
  const vm = found.replica.record('VM', ref);
  if (!vm) return;
  const excluded = (device: string): boolean => options.excludedDevices?.has(device) ?? false;
  if (!excluded('VBD')) found.all('VBD', vm.VBDs, (vbd) => meetVbd(found, vbd, options));
  if (!excluded('VIF'))
    found.all('VIF', vm.VIFs, (vif) =>
      found.meet('network', found.replica.record('VIF', vif)?.network ?? nullRef()),
    );
  if (!excluded('VGPU')) found.all('VGPU', vm.VGPUs, (vgpu) => meetVgpu(found, vgpu));
  if (!excluded('VTPM')) found.all('VTPM', vm.VTPMs, () => undefined);
  if (options.preservePowerState)
    meetVdi(found, vm.suspend_VDI, { ...options, carried: true, memoryOf: ref });
  found.meet('VM_guest_metrics', vm.guest_metrics);
  found.meet('VM_metrics', vm.metrics);
  found.meet('host', vm.resident_on);
  found.meet('host', vm.affinity);
  if (!options.snapshots) return;
  for (const relative of [vm.parent, ...vm.snapshots]) meetVm(found, relative, options);
}

function meetVbd(found: Found, ref: Ref<'VBD'>, options: ExportOptions): void {
  const vbd = found.replica.record('VBD', ref);
  if (vbd && !vbd.empty) meetVdi(found, vbd.VDI, { ...options, carried: vbd.type !== 'CD' });
}

interface Carried {
  readonly carried: boolean;
  readonly memoryOf?: Ref<'VM'>;
}
/** CDs and the images of ISO libraries are named, not carried. */
function meetVdi(
  found: Found,
  ref: Ref<'VDI'>,
  { carried, memoryOf, parents }: ExportOptions & Carried,
): void {
  const vdi = isNullRef(ref) ? undefined : found.replica.record('VDI', ref);
  if (!vdi) return;
  found.meet('VDI', ref);
  found.meet('SR', vdi.SR);
  const parent = parents ? found.replica.byUuid('VDI', vdi.sm_config['vhd-parent'] ?? '') : undefined;
  if (parent && !found.ids.has(parent)) meetVdi(found, parent, { carried: false, parents: true });
  if (carried && found.replica.record('SR', vdi.SR)?.content_type !== 'iso')
    found.contents.set(ref, memoryOf);
}

function meetVgpu(found: Found, ref: Ref<'VGPU'>): void {
  const vgpu = found.replica.record('VGPU', ref);
  if (!vgpu) return;
  found.meet('VGPU_type', vgpu.type);
  found.meet('GPU_group', vgpu.GPU_group);
}

function objectOf(found: Found, ref: string, id: string, options: ExportOptions): OvaObject {
  const cls = found.classes.get(ref) ?? 'VM';
  const record: Readonly<Record<string, unknown>> = { ...found.replica.record(cls, ref as Ref<typeof cls>) };
  const rewritten = Object.entries(classNamed(cls).fields).map(([name, { type }]) => [
    name,
    inside(type, record[name], found.ids),
  ]);
  return {
    class: cls,
    id,
    snapshot: { ...Object.fromEntries(rewritten), ...(cls === 'VM' ? ofVm(record, options) : ofAny(record)) },
  };
}

const ofAny = (record: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  ...('current_operations' in record ? { current_operations: {}, allowed_operations: [] } : {}),
  ...('currently_attached' in record ? { currently_attached: false } : {}),
});

/** The present state of the VM is left behind, as it means nothing elsewhere. */
function ofVm(
  record: Readonly<Record<string, unknown>>,
  { preservePowerState, snapshots }: ExportOptions,
): Record<string, unknown> {
  const kept = preservePowerState && record['power_state'] === 'Suspended';
  return {
    ...ofAny(record),
    power_state: kept ? 'Suspended' : 'Halted',
    ...(kept ? {} : { suspend_VDI: nullRef() }),
    ...(snapshots ? {} : { is_a_snapshot: false, snapshot_of: nullRef(), parent: nullRef() }),
  };
}

/** References to what is not in the export are none. */
function inside(type: Type, value: unknown, ids: ReadonlyMap<string, string>): unknown {
  const of = type.of;
  if (type.kind === 'ref') return ids.get(String(value)) ?? nullRef();
  if (!of) return value;
  if (type.kind === 'set' && of.kind === 'ref')
    return (value as string[]).flatMap((ref) => ids.get(ref) ?? []);
  if (type.kind !== 'map' || (of.kind !== 'ref' && type.key?.kind !== 'ref')) return value;
  return Object.fromEntries(
    Object.entries(value as object).flatMap(([key, v]) =>
      ids.has(key) || ids.has(String(v)) ? [[ids.get(key) ?? key, ids.get(String(v)) ?? v]] : [],
    ),
  );
}
