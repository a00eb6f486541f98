import {
  asRef,
  classes,
  isNullRef,
  nullRef,
  XenError,
  type CallsOf,
  type Ref,
  type StoredRecord,
} from '@xenplane/model';
import { ha, memory } from '@xenplane/domain';
import type { Row, Tx } from '@xenplane/store';
import { admitVm } from '../begin/admission';
import { requestCancel } from '../tables/operations/operations';
import { seededMac } from '../core/seeded';
import type { Context } from '../core/context';
import { dataSourceCalls } from '../metrics/data-sources';
import { endRuns, showHalted } from '../tables/runs/halted-runs';
import { removePassedDevices } from '../graphics/device-assignment';
import { keepingPlan, showPlan } from '../placement/ha-plan';
import { assertCanBootHere, possibleHosts } from '../placement/possible-hosts';
import { recordWith } from '../core/records';
import { modeOf } from '../runs/domain-spec';
import { storing } from '../core/setters';
import { dropBlobs } from '../storage/blob';
import { vmBelonging } from './vm-membership';
import { cloneVm } from './vm-clone';
import { vmFirmware } from './vm-firmware';
import { vmGuest } from './guest/vm-guest';
import { vmRecovery } from './vm-agility';
import { dropDisk, leaveTree } from './snapshots/vm-snapshot';
import { install, provisionDisks } from './vm-provision';
import { setMemory } from './vm-memory';
import { isHostAlive } from '../tables/runs/host-runs';
import { removeRun } from '../tables/runs/saved-runs';

type Vm = StoredRecord<'VM'>;

/** A VM begins halted, or at rest with its memory on a disk, as it comes from a backup. */
async function restOf(
  tx: Tx,
  { power_state, suspend_VDI = nullRef() }: Partial<Vm>,
): Promise<Pick<Vm, 'power_state' | 'suspend_VDI'>> {
  if (power_state !== 'Suspended') return { power_state: 'Halted', suspend_VDI: nullRef() };
  const { type } = await tx.get('VDI', suspend_VDI);
  if (type !== 'suspend') throw new XenError('VDI_INCOMPATIBLE_TYPE', suspend_VDI, type);
  if ((await tx.find('VM', { suspend_VDI })).length > 0)
    throw new XenError('VDI_IN_USE', suspend_VDI, 'resume');
  return { power_state, suspend_VDI };
}

/** A new VM has metrics of its own and knows how to make its own MAC addresses. */
async function create(context: Context, given: Partial<Vm>): Promise<Ref<'VM'>> {
  const { plane, tx } = context;
  const uuid = plane.ids.uuid(),
    metrics = plane.ids.uuid();
  const ref = asRef<'VM'>(`OpaqueRef:${uuid}`),
    metricsRef = asRef<'VM_metrics'>(`OpaqueRef:${metrics}`);
  const record = recordWith('VM', {
    ...given,
    uuid,
    metrics: metricsRef,
    ...(await restOf(tx, given)),
    domid: -1,
    memory_target: given.memory_target || given.memory_dynamic_max || 0,
    other_config: { mac_seed: plane.ids.uuid(), ...given.other_config },
    platform: { 'cores-per-socket': '1', secureboot: 'false', ...given.platform },
    HVM_boot_params: { firmware: 'bios', order: 'cd', ...given.HVM_boot_params },
    last_booted_record: '',
    resident_on: nullRef(),
  });
  record.domain_type = modeOf(record);
  assertShape(record);
  await tx.insert(
    'VM_metrics',
    metricsRef,
    recordWith('VM_metrics', {
      uuid: metrics,
      VCPUs_number: record.VCPUs_at_startup,
      hvm: record.HVM_boot_policy !== '',
    }),
  );
  await tx.insert('VM', ref, record);
  return ref;
}

function assertShape(record: Vm): void {
  const refused =
    memory.refuseLimits(record) ?? memory.refuseVcpus(record.VCPUs_at_startup, record.VCPUs_max);
  if (refused) throw refused;
}

