/**
 * The lifecycle of a VM: its operations by power state. Tables as xapi has them; `refusal` checks in xapi's order and the first hit is the
 * answer, both for a call that wants to begin and for the list of allowed operations.
 */
import { enums, isNullRef, XenError, type StoredRecord, type TypeOf } from '@xenplane/model';
import { busy, isBusy, plain } from './refusals';

export type PowerState = StoredRecord<'VM'>['power_state'];
export type VmOperation = TypeOf<typeof enums.vm_operations>;

/** States in which a domain exists. */
export const live: readonly PowerState[] = ['Running', 'Paused'];
const H: PowerState = 'Halted',
  P: PowerState = 'Paused',
  S: PowerState = 'Suspended',
  R: PowerState = 'Running';
const all = [H, P, S, R];

/** Power states in which each operation may begin. */
export const allowedIn: Readonly<Record<VmOperation, readonly PowerState[]>> = {
  snapshot: all,
  clone: [H],
  copy: [H],
  create_template: [H, S],
  revert: all,
  checkpoint: [P, S, R],
  snapshot_with_quiesce: [R],
  provision: [H],
  start: [H],
  start_on: [H],
  pause: [R],
  unpause: [P],
  clean_shutdown: [R],
  clean_reboot: [R],
  hard_shutdown: [P, S, R],
  power_state_reset: all,
  hard_reboot: [P, R],
  suspend: [R],
  csvm: [S],
  resume: [S],
  resume_on: [S],
  pool_migrate: [R],
  migrate_send: [H, S, R],
  get_boot_record: [P, S, R],
  send_sysrq: [R],
  send_trigger: [R],
  query_services: all,
  shutdown: [P, S, R],
  call_plugin: [R],
  changing_memory_live: [R],
  awaiting_memory_live: [R],
  changing_dynamic_range: [H, R],
  changing_static_range: [H],
  changing_memory_limits: [H],
  changing_shadow_memory: [H],
  changing_shadow_memory_live: [R],
  changing_VCPUs: [H],
  changing_VCPUs_live: [R],
  changing_NVRAM: [H],
  assert_operation_valid: all,
  data_source_op: [R],
  update_allowed_operations: all,
  make_into_template: [H],
  import: [],
  export: [H, S],
  metadata_export: all,
  reverting: all,
  destroy: [H, S],
  create_vtpm: [H],
  sysprep: [R],
};

/** Where a successful operation leaves the VM; operations that are not here leave it where it was. */
export const leadsTo: Readonly<Partial<Record<VmOperation, PowerState>>> = {
  start: R,
  start_on: R,
  pause: P,
  unpause: R,
  suspend: S,
  resume: R,
  resume_on: R,
  clean_shutdown: H,
  hard_shutdown: H,
  shutdown: H,
  clean_reboot: R,
  hard_reboot: R,
  power_state_reset: H,
};

