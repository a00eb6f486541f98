import { asRef, classes, isNullRef, nullRef, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import { memory } from '@xenplane/domain';
import { admitVm } from '../admission';
import { seededMac } from '../bootstrap/seeded';
import type { Context } from '../context';
import { dataSourceCalls } from './data-sources';
import { endRuns, showHalted } from '../fleet/halt';
import { assertCanSend } from './vm-migrate';
import { assertCanBootHere, possibleHosts } from '../placement';
import { recordWith } from '../records';
import { storing } from './setters';
import { cloneVm } from './vm-clone';
import { provisionDisks } from './vm-provision';
import { setMemory } from './vm-memory';

type Vm = StoredRecord<'VM'>;

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
    power_state: 'Halted',
    domid: -1,
    memory_target: given.memory_target || given.memory_dynamic_max || 0,
    other_config: { mac_seed: plane.ids.uuid(), ...given.other_config },
    platform: { 'cores-per-socket': '1', secureboot: 'false', ...given.platform },
    HVM_boot_params: { firmware: 'bios', order: 'cd', ...given.HVM_boot_params },
    last_booted_record: '',
    resident_on: nullRef(),
    suspend_VDI: nullRef(),
  });
  assertShape(record);
  await tx.insert(
    'VM_metrics',
    metricsRef,
    recordWith('VM_metrics', { uuid: metrics, VCPUs_number: record.VCPUs_at_startup, hvm: record.HVM_boot_policy !== '' }),
  );
  await tx.insert('VM', ref, record);
  return ref;
}

function assertShape(record: Vm): void {
  const refused = memory.refuseLimits(record) ?? memory.refuseVcpus(record.VCPUs_at_startup, record.VCPUs_max);
  if (refused) throw refused;
}

async function destroy(context: Context, self: Ref<'VM'>): Promise<void> {
  const { tx } = context;
  const vm = await admitVm(context, self, 'destroy');
  for (const vbd of await tx.find('VBD', { VM: self })) await tx.remove('VBD', vbd.ref);
  for (const vif of await tx.find('VIF', { VM: self })) await tx.remove('VIF', vif.ref);
  for (const console of await tx.find('console', { VM: self })) await tx.remove('console', console.ref);
  await tx.query('DELETE FROM vm_run WHERE vm = $1', [self]);
  await tx.remove('VM', self);
  if (!isNullRef(vm.metrics)) await tx.query('DELETE FROM vm_metrics WHERE ref = $1', [vm.metrics]);
  if (!isNullRef(vm.guest_metrics)) await tx.query('DELETE FROM vm_guest_metrics WHERE ref = $1', [vm.guest_metrics]);
  if (!isNullRef(vm.suspend_VDI)) await tx.query('DELETE FROM vdi WHERE ref = $1', [vm.suspend_VDI]);
}

/** Says that the VM is halted, whatever is true: for a host that is known to be gone. What still runs is stopped when its agent comes back. */
async function powerStateReset(context: Context, vm: Ref<'VM'>): Promise<void> {
  const record = await context.tx.lock('VM', vm);
  if (record.is_control_domain) throw new XenError('OPERATION_NOT_ALLOWED', 'A control domain cannot be reset');
  await endRuns(context.tx, [vm]);
  await showHalted(context.tx, [vm]);
  await context.tx.update('VM', vm, { current_operations: {} });
}

async function allowedDevices(context: Context, vm: Ref<'VM'>, cls: 'VBD' | 'VIF'): Promise<string[]> {
  const record = await context.tx.get('VM', vm);
  const limit = cls === 'VIF' ? 7 : record.HVM_boot_policy === '' ? 16 : 255;
  const used =
    cls === 'VBD' ? (await context.tx.find('VBD', { VM: vm })).map((v) => v.userdevice) : (await context.tx.find('VIF', { VM: vm })).map((v) => v.device);
  return Array.from({ length: limit }, (_, i) => String(i)).filter((d) => !used.includes(d));
}

async function setIsATemplate(context: Context, self: Ref<'VM'>, value: boolean): Promise<void> {
  const vm = await context.tx.lock('VM', self);
  if (vm.is_default_template && !value) throw new XenError('OPERATION_NOT_ALLOWED', 'A default template stays a template: clone it');
  if (value && !vm.is_a_template) await admitVm(context, self, 'make_into_template');
  await context.tx.update('VM', self, value ? { is_a_template: true } : { is_a_template: false, is_default_template: false });
}

async function setVcpus(context: Context, self: Ref<'VM'>, change: { max?: number; startup?: number }): Promise<void> {
  const vm = change.max === undefined ? await context.tx.lock('VM', self) : await admitVm(context, self, 'changing_VCPUs');
  const max = change.max ?? vm.VCPUs_max,
    startup = change.startup ?? vm.VCPUs_at_startup;
  const refused = memory.refuseVcpus(startup, max);
  if (refused) throw refused;
  await context.tx.update('VM', self, { VCPUs_max: max, VCPUs_at_startup: startup });
  if (vm.power_state === 'Halted' && !isNullRef(vm.metrics)) await context.tx.update('VM_metrics', vm.metrics, { VCPUs_number: startup });
}