const destroy = async (context: Context, self: Ref<'VM'>): Promise<void> =>
  removeVm(context, await admitVm(context, self, 'destroy'));

/** Takes a VM's record away with all that is nothing without it; its disks stay. */
export async function removeVm(
  context: Pick<Context, 'plane' | 'tx'>,
  vm: Vm & { readonly ref: Ref<'VM'> },
): Promise<void> {
  const { tx } = context;
  const self = vm.ref;
  for (const vbd of await tx.find('VBD', { VM: self })) await tx.remove('VBD', vbd.ref);
  for (const vif of await tx.find('VIF', { VM: self })) await tx.remove('VIF', vif.ref);
  await removePassedDevices(tx, self);
  for (const console of await tx.find('console', { VM: self })) await tx.remove('console', console.ref);
  for (const vtpm of await tx.find('VTPM', { VM: self })) await tx.remove('VTPM', vtpm.ref);
  await dropBlobs(context, vm.blobs);
  await removeRun(tx, self);
  await leaveTree(context, vm);
  await tx.remove('VM', self);
  if (!isNullRef(vm.metrics)) await tx.query('DELETE FROM vm_metrics WHERE ref = $1', [vm.metrics]);
  if (!isNullRef(vm.guest_metrics))
    await tx.query('DELETE FROM vm_guest_metrics WHERE ref = $1', [vm.guest_metrics]);
  if (!isNullRef(vm.suspend_VDI)) await dropDisk(context, vm.suspend_VDI);
}

/** Says that the VM is halted: for a host that is gone, or a VM that does not run. What still runs is stopped when its agent comes back. */
async function powerStateReset(context: Context, vm: Ref<'VM'>): Promise<void> {
  const record = await context.tx.lock('VM', vm);
  if (record.is_control_domain) throw new XenError('CANNOT_RESET_CONTROL_DOMAIN', vm);
  if (await isHostAlive(context.tx, record.resident_on))
    throw new XenError('HOST_IS_LIVE', record.resident_on);
  await endRuns(context.tx, [vm]);
  await showHalted(context.tx, [vm]);
  if (!isNullRef(record.suspend_VDI)) await dropDisk(context, record.suspend_VDI);
  await requestCancel(context.tx, Object.keys(record.current_operations));
  await context.tx.update('VM', vm, { current_operations: {}, suspend_VDI: nullRef() });
}

async function allowedDevices(context: Context, vm: Ref<'VM'>, cls: 'VBD' | 'VIF'): Promise<string[]> {
  const record = await context.tx.get('VM', vm);
  const limit = cls === 'VIF' ? 7 : record.is_control_domain ? 256 : 255;
  const used =
    cls === 'VBD'
      ? (await context.tx.find('VBD', { VM: vm })).map((v) => v.userdevice)
      : (await context.tx.find('VIF', { VM: vm })).map((v) => v.device);
  return Array.from({ length: limit }, (_, i) => String(i)).filter((d) => !used.includes(d));
}

function assertHalted({ ref, power_state }: Pick<Vm, 'power_state'> & { readonly ref: Ref<'VM'> }): void {
  if (power_state !== 'Halted')
    throw new XenError('VM_BAD_POWER_STATE', ref, 'halted', power_state.toLowerCase());
}

async function setIsATemplate(context: Context, self: Ref<'VM'>, value: boolean): Promise<void> {
  const vm = await context.tx.lock('VM', self);
  if (!value) return install(context.tx, vm);
  if (!vm.is_a_template) await admitVm(context, self, 'make_into_template');
  await assertUnprotected(context, vm);
  await context.tx.query(
    `WITH sticks AS (DELETE FROM vusb WHERE "VM" = $1) DELETE FROM pvs_proxy p USING vif i WHERE i."VM" = $1 AND p."VIF" = i.ref`,
    [self],
  );
  await context.tx.update('VM', self, { is_a_template: true, ha_always_run: false, groups: [] });
}

