/** Copies of VMs: the record, its disks (by the storage's clone), its interfaces with addresses of their own. */
import { asRef, isNullRef, nullRef, type Ref, type StoredRecord } from '@xenplane/model';
import { vdiLifecycle } from '@xenplane/domain';
import { admitVm } from '../begin/admission';
import { raiseVmAlert } from '../core/alerts';
import { never, type Context } from '../core/context';
import { copyVgpus } from '../graphics/device-assignment';
import { assertMayCopyKeys } from './vm-keys';
import { recordWith } from '../core/records';
import { seededMac } from '../core/seeded';
import { cloneVdi } from '../storage/vdi-clone';
import { copySavedRun } from '../tables/runs/saved-runs';

type Vm = StoredRecord<'VM'>;
type Making = Pick<Context, 'plane' | 'tx'>;
type Row = Vm & { readonly ref: Ref<'VM'> };

/** Keys of other_config that say what the object is rather than how it is set up. */
const ownKeys = new Set(['default_template', 'mac_seed', 'import_task', 'xensource_internal']);
/** A guest that looks at its generation sees that it is another than its original. */
const newGeneration = (uuid: string): string =>
  [uuid.slice(0, 8), uuid.slice(24)].map((part) => BigInt(`0x${part}`)).join(':');

function copyOf(
  context: Making,
  source: Row,
  own: Pick<Vm, 'uuid' | 'name_label' | 'metrics' | 'guest_metrics' | 'suspend_VDI'>,
): Vm {
  const { ref: _ref, ...record } = source;
  const kept = Object.fromEntries(Object.entries(source.other_config).filter(([key]) => !ownKeys.has(key)));
  return {
    ...record,
    ...own,
    power_state: isNullRef(own.suspend_VDI) ? 'Halted' : 'Suspended',
    domid: -1,
    resident_on: nullRef(),
    scheduled_to_be_resident_on: nullRef(),
    is_default_template: false,
    is_a_snapshot: false,
    snapshot_of: nullRef(),
    snapshot_time: never,
    transportable_snapshot_id: '',
    snapshot_info: {},
    snapshot_metadata: '',
    parent: nullRef(),
    current_operations: {},
    allowed_operations: [],
    blocked_operations: {},
    appliance: nullRef(),
    start_delay: 0,
    shutdown_delay: 0,
    order: 0,
    suspend_SR: nullRef(),
    protection_policy: nullRef(),
    is_snapshot_from_vmpp: false,
    snapshot_schedule: nullRef(),
    is_vmss_snapshot: false,
    groups: [],
    version: 0,
    generation_id: source.generation_id && newGeneration(context.plane.ids.uuid()),
    other_config: {
      ...kept,
      mac_seed: context.plane.ids.uuid(),
      ...(source.is_a_template ? { base_template_name: source.name_label, ...kept } : {}),
    },
    ha_always_run: false,
    pending_guidances: [],
    pending_guidances_recommended: [],
    pending_guidances_full: [],
    blobs: {},
    attached_PCIs: [],
    requires_reboot: false,
  };
}

async function copyMetrics(context: Making, source: Row): Promise<Ref<'VM_metrics'>> {
  const uuid = context.plane.ids.uuid(),
    ref = asRef<'VM_metrics'>(`OpaqueRef:${uuid}`);
  const [old] = isNullRef(source.metrics) ? [] : await context.tx.getMany('VM_metrics', [source.metrics]);
  const blank = {
    memory_actual: 0,
    start_time: never,
    install_time: never,
    last_updated: never,
    VCPUs_number: source.VCPUs_at_startup,
    hvm: old?.hvm ?? false,
  };
  const { ref: _old, ...kept } = old ?? { ref: undefined };
  await context.tx.insert('VM_metrics', ref, { ...recordWith('VM_metrics', kept), ...blank, uuid });
  return ref;
}

/** The guest's own data holds for its copy until that has a guest of its own. */
export async function copyGuest({ tx, plane }: Making, source: Row): Promise<Ref<'VM_guest_metrics'>> {
  const [guest] = isNullRef(source.guest_metrics)
    ? []
    : await tx.getMany('VM_guest_metrics', [source.guest_metrics]);
  if (!guest) return nullRef();
  const uuid = plane.ids.uuid(),
    ref = asRef<'VM_guest_metrics'>(`OpaqueRef:${uuid}`);
  const { ref: _ref, ...kept } = guest;
  await tx.insert('VM_guest_metrics', ref, { ...recordWith('VM_guest_metrics', kept), uuid, live: false });
  return ref;
}

type Vdi = StoredRecord<'VDI'> & { readonly ref: Ref<'VDI'> };
/** How the copy of one disk is made; a CD is shared, not copied. Undefined leaves the disk out. */
export type CopyDisk = (vdi: Vdi) => Promise<Ref<'VDI'> | undefined>;
export interface Copying {
  readonly name: string;
  readonly copyDisk: CopyDisk;
  /** Differences of the copy; one that keeps `mac_seed` keeps the addresses too. */
  readonly change?: Partial<Vm>;
}