const neverListed: ReadonlySet<VmOperation> = new Set([
  'create_template',
  'power_state_reset',
  'csvm',
  'get_boot_record',
  'send_sysrq',
  'send_trigger',
  'query_services',
  'shutdown',
  'call_plugin',
  'changing_memory_live',
  'awaiting_memory_live',
  'changing_memory_limits',
  'changing_shadow_memory_live',
  'changing_VCPUs',
  'assert_operation_valid',
  'data_source_op',
  'update_allowed_operations',
  'import',
  'reverting',
]);
const onTemplates: ReadonlySet<VmOperation> = new Set([
  'changing_dynamic_range',
  'changing_static_range',
  'changing_memory_limits',
  'changing_shadow_memory',
  'changing_VCPUs',
  'changing_NVRAM',
  'clone',
  'copy',
  'export',
  'metadata_export',
  'provision',
]);
const onOwnTemplates: ReadonlySet<VmOperation> = new Set(['destroy', 'migrate_send']);
const onSnapshots: ReadonlySet<VmOperation> = new Set([
  'revert',
  'clone',
  'copy',
  'export',
  'destroy',
  'hard_shutdown',
  'metadata_export',
]);
const onControlDomains: ReadonlySet<VmOperation> = new Set([
  'data_source_op',
  'changing_memory_live',
  'awaiting_memory_live',
  'metadata_export',
  'changing_dynamic_range',
  'changing_memory_limits',
  'changing_static_range',
  'start',
  'start_on',
  'changing_VCPUs',
  'destroy',
]);
/** Operations that carry the memory of a running guest somewhere. */
const suspending: ReadonlySet<VmOperation> = new Set([
  'suspend',
  'checkpoint',
  'pool_migrate',
  'migrate_send',
]);
const together: readonly ReadonlySet<string>[] = [
  new Set(['clone', 'copy', 'export']),
  new Set(['snapshot', 'checkpoint']),
  new Set(['get_boot_record']),
];
const pairs: readonly (readonly [current: string, also: VmOperation])[] = [
  ['snapshot_with_quiesce', 'snapshot'],
  ['migrate_send', 'metadata_export'],
  ['migrate_send', 'clean_shutdown'],
  ['migrate_send', 'clean_reboot'],
];
const preempting: Readonly<Partial<Record<VmOperation, readonly string[]>>> = {
  hard_shutdown: ['hard_shutdown'],
  hard_reboot: ['hard_shutdown', 'hard_reboot'],
};

/** The facts that the checks read; a replica and a transaction can both give them. */
export interface VmSubject {
  readonly ref: string;
  readonly vm: Pick<
    StoredRecord<'VM'>,
    | 'power_state'
    | 'current_operations'
    | 'blocked_operations'
    | 'is_a_template'
    | 'is_default_template'
    | 'is_a_snapshot'
    | 'is_control_domain'
    | 'domid'
    | 'domain_type'
    | 'HVM_boot_policy'
    | 'appliance'
    | 'protection_policy'
    | 'snapshot_schedule'
    | 'attached_PCIs'
  >;
  readonly guest: Pick<StoredRecord<'VM_guest_metrics'>, 'other' | 'PV_drivers_detected'> | undefined;
  /** The settings in force since its last start, whatever its record says by now. */
  readonly metrics: Pick<StoredRecord<'VM_metrics'>, 'nomigrate' | 'nested_virt'> | undefined;
  /** on_boot of each disk. */
  readonly onBoot: readonly StoredRecord<'VDI'>['on_boot'][];
  readonly vusbs: number;
  readonly vgpus: number;
  readonly vtpms: number;
}

export interface VmQuestion {
  /** The caller answers for what the guest has not said that it can. */
  readonly force?: boolean;
}

type Check = (op: VmOperation, subject: VmSubject, question: VmQuestion) => XenError | undefined;

/** Errors call some operations by other names than the records do. */
const otherNames: Readonly<Partial<Record<string, string>>> = {
  assert_operation_valid: 'assertoperationvalid',
  data_source_op: 'data_sources_op',
  changing_VCPUs: '(unknown operation)',
  changing_memory_limits: '(unknown operation)',
  query_services: '(unknown operation)',
  create_template: '(unknown operation)',
};
const shown = (op: string): string => otherNames[op] ?? op;

const blocked: Check = (op, { ref, vm }) =>
  Object.hasOwn(vm.blocked_operations, op)
    ? new XenError('OPERATION_BLOCKED', ref, vm.blocked_operations[op] ?? '')
    : undefined;

export function statesFor(op: VmOperation, { vm }: Pick<VmSubject, 'vm'>): readonly PowerState[] {
  if ((op === 'clone' || op === 'copy') && vm.is_a_snapshot) return [H, S];
  if (
    ['changing_VCPUs', 'changing_static_range', 'changing_memory_limits'].includes(op) &&
    vm.is_control_domain
  )
    return [H, R];
  return allowedIn[op];
}
const powerState: Check = (op, subject) => {
  const states = statesFor(op, subject);
  if (op === 'import' || states.includes(subject.vm.power_state)) return undefined;
  return new XenError(
    'VM_BAD_POWER_STATE',
    subject.ref,
    states.map(plain).join(', '),
    plain(subject.vm.power_state),
  );
};