/** A VM that HA is to restart may be about to start. */
async function assertUnprotected({ tx }: Context, vm: Row<'VM'>): Promise<void> {
  const [pool] = await tx.find('pool', {});
  if (pool?.ha_enabled && ha.isKept(vm)) throw new XenError('VM_IS_PROTECTED', vm.ref);
}

/** A running VM is protected, or no more, at once; a halted one from its next start on. */
async function setRestartPriority(context: Context, self: Ref<'VM'>, value: string): Promise<void> {
  const { tx } = context;
  if (!['', 'restart', 'best-effort'].includes(value))
    throw new XenError('INVALID_VALUE', 'ha_restart_priority', value);
  const vm = await tx.lock('VM', self);
  if (vm.ha_restart_priority === value) return;
  const set = (): Promise<void> =>
    tx.update('VM', self, {
      ha_restart_priority: value,
      ...(vm.power_state === 'Running' ? { ha_always_run: value === 'restart' } : {}),
    });
  await (value === 'restart' && vm.power_state !== 'Halted' ? keepingPlan(tx, set, self) : set());
  await showPlan(context);
}

/** A default template is a template; old clients know one by its setting. */
async function setIsDefaultTemplate(context: Context, self: Ref<'VM'>, value: boolean): Promise<void> {
  const vm = await context.tx.lock('VM', self);
  if (value && !vm.is_a_template) await admitVm(context, self, 'make_into_template');
  const other_config = { ...vm.other_config, default_template: String(value) };
  await context.tx.update('VM', self, {
    is_default_template: value,
    other_config,
    ...(value ? { is_a_template: true } : {}),
  });
}

async function setVcpus(
  context: Context,
  self: Ref<'VM'>,
  change: { max?: number; startup?: number },
): Promise<void> {
  const vm =
    change.max === undefined
      ? await context.tx.lock('VM', self)
      : await admitVm(context, self, 'changing_VCPUs');
  const max = change.max ?? vm.VCPUs_max,
    startup = change.startup ?? vm.VCPUs_at_startup;
  const refused = memory.refuseVcpus(startup, max);
  if (refused) throw refused;
  await context.tx.update('VM', self, { VCPUs_max: max, VCPUs_at_startup: startup });
  if (vm.power_state === 'Halted' && !isNullRef(vm.metrics))
    await context.tx.update('VM_metrics', vm.metrics, { VCPUs_number: startup });
}

const notNegative =
  (field: 'start_delay' | 'shutdown_delay' | 'order') =>
  async ({ tx }: Context, { self, value }: { self: Ref<'VM'>; value: number }): Promise<void> => {
    if (value < 0)
      throw new XenError('VALUE_NOT_SUPPORTED', field, String(value), 'The value must not be negative');
    await tx.update('VM', self, { [field]: value });
  };

type Outsiders =
  'assert_can_migrate' | 'assert_can_be_recovered' | 'get_SRs_required_for_recovery' | 'recover';
