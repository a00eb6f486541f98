/** Refusals of a VM's settings at its start, once there is a host for it: `platform`, the firmware and what they ask of the memory. */
import { XenError, type StoredRecord } from '@xenplane/model';

type Vm = StoredRecord<'VM'>;
type Settings = Readonly<Record<string, string>>;
export type PlatformSubject = Pick<
  Vm,
  | 'platform'
  | 'domain_type'
  | 'HVM_boot_policy'
  | 'HVM_boot_params'
  | 'NVRAM'
  | 'VCPUs_max'
  | 'memory_static_min'
  | 'memory_static_max'
  | 'memory_dynamic_min'
  | 'memory_dynamic_max'
>;

const model = 'device-model';
const models = ['qemu-upstream-compat', 'qemu-upstream-uefi', 'qemu-upstream'];
/** A device model of old hosts; a start replaces it. */
const formerModel = 'qemu-trad';
const isUefi = ({ HVM_boot_params }: Pick<Vm, 'HVM_boot_params'>): boolean =>
  HVM_boot_params['firmware'] === 'uefi';
const typeOf = ({
  domain_type,
  HVM_boot_policy,
}: Pick<Vm, 'domain_type' | 'HVM_boot_policy'>): Vm['domain_type'] =>
  domain_type === 'unspecified' ? (HVM_boot_policy === '' ? 'pv' : 'hvm') : domain_type;

/** True for `true` and `1` in any case; a value that is neither true nor false counts as not given. */
export function isOn(platform: Settings, key: string, otherwise = false): boolean {
  const value = platform[key]?.toLowerCase() ?? '';
  return ['true', '1'].includes(value) || (otherwise && !['false', '0'].includes(value));
}
const isBoolean = (value: string): boolean => ['true', '1', 'false', '0'].includes(value.toLowerCase());

/** The settings with which a VM starts: a guest with a device model always names which. */
export function platformToStart(vm: PlatformSubject): Settings {
  const present = vm.platform[model];
  const usual = isUefi(vm) ? 'qemu-upstream-uefi' : 'qemu-upstream-compat';
  const isMissing = present === undefined && typeOf(vm) === 'hvm';
  return isMissing || present === formerModel ? { ...vm.platform, [model]: usual } : vm.platform;
}

type Basics = Pick<
  Vm,
  | 'domain_type'
  | 'HVM_boot_policy'
  | 'actions_after_crash'
  | 'HVM_shadow_multiplier'
  | 'VCPUs_max'
  | 'VCPUs_at_startup'
>;
/** Settings that are impossible on any host: values that could be set and that no domain can have. */
export function refuseBasics(vm: Basics): XenError | undefined {
  const { actions_after_crash: action, HVM_shadow_multiplier: shadow } = vm;
  if (vm.VCPUs_max < 1) return invalid('VCPUs_max', String(vm.VCPUs_max));
  if (vm.VCPUs_at_startup < 1) return invalid('VCPUs-at-startup', String(vm.VCPUs_at_startup));
  if (vm.VCPUs_at_startup > vm.VCPUs_max)
    return unsupported('VCPUs-at-startup', String(vm.VCPUs_at_startup), 'It is more than VCPUs-max');
  if (shadow < 1) return invalid('HVM_shadow_multiplier', String(shadow));
  if (action === 'rename_restart')
    return unsupported('VM.actions_after_crash', action, 'No domain outlives the run of its VM');
  const dumps = action.startsWith('coredump') && typeOf(vm) !== 'pv';
  return dumps
    ? unsupported('VM.actions_after_crash', action, 'Only the memory of a PV guest can be dumped')
    : undefined;
}
const unsupported = (field: string, value: string, why: string): XenError =>
  new XenError('VALUE_NOT_SUPPORTED', field, value, why);

const invalid = (field: string, value: string): XenError => new XenError('INVALID_VALUE', field, value);

function refuseFirmware({ HVM_boot_params, NVRAM }: PlatformSubject): XenError | undefined {
  const { firmware = 'bios' } = HVM_boot_params;
  if (firmware !== 'bios' && firmware !== 'uefi') return invalid("HVM-boot-params['firmware']", firmware);
  const onBoot = NVRAM['EFI-variables-on-boot'] ?? 'persist';
  return firmware === 'bios' || onBoot === 'persist' || onBoot === 'reset'
    ? undefined
    : invalid("NVRAM['EFI-variables-on-boot']", onBoot);
}

function refuseNesting(vm: PlatformSubject, platform: Settings, force: boolean): XenError | undefined {
  const key = 'nested-virt';
  const isPinned =
    vm.memory_static_min <= vm.memory_dynamic_min &&
    vm.memory_dynamic_min === vm.memory_dynamic_max &&
    vm.memory_dynamic_max === vm.memory_static_max;
  if (!force && isOn(platform, key) && !isPinned)
    return new XenError('MEMORY_CONSTRAINT_VIOLATION_MAXPIN', 'nested virt');
  const value = platform[key];
  return value === undefined || isBoolean(value) ? undefined : invalid(`platform:${key}`, value);
}

function refuseModel(vm: PlatformSubject, platform: Settings): XenError | undefined {
  if (platform[model] === formerModel && isUefi(vm))
    return invalid(`platform:${model}`, `UEFI boot is not supported with ${formerModel}`);
  if (platform[model] === 'qemu-upstream-uefi' && !isUefi(vm))
    return invalid(`platform:${model}`, 'BIOS boot is not supported with qemu-upstream-uefi');
  return undefined;
}

/** Decimal, or with a prefix for another base; underscores between digits are ignored. */
function wholeNumber(text: string): number | undefined {
  const [, minus = '', base = '', digits = ''] = /^(-?)(0[xob]|0u)?([0-9a-f_]+)$/i.exec(text) ?? [];
  if (digits === '' || digits.startsWith('_')) return undefined;
  const value = Number(`${base.toLowerCase() === '0u' ? '' : base}${digits.replaceAll('_', '')}`);
  return Number.isInteger(value) ? (minus ? -value : value) : undefined;
}

function refuseCores(vm: PlatformSubject, platform: Settings): XenError | undefined {
  const key = 'cores-per-socket';
  const text = platform[key];
  if (text === undefined || typeOf(vm) === 'pv') return undefined;
  const cores = wholeNumber(text);
  if (cores === undefined) return invalid(`platform:${key}`, text);
  return cores >= 1 && vm.VCPUs_max % cores === 0
    ? undefined
    : new XenError('VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE', String(vm.VCPUs_max), text);
}

/** Refusals at the building of a domain, for a start and for a resume. */
export const refuseToBuild = (vm: PlatformSubject, platform: Settings = vm.platform): XenError | undefined =>
  refuseFirmware(vm) ?? refuseModel(vm, platform) ?? refuseCores(vm, platform);

export interface StartQuestion {
  /** USB devices that are passed through. */
  readonly vusbs: number;
  readonly force: boolean;
}
/** The same and more, in the order in which a host looks. */
export function refuseToStart(vm: PlatformSubject, { vusbs, force }: StartQuestion): XenError | undefined {
  const platform = platformToStart(vm);
  const named = platform[model];
  const unfit =
    vusbs > 0 && !models.includes(named ?? '')
      ? invalid(`platform:${model} when vm has VUSBs`, named ?? 'undefined')
      : undefined;
  return refuseFirmware(vm) ?? unfit ?? refuseNesting(vm, platform, force) ?? refuseToBuild(vm, platform);
}