export async function copyRecord(
  context: Making,
  source: Row,
  { name, copyDisk, change = {} }: Copying,
): Promise<Ref<'VM'>> {
  const { tx, plane } = context;
  const uuid = plane.ids.uuid(),
    vm = asRef<'VM'>(`OpaqueRef:${uuid}`);
  const suspend_VDI = change.suspend_VDI ?? (await copySuspended(context, source, vm));
  const [metrics, guest_metrics] = [await copyMetrics(context, source), await copyGuest(context, source)];
  const record = {
    ...copyOf(context, source, { uuid, name_label: name, metrics, guest_metrics, suspend_VDI }),
    ...change,
  };
  await tx.insert('VM', vm, record);
  await copyDisks(context, source.ref, vm, copyDisk);
  const seed = record.other_config['mac_seed'] ?? uuid;
  await copyInterfaces(context, source.ref, vm, seed === source.other_config['mac_seed'] ? undefined : seed);
  await copyVgpus(tx, source.ref, vm, () => plane.ids.uuid());
  await copyVtpm(context, source.ref, vm);
  return vm;
}

/** The memory of a suspended VM, for its copy. */
export async function copySuspended(context: Making, source: Row, copy: Ref<'VM'>): Promise<Ref<'VDI'>> {
  const [vdi] =
    source.power_state !== 'Suspended' || isNullRef(source.suspend_VDI)
      ? []
      : await context.tx.getMany('VDI', [source.suspend_VDI]);
  if (!vdi) return nullRef();
  await copySavedRun(context.tx, source.ref, copy);
  return cloneVdi(context, vdi);
}

/** A copy owns its disks, which go with it, whoever owns those that they were made of. */
export async function copyDisks(
  { tx, plane }: Making,
  from: Ref<'VM'>,
  to: Ref<'VM'>,
  copyDisk: CopyDisk,
): Promise<void> {
  for (const { ref: _vbd, ...vbd } of await tx.find('VBD', { VM: from })) {
    const [vdi] = vbd.empty || isNullRef(vbd.VDI) ? [] : await tx.getMany('VDI', [vbd.VDI]);
    if (vdi) assertUnwritten(vdi);
    const VDI = vdi && vbd.type !== 'CD' ? await copyDisk(vdi) : vbd.VDI;
    if (VDI === undefined) continue;
    const uuid = plane.ids.uuid();
    const unused = {
      currently_attached: false,
      current_operations: {},
      device: '',
      metrics: nullRef<'VBD_metrics'>(),
    };
    const owned = vbd.type === 'Disk' ? { other_config: { owner: '', ...vbd.other_config } } : {};
    await tx.insert('VBD', asRef<'VBD'>(`OpaqueRef:${uuid}`), {
      ...vbd,
      ...unused,
      ...owned,
      uuid,
      VM: to,
      VDI,
    });
  }
}

/** A disk that a transfer writes to is half of what it will be. */
function assertUnwritten({ ref, current_operations }: Vdi): void {
  const refused = vdiLifecycle.busyWith(
    ref,
    Object.fromEntries(Object.entries(current_operations).filter(([, op]) => op === 'blocked')),
  );
  if (refused) throw refused;
}

/** With a seed the interfaces get addresses of their own. */
export async function copyInterfaces(
  { tx, plane }: Making,
  from: Ref<'VM'>,
  to: Ref<'VM'>,
  seed: string | undefined,
): Promise<void> {
  for (const { ref: _vif, ...vif } of await tx.find('VIF', { VM: from })) {
    const uuid = plane.ids.uuid();
    const address = seed === undefined ? {} : { MAC: seededMac(seed, vif.device), MAC_autogenerated: true };
    const unused = { currently_attached: false, current_operations: {}, metrics: nullRef<'VIF_metrics'>() };
    await tx.insert('VIF', asRef<'VIF'>(`OpaqueRef:${uuid}`), {
      ...vif,
      ...unused,
      ...address,
      uuid,
      VM: to,
    });
  }
}

export async function copyVtpm({ tx, plane }: Making, from: Ref<'VM'>, to: Ref<'VM'>): Promise<void> {
  for (const { ref: _vtpm, ...vtpm } of await tx.find('VTPM', { VM: from })) {
    const uuid = plane.ids.uuid();
    await tx.insert('VTPM', asRef<'VTPM'>(`OpaqueRef:${uuid}`), {
      ...vtpm,
      current_operations: {},
      uuid,
      VM: to,
    });
  }
}

export async function cloneVm(
  context: Context,
  vm: Ref<'VM'>,
  name: string,
  op: 'clone' | 'copy',
): Promise<Ref<'VM'>> {
  const source = await admitVm(context, vm, op);
  await assertMayCopyKeys(context, op, vm);
  const copy = await copyRecord(context, source, { name, copyDisk: (vdi) => cloneVdi(context, vdi) });
  await raiseVmAlert(context.tx, context.plane, {
    vm: copy,
    name: 'VM_CLONED',
    text: `cloned from '${source.name_label}'`,
  });
  return copy;
}
