/** How much memory VMs may have, need and cost. All figures in bytes. */
import { XenError, type StoredRecord } from '@xenplane/model';

type Vm = StoredRecord<'VM'>;
export type Limits = Pick<
  Vm,
  'memory_static_min' | 'memory_static_max' | 'memory_dynamic_min' | 'memory_dynamic_max'
>;
export type Shape = Limits &
  Pick<Vm, 'VCPUs_max' | 'HVM_shadow_multiplier' | 'domain_type' | 'HVM_boot_policy'>;
const MiB = 2 ** 20,
  KiB = 2 ** 10;

/** static_min <= dynamic_min <= dynamic_max <= static_max, none negative. */
export function refuseLimits(l: Limits): XenError | undefined {
  const order = [0, l.memory_static_min, l.memory_dynamic_min, l.memory_dynamic_max, l.memory_static_max];
  return order.every((value, i) => i === 0 || value >= (order[i - 1] ?? 0))
    ? undefined
    : new XenError('MEMORY_CONSTRAINT_VIOLATION_ORDER');
}

/** More vCPUs than any hypervisor of the family takes. */
const mostVcpus = 1024;
export function refuseVcpus(atStartup: number, max: number): XenError | undefined {
  if (max < 1 || max > mostVcpus) return new XenError('INVALID_VALUE', 'VCPUs_max', String(max));
  return atStartup < 1 || atStartup > max
    ? new XenError('INVALID_VALUE', 'VCPUs_at_startup', String(atStartup))
    : undefined;
}

const isHvm = (vm: Pick<Vm, 'domain_type' | 'HVM_boot_policy'>): boolean =>
  vm.domain_type === 'hvm' || (vm.domain_type === 'unspecified' && vm.HVM_boot_policy !== '');

/**
 * The memory overhead of a domain besides its own memory, in whole MiB. Every domain: 1 MiB of hypervisor structures. With a device
 * model also: its shadow or HAP pool, 1 MiB a vCPU plus 8 KiB a MiB of static maximum times the shadow multiplier (xapi's
 * Memory module), and the frames for emulated devices, 9 MiB.
 */
export function overheadBytes(vm: Shape): number {
  if (!isHvm(vm)) return MiB;
  const megabytes = vm.memory_static_max / MiB;
  const shadow = (vm.VCPUs_max * MiB + megabytes * 8 * KiB) * Math.max(1, vm.HVM_shadow_multiplier);
  return Math.ceil((MiB + 9 * MiB + shadow) / MiB) * MiB;
}

/** The memory that a start reserves on its host: all that the guest may grow to without asking again. */
export const neededToStart = (vm: Shape): number => vm.memory_dynamic_max + overheadBytes(vm);

/** The largest static maximum whose domain, overhead included, fits into `total`. */
export function largestStaticMax(vm: Shape, total: number): number {
  let low = 0,
    high = Math.floor(total / MiB);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (middle * MiB + overheadBytes({ ...vm, memory_static_max: middle * MiB }) <= total) low = middle;
    else high = middle - 1;
  }
  return low * MiB;
}
