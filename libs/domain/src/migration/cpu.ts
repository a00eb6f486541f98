/** Compatibility of CPUs: a guest that has seen one may go on on another, or not. */
import { XenError } from '@xenplane/model';

export type CpuFacts = Readonly<Record<string, string>>;

const words = (features: string): number[] => features.split('-').map((word) => parseInt(word, 16) || 0);

/** A guest that has seen a feature may use it at any time: the other CPU must have them all. */
export function hasFeatures(cpu: string, needed: string): boolean {
  const present = words(cpu);
  return words(needed).every((word, i) => (word & ~(present[i] ?? 0)) >>> 0 === 0);
}

/** `seen` is what the guest was started with; empty when nothing is known. */
export function refuseCpu(
  vm: string,
  seen: CpuFacts,
  host: string,
  cpu: CpuFacts,
  isHvm: boolean,
): XenError | undefined {
  if (seen['vendor'] !== undefined && seen['vendor'] !== cpu['vendor'])
    return new XenError(
      'VM_INCOMPATIBLE_WITH_THIS_HOST',
      vm,
      host,
      'VM last booted on a host which had a CPU from a different vendor.',
    );
  const present = cpu[isHvm ? 'features_hvm' : 'features_pv'] ?? '';
  if (hasFeatures(present, seen['features'] ?? '')) return undefined;
  return new XenError(
    'VM_INCOMPATIBLE_WITH_THIS_HOST',
    vm,
    host,
    "VM last booted on a CPU with features this host's CPU does not have.",
  );
}