export function isAllowedBeside(op: VmOperation, current: readonly string[]): boolean {
  if (current.length === 0) return true;
  if (together.some((group) => group.has(op) && current.every((c) => group.has(c)))) return true;
  if (current.length === 1 && pairs.some(([now, also]) => now === current[0] && also === op)) return true;
  const blockers = preempting[op];
  return blockers !== undefined && !current.some((c) => blockers.includes(c));
}
const concurrent: Check = (op, { ref, vm }) =>
  !isBusy(vm.current_operations) || isAllowedBeside(op, Object.values(vm.current_operations))
    ? undefined
    : busy('VM', ref, vm.current_operations, shown);

const template: Check = (op, { ref, vm }) => {
  if (
    !vm.is_a_template ||
    vm.is_a_snapshot ||
    onTemplates.has(op) ||
    (!vm.is_default_template && onOwnTemplates.has(op))
  )
    return undefined;
  return new XenError('VM_IS_TEMPLATE', ref, shown(op));
};
const snapshot: Check = (op, { ref, vm }) =>
  vm.is_a_snapshot && !onSnapshots.has(op) ? new XenError('VM_IS_SNAPSHOT', ref, shown(op)) : undefined;
const provisionTemplate: Check = (op, { vm }) =>
  op === 'provision' && !vm.is_a_template ? new XenError('PROVISION_ONLY_ALLOWED_ON_TEMPLATE') : undefined;
const revertSnapshot: Check = (op, { vm }) =>
  op === 'revert' && !vm.is_a_snapshot ? new XenError('REVERT_ONLY_ALLOWED_ON_SNAPSHOT') : undefined;

const immobile: Check = (op, { ref, metrics }, { force }) =>
  suspending.has(op) && (metrics?.nested_virt || metrics?.nomigrate) && !force
    ? new XenError('VM_IS_IMMOBILE', ref)
    : undefined;
const nestedMemory: Check = (op, { ref, metrics }, { force }) =>
  op === 'changing_dynamic_range' && metrics?.nested_virt && !force
    ? new XenError('VM_IS_USING_NESTED_VIRT', ref)
    : undefined;
const dom0: Check = (op, { vm }) =>
  vm.is_control_domain && vm.domid === 0 && (op === 'changing_VCPUs' || op === 'destroy')
    ? new XenError('OPERATION_NOT_ALLOWED', `This operation is not allowed on dom0`)
    : undefined;
const controlDomain: Check = (op, { vm }) =>
  vm.is_control_domain && !onControlDomains.has(op)
    ? new XenError('OPERATION_NOT_ALLOWED', 'This operation is not allowed on a control domain')
    : undefined;

const cannotSuspend: Check = (op, { ref, vm, guest }) => {
  const reason = guest?.other['data-cant-suspend-reason'];
  return suspending.has(op) && reason !== undefined && live.includes(vm.power_state)
    ? new XenError('VM_NON_SUSPENDABLE', ref, reason)
    : undefined;
};

/** Each of these is enough. */
const features: Readonly<Partial<Record<VmOperation, readonly string[]>>> = {
  suspend: ['feature-suspend'],
  checkpoint: ['feature-suspend'],
  pool_migrate: ['feature-suspend'],
  migrate_send: ['feature-suspend'],
  clean_shutdown: ['feature-shutdown', 'feature-poweroff'],
  clean_reboot: ['feature-shutdown', 'feature-reboot'],
  changing_VCPUs_live: ['feature-vcpu-hotplug'],
};
const isHvm = ({ vm }: VmSubject): boolean =>
  vm.domain_type === 'hvm' || (vm.domain_type === 'unspecified' && vm.HVM_boot_policy !== '');
