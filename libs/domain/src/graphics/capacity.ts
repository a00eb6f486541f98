/** How many virtual GPUs fit on physical ones, and which physical one a virtual one gets. */
import { XenError } from '@xenplane/model';

export interface Gpu {
  readonly ref: string;
  readonly group: string;
  readonly supported: readonly string[];
  readonly enabled: readonly string[];
  /** The most of each type that it takes. */
  readonly most: Readonly<Record<string, number>>;
  /** The type of each virtual GPU that it has or is to get. */
  readonly residents: readonly string[];
  /** A VM has its PCI device. */
  readonly isTaken?: boolean;
}

/** Why the type cannot be had from this GPU at all, however empty. */
function refuseType(gpu: Gpu, type: string): XenError | undefined {
  if (!gpu.supported.includes(type))
    return new XenError('VGPU_TYPE_NOT_SUPPORTED', type, gpu.supported.join(', '));
  if (!gpu.enabled.includes(type)) return new XenError('VGPU_TYPE_NOT_ENABLED', type, gpu.enabled.join(', '));
  const other = gpu.residents.find((resident) => resident !== type);
  return other === undefined
    ? undefined
    : new XenError('VGPU_TYPE_NOT_COMPATIBLE_WITH_RUNNING_TYPE', gpu.ref, type, other);
}
/** One GPU serves one type at a time. */
export const remaining = (gpu: Gpu, type: string): number =>
  gpu.isTaken || refuseType(gpu, type) ? 0 : Math.max(0, (gpu.most[type] ?? 0) - gpu.residents.length);
export const remainingInGroup = (gpus: readonly Gpu[], type: string): number =>
  gpus.reduce((sum, gpu) => sum + remaining(gpu, type), 0);

export interface GpuRequest {
  readonly vgpu: string;
  readonly group: string;
  readonly type: string;
  /** True if it takes the whole GPU. */
  readonly passthrough: boolean;
  readonly packed: boolean;
}
/** Of each wish, in order, the GPU that is to serve it; the wish for which none is left. */
export function allot(
  gpus: readonly Gpu[],
  wishes: readonly GpuRequest[],
): { readonly chosen: ReadonlyMap<string, string>; readonly missing?: GpuRequest } {
  const now = new Map(gpus.map((gpu) => [gpu.ref, gpu]));
  const chosen = new Map<string, string>();
  for (const wish of wishes) {
    const best = choose([...now.values()], wish);
    if (!best) return { chosen, missing: wish };
    chosen.set(wish.vgpu, best.ref);
    now.set(best.ref, { ...best, residents: [...best.residents, wish.type] });
  }
  return { chosen };
}

/** Depth first fills what is begun; breadth first takes what is emptiest. Between equals the first by reference. */
function choose(gpus: readonly Gpu[], { group, type, packed }: GpuRequest): Gpu | undefined {
  const able = gpus.filter((gpu) => gpu.group === group && remaining(gpu, type) > 0);
  const sign = packed ? 1 : -1;
  return able.sort((a, b) => sign * (remaining(a, type) - remaining(b, type)) || (a.ref < b.ref ? -1 : 1))[0];
}

/** VM_REQUIRES_GPU [vm, group] for a whole GPU, VM_REQUIRES_VGPU [vm, group, type] for a part. */
export const missingGpu = (vm: string, { group, type, passthrough }: GpuRequest): string[] =>
  passthrough ? ['VM_REQUIRES_GPU', vm, group] : ['VM_REQUIRES_VGPU', vm, group, type];