async function setBiosStrings(context: Context, self: Ref<'VM'>, value: Record<string, string>): Promise<void> {
  const vm = await context.tx.lock('VM', self);
  if (Object.keys(vm.bios_strings).length > 0) throw new XenError('VM_BIOS_STRINGS_ALREADY_SET');
  const bad = Object.entries(value).find(([key, text]) => !/^[a-z]+-[a-z-]+$/.test(key) || text.length > 512 || text === '');
  if (bad) throw new XenError('INVALID_VALUE', bad[0], bad[1]);
  await context.tx.update('VM', self, { bios_strings: value });
}

const nvram =
  (call: string) =>
  async (context: Context, args: Readonly<Record<string, unknown>>): Promise<void> => {
    await admitVm(context, asRef(String(args['self'])), 'changing_NVRAM');
    await storing('VM', call)(context, args);
  };
const notNegative =
  (field: 'start_delay' | 'shutdown_delay' | 'order') =>
  async ({ tx }: Context, { self, value }: { self: Ref<'VM'>; value: number }): Promise<void> => {
    if (value < 0) throw new XenError('VALUE_NOT_SUPPORTED', field, String(value), 'The value must not be negative');
    await tx.update('VM', self, { [field]: value });
  };

export const vmCalls: CallsOf<typeof classes.VM, Context> = {
  ...dataSourceCalls('VM', 'self'),
  ...setMemory,
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
  assert_can_migrate: (context, sent) => assertCanSend(context, sent),
  update_allowed_operations: async ({ tx }, { self }) => void (await tx.get('VM', self)),
  compute_memory_overhead: async ({ tx }, { vm }) => memory.overheadBytes(await tx.get('VM', vm)),
  maximise_memory: async ({ tx }, { self, total }) => memory.largestStaticMax(await tx.get('VM', self), total),
  set_VCPUs_max: (context, { self, value }) => setVcpus(context, self, { max: value }),
  set_VCPUs_at_startup: (context, { self, value }) => setVcpus(context, self, { startup: value }),
  set_HVM_shadow_multiplier: async (context, { self, value }) => {
    if (value < 1) throw new XenError('INVALID_VALUE', 'HVM_shadow_multiplier', String(value));
    await admitVm(context, self, 'changing_shadow_memory');
    await context.tx.update('VM', self, { HVM_shadow_multiplier: value });
  },
  set_NVRAM: nvram('set_NVRAM'),
  add_to_NVRAM: nvram('add_to_NVRAM'),
  remove_from_NVRAM: nvram('remove_from_NVRAM'),
  set_bios_strings: (context, { self, value }) => setBiosStrings(context, self, value),
  copy_bios_strings: async (context, { vm, host }) => setBiosStrings(context, vm, (await context.tx.get('host', host)).bios_strings),
  set_start_delay: notNegative('start_delay'),
  set_shutdown_delay: notNegative('shutdown_delay'),
  set_order: notNegative('order'),
  // What it would ask is a plugin of the conversion appliance, which no host here has.
  import_convert: () => Promise.reject(new XenError('XENAPI_MISSING_PLUGIN', 'conversion')),
  set_has_vendor_device: async ({ tx }, { self, value }) => tx.update('VM', self, { has_vendor_device: value }),
  set_actions_after_crash: async ({ tx }, { self, value }) => tx.update('VM', self, { actions_after_crash: value }),
  set_domain_type: async (context, { self, value }) => {
    const vm = await context.tx.lock('VM', self);
    if (vm.power_state !== 'Halted') throw new XenError('VM_BAD_POWER_STATE', self, 'halted', vm.power_state.toLowerCase());
    await context.tx.update('VM', self, { domain_type: value, HVM_boot_policy: value === 'hvm' ? vm.HVM_boot_policy || 'BIOS order' : '' });
  },
  set_HVM_boot_policy: async ({ tx }, { self, value }) => tx.update('VM', self, { HVM_boot_policy: value, domain_type: value === '' ? 'pv' : 'hvm' }),
  set_ha_restart_priority: async ({ tx }, { self, value }) => {
    if (!['', 'restart', 'best-effort'].includes(value)) throw new XenError('INVALID_VALUE', 'ha_restart_priority', value);
    await tx.update('VM', self, { ha_restart_priority: value });
  },
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
  set_is_a_template: (context: Context, { self, value }: { self: Ref<'VM'>; value: boolean }) => setIsATemplate(context, self, value),
};

/** A MAC address that follows from the VM's seed and the device, as xapi makes them. */
export const generatedMac = (vm: Vm, device: string): string => seededMac(vm.other_config['mac_seed'] ?? vm.uuid, device);