/** An HVM guest without PV drivers must have said that it can; one that has drivers is believed. */
const lacksFeature: Check = (op, subject, { force }) => {
  const { guest, vm, ref } = subject;
  const needed = features[op];
  if (
    !needed ||
    vm.power_state !== R ||
    !isHvm(subject) ||
    guest?.PV_drivers_detected ||
    (force && op !== 'changing_VCPUs_live')
  )
    return undefined;
  return needed.some((f) => guest?.other[f] === '1') ? undefined : new XenError('VM_LACKS_FEATURE', ref);
};

const quiesce: Check = (op, { ref }) =>
  op === 'snapshot_with_quiesce' ? new XenError('VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED', ref) : undefined;
const resetDisks: Check = (op, { onBoot }) =>
  ['checkpoint', 'snapshot', 'suspend'].includes(op) && onBoot.includes('reset')
    ? new XenError('VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION')
    : undefined;
const pci: Check = (op, { ref, vm }) =>
  suspending.has(op) && vm.attached_PCIs.length > 0 ? new XenError('VM_HAS_PCI_ATTACHED', ref) : undefined;
const vgpu: Check = (op, { ref, vm, vgpus }) => {
  const fine =
    (op === 'migrate_send' && vm.power_state === H) || (op === 'checkpoint' && vm.power_state === S);
  return suspending.has(op) && vgpus > 0 && !fine ? new XenError('VM_HAS_VGPU', ref) : undefined;
};
const vusb: Check = (op, { ref, vusbs }) =>
  vusbs > 0 && ['suspend', 'snapshot', 'checkpoint', 'migrate_send', 'pool_migrate'].includes(op)
    ? new XenError('VM_HAS_VUSBS', ref)
    : undefined;
const belonging: Check = (op, { ref, vm }) => {
  if (op !== 'make_into_template') return undefined;
  if (!isNullRef(vm.appliance)) return new XenError('VM_IS_PART_OF_AN_APPLIANCE', ref, vm.appliance);
  if (!isNullRef(vm.protection_policy))
    return new XenError('VM_ASSIGNED_TO_PROTECTION_POLICY', ref, vm.protection_policy);
  return isNullRef(vm.snapshot_schedule)
    ? undefined
    : new XenError('VM_ASSIGNED_TO_SNAPSHOT_SCHEDULE', ref, vm.snapshot_schedule);
};
const systemDomain: Check = (op, { ref }) =>
  op === 'query_services' ? new XenError('NOT_SYSTEM_DOMAIN', ref) : undefined;
const oneVtpm: Check = (op, { vtpms }) =>
  op === 'create_vtpm' && vtpms > 0 ? new XenError('VTPM_MAX_AMOUNT_REACHED', '1') : undefined;

const checks: readonly Check[] = [
  blocked,
  powerState,
  concurrent,
  template,
  snapshot,
  provisionTemplate,
  revertSnapshot,
  immobile,
  nestedMemory,
  dom0,
  controlDomain,
  cannotSuspend,
  lacksFeature,
  quiesce,
  resetDisks,
  pci,
  vgpu,
  vusb,
  belonging,
  systemDomain,
  oneVtpm,
];

/** Why the operation may not begin now; undefined when it may. */
export function refusal(
  op: VmOperation,
  subject: VmSubject,
  question: VmQuestion = {},
): XenError | undefined {
  for (const check of checks) {
    const refused = check(op, subject, question);
    if (refused) return refused;
  }
  return undefined;
}

export const operations: readonly VmOperation[] = (enums.vm_operations.values ??
  []) as readonly VmOperation[];
const listable = operations.filter((op) => !neverListed.has(op));

export const allowedOperations = (subject: VmSubject): VmOperation[] =>
  listable.filter((op) => !refusal(op, subject));