export const vmCalls: Omit<CallsOf<typeof classes.VM, Context>, Outsiders> = {
  ...dataSourceCalls('VM', 'self'),
  set_is_default_template: (context, { vm, value }) => setIsDefaultTemplate(context, vm, value),
  ...setMemory,
  ...vmFirmware,
  ...vmGuest,
  ...vmBelonging,
  ...vmRecovery,
  clone: (context, { vm, new_name }) => cloneVm(context, vm, new_name, 'clone'),
  provision: async (context, { vm }) => {
    await admitVm(context, vm, 'provision');
    await provisionDisks(context, vm);
  },
  power_state_reset: (context, { vm }) => powerStateReset(context, vm),
  get_allowed_VBD_devices: (context, { vm }) => allowedDevices(context, vm, 'VBD'),
  get_allowed_VIF_devices: (context, { vm }) => allowedDevices(context, vm, 'VIF'),
  get_possible_hosts: (context, { vm }) => possibleHosts(context, vm),
  assert_can_boot_here: (context, { self, host }) => assertCanBootHere(context, self, host),
  assert_operation_valid: async (context, { self, op }) => void (await admitVm(context, self, op)),
  update_allowed_operations: async ({ tx }, { self }) => void (await tx.get('VM', self)),
  compute_memory_overhead: async ({ tx }, { vm }) => memory.overheadBytes(await tx.get('VM', vm)),
  maximise_memory: async ({ tx }, { self, total }) =>
    memory.largestStaticMax(await tx.get('VM', self), total),
  set_VCPUs_max: (context, { self, value }) => setVcpus(context, self, { max: value }),
  set_VCPUs_at_startup: (context, { self, value }) => setVcpus(context, self, { startup: value }),
  set_HVM_shadow_multiplier: async (context, { self, value }) => {
    if (value < 1) throw new XenError('INVALID_VALUE', 'HVM_shadow_multiplier', String(value));
    await admitVm(context, self, 'changing_shadow_memory');
    await context.tx.update('VM', self, { HVM_shadow_multiplier: value });
  },
  set_start_delay: notNegative('start_delay'),
  set_shutdown_delay: notNegative('shutdown_delay'),
  set_order: notNegative('order'),
  // It would ask a plugin of the conversion appliance, which no host here has.
  import_convert: () => Promise.reject(new XenError('XENAPI_MISSING_PLUGIN', 'conversion')),
  set_has_vendor_device: async ({ tx }, { self, value }) => {
    assertHalted(await tx.lock('VM', self));
    await tx.update('VM', self, { has_vendor_device: value });
  },
  set_actions_after_crash: async ({ tx }, { self, value }) =>
    tx.update('VM', self, { actions_after_crash: value }),
  set_domain_type: async (context, { self, value }) => {
    const vm = await context.tx.lock('VM', self);
    assertHalted(vm);
    await context.tx.update('VM', self, {
      domain_type: value,
      HVM_boot_policy: value === 'hvm' ? vm.HVM_boot_policy || 'BIOS order' : '',
    });
  },
  set_HVM_boot_policy: async ({ tx }, { self, value }) =>
    tx.update('VM', self, { HVM_boot_policy: value, domain_type: value === '' ? 'pv' : 'hvm' }),
  set_ha_restart_priority: (context, { self, value }) => setRestartPriority(context, self, value),
  set_ha_always_run: (context, { self, value }) => setRestartPriority(context, self, value ? 'restart' : ''),
  set_blocked_operations: storing('VM', 'set_blocked_operations'),
  add_to_blocked_operations: storing('VM', 'add_to_blocked_operations'),
  remove_from_blocked_operations: storing('VM', 'remove_from_blocked_operations'),
  add_to_other_config: storing('VM', 'add_to_other_config'),
  remove_from_other_config: storing('VM', 'remove_from_other_config'),
  set_other_config: storing('VM', 'set_other_config'),
  add_to_platform: storing('VM', 'add_to_platform'),
  remove_from_platform: storing('VM', 'remove_from_platform'),
  set_platform: storing('VM', 'set_platform'),
};

/** Implied messages that do more than store. */
export const vmOverrides = {
  create: (context: Context, { args }: { args: Partial<Vm> }) => create(context, args),
  destroy: (context: Context, { self }: { self: Ref<'VM'> }) => destroy(context, self),
  set_is_a_template: (context: Context, { self, value }: { self: Ref<'VM'>; value: boolean }) =>
    setIsATemplate(context, self, value),
};

/** A MAC address that follows from the VM's seed and the device, as xapi makes them. */
export const generatedMac = (vm: Vm, device: string): string =>
  seededMac(vm.other_config['mac_seed'] ?? vm.uuid, device);
