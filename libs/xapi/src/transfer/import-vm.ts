/** The VMs of an archive: records of their own, with what they are called and how they are set up, but of how they stood only the memory of suspended ones. */
import { isNullRef, nullRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import { addresses, memory, refuseCpu } from '@xenplane/domain';
import type { OvaObject } from '@xenplane/wire';
import { seededMac } from '../core/seeded';
import { networkOverrides } from '../network/network';
import { recordWith } from '../core/records';
import { modeOf } from '../runs/domain-spec';
import { recordIn, type ImportState } from './import-state';
import { importMemory } from './memory';

export async function importGuestMetrics(state: ImportState, { id, snapshot }: OvaObject): Promise<void> {
  const { uuid, ref } = state.newRef('VM_guest_metrics');
  await state.context.tx.insert(
    'VM_guest_metrics',
    ref,
    recordWith('VM_guest_metrics', { ...state.fields('VM_guest_metrics', snapshot), uuid, live: false }),
  );
  state.know('VM_guest_metrics', id, ref);
}

export async function importMetrics(state: ImportState, { id, snapshot }: OvaObject): Promise<void> {
  const { uuid, ref } = state.newRef('VM_metrics');
  await state.context.tx.insert(
    'VM_metrics',
    ref,
    recordWith('VM_metrics', { ...state.fields('VM_metrics', snapshot), uuid, state: [], memory_actual: 0 }),
  );
  state.know('VM_metrics', id, ref);
}

export async function importVm(state: ImportState, object: OvaObject): Promise<void> {
  const { tx } = state.context;
  const vm = recordIn<'VM'>(object.snapshot);
  if (vm.is_default_template) {
    const [same] = await tx.find('VM', { is_default_template: true, name_label: vm.name_label });
    if (same) return state.know('VM', object.id, same.ref);
  }
  state.assertMay(object);
  const refused = memory.refuseLimits(vm) ?? memory.refuseVcpus(vm.VCPUs_at_startup, vm.VCPUs_max);
  if (refused) throw refused;
  if (state.options.checkCpu && vm.power_state !== 'Halted') await assertCpu(state, vm);
  const { uuid, ref } = await identityOf(state, vm);
  await tx.insert('VM', ref, await newVm(state, object, uuid));
  state.know('VM', object.id, ref);
  await importMemory(state, object, ref);
  (vm.is_a_snapshot ? state.made.snapshots : state.made.vms).push(ref);
}

/** Of the host that stands for the one which an archive comes to. */
async function assertCpu({ context: { tx } }: ImportState, vm: StoredRecord<'VM'>): Promise<void> {
  const [pool] = await tx.find('pool', {});
  if (!pool) return;
  const { cpu_info } = await tx.get('host', pool.master);
  const refused = refuseCpu(vm.uuid, vm.last_boot_CPU_flags, pool.master, cpu_info, modeOf(vm) === 'hvm');
  if (refused) throw refused;
}

/** A restored VM keeps its uuid. One that is here already, halted and older, makes room for it at the very end. */
async function identityOf(
  state: ImportState,
  vm: StoredRecord<'VM'>,
): Promise<{ uuid: string; ref: Ref<'VM'> }> {
  const made = state.newRef('VM');
  const [present] = state.options.restore ? await state.context.tx.find('VM', { uuid: vm.uuid }) : [];
  if (!state.options.restore) return made;
  if (!present) return { uuid: vm.uuid, ref: made.ref };
  if (present.power_state !== 'Halted')
    throw new XenError('VM_BAD_POWER_STATE', present.ref, 'halted', present.power_state.toLowerCase());
  if (vm.version <= present.version && !state.options.force)
    throw new XenError(
      'VM_TO_IMPORT_IS_NOT_NEWER_VERSION',
      present.ref,
      String(present.version),
      String(vm.version),
    );
  state.made.replaced.push({ old: present.ref, by: made.ref, uuid: vm.uuid });
  return made;
}

async function newVm(state: ImportState, { snapshot }: OvaObject, uuid: string): Promise<StoredRecord<'VM'>> {
  const { context, options } = state;
  const vm = recordIn<'VM'>(snapshot);
  const task = context.task ?? nullRef<'task'>();
  const seed: Record<string, string> = options.restore ? {} : { mac_seed: context.plane.ids.uuid() };
  return recordWith('VM', {
    ...state.fields('VM', snapshot),
    uuid,
    metrics: state.find('VM_metrics', vm.metrics) ?? (await blankMetrics(state, vm)),
    guest_metrics: state.orNull('VM_guest_metrics', vm.guest_metrics),
    affinity: state.orNull('host', vm.affinity),
    other_config: { ...vm.other_config, ...seed, import_task: task },
    power_state: 'Halted',
    current_operations: { [task]: 'import' },
    allowed_operations: [],
    domid: -1,
    is_control_domain: false,
    is_default_template: false,
    ha_always_run: false,
    last_booted_record: '',
    last_boot_CPU_flags: vm.power_state === 'Suspended' ? vm.last_boot_CPU_flags : {},
    snapshot_metadata: '',
    blobs: {},
    requires_reboot: false,
    memory_target: vm.memory_dynamic_max,
  });
}

async function blankMetrics(state: ImportState, vm: StoredRecord<'VM'>): Promise<Ref<'VM_metrics'>> {
  const { uuid, ref } = state.newRef('VM_metrics');
  const hvm = vm.HVM_boot_policy !== '';
  await state.context.tx.insert(
    'VM_metrics',
    ref,
    recordWith('VM_metrics', { uuid, VCPUs_number: vm.VCPUs_at_startup, hvm }),
  );
  return ref;
}

/** Snapshots point at VMs, and VMs at one another, that may come later in the archive. */
export async function linkVms(state: ImportState): Promise<void> {
  for (const { class: cls, id, snapshot } of state.ova.objects) {
    const ref = cls === 'VM' ? state.find('VM', id) : undefined;
    if (!ref || ![...state.made.vms, ...state.made.snapshots].includes(ref)) continue;
    const vm = recordIn<'VM'>(snapshot);
    const links = { snapshot_of: state.orNull('VM', vm.snapshot_of), parent: state.orNull('VM', vm.parent) };
    if (!isNullRef(links.snapshot_of) || !isNullRef(links.parent))
      await state.context.tx.update('VM', ref, links);
  }
}

/** By uuid, by name, by bridge, and else a new one. */
export async function importNetwork(state: ImportState, object: OvaObject): Promise<void> {
  const { tx } = state.context;
  const { uuid, name_label, name_description, bridge, MTU, other_config } = recordIn<'network'>(
    object.snapshot,
  );
  for (const where of [{ uuid }, { name_label }, { bridge }]) {
    const [found] = await tx.find('network', where);
    if (found) return state.know('network', object.id, found.ref);
  }
  state.assertMay(object);
  const ref = await networkOverrides.create(state.context, {
    args: { name_label, name_description, MTU, other_config },
  });
  state.made.networks.push(ref);
  state.know('network', object.id, ref);
}

export async function importVif(state: ImportState, object: OvaObject): Promise<void> {
  const { tx } = state.context;
  const vif = recordIn<'VIF'>(object.snapshot);
  state.assertMay(object);
  const { uuid, ref } = state.newRef('VIF');
  const VM = state.needed('VM', vif.VM);
  const [vm] = await tx.getMany('VM', [VM]);
  const kept = state.options.restore && addresses.isMac(vif.MAC);
  await tx.insert(
    'VIF',
    ref,
    recordWith('VIF', {
      ...state.fields('VIF', object.snapshot),
      uuid,
      VM,
      network: state.needed('network', vif.network),
      MAC: kept ? vif.MAC : seededMac(vm?.other_config['mac_seed'] ?? uuid, vif.device),
      MAC_autogenerated: kept ? vif.MAC_autogenerated : true,
      currently_attached: false,
      current_operations: {},
      allowed_operations: [],
      runtime_properties: {},
      metrics: nullRef(),
    }),
  );
}

export async function importVtpm(state: ImportState, object: OvaObject): Promise<void> {
  const { uuid, ref } = state.newRef('VTPM');
  const { is_unique } = recordIn<'VTPM'>(object.snapshot);
  await state.context.tx.insert(
    'VTPM',
    ref,
    recordWith('VTPM', { uuid, VM: state.needed('VM', recordIn<'VTPM'>(object.snapshot).VM), is_unique }),
  );
}

export async function importGpuGroup(state: ImportState, { id, snapshot }: OvaObject): Promise<void> {
  const { GPU_types } = recordIn<'GPU_group'>(snapshot);
  const found = (await state.context.tx.find('GPU_group', {})).find(
    (g) => g.GPU_types.toSorted().join() === GPU_types.toSorted().join(),
  );
  if (found) state.know('GPU_group', id, found.ref);
}
export async function importVgpuType(state: ImportState, { id, snapshot }: OvaObject): Promise<void> {
  const [found] = await state.context.tx.find('VGPU_type', {
    identifier: recordIn<'VGPU_type'>(snapshot).identifier,
  });
  if (found) state.know('VGPU_type', id, found.ref);
}
/** A graphics card that this pool does not have is left out. */
export async function importVgpu(state: ImportState, { snapshot }: OvaObject): Promise<void> {
  const vgpu = recordIn<'VGPU'>(snapshot);
  const group = state.find('GPU_group', vgpu.GPU_group),
    type = state.find('VGPU_type', vgpu.type);
  if (!group || !type) return;
  const { uuid, ref } = state.newRef('VGPU');
  const given = {
    uuid,
    VM: state.needed('VM', vgpu.VM),
    GPU_group: group,
    type,
    device: vgpu.device,
    other_config: vgpu.other_config,
  };
  await state.context.tx.insert('VGPU', ref, recordWith('VGPU', given));
}
