/** Where every guest of a host goes when the host is to be empty, and for those that cannot go, why. */
import { place, type Candidate, type Guest, type Placement, type Policy } from '../placement/place';

export interface Evacuee {
  readonly guest: Guest;
  /** Code and parameters of what keeps it here, whatever the other hosts are like. */
  readonly fixed?: readonly string[];
}
export interface EvacuationPlan {
  readonly moves: readonly { readonly vm: string; readonly host: string }[];
  readonly stuck: ReadonlyMap<string, readonly string[]>;
}

const byNeed = (a: Evacuee, b: Evacuee): number =>
  b.guest.memoryBytes - a.guest.memoryBytes || (a.guest.ref < b.guest.ref ? -1 : 1);

/** The largest first, each where the policy likes it best with those before it in their new places. */
export function planEvacuation(
  policy: Policy,
  evacuees: readonly Evacuee[],
  others: readonly Candidate[],
): EvacuationPlan {
  const hosts = new Map(others.map((h) => [h.ref, h]));
  const moves: { vm: string; host: string }[] = [];
  const stuck = new Map<string, readonly string[]>();
  for (const { guest, fixed } of [...evacuees].sort(byNeed)) {
    const placement = fixed ? undefined : place(policy, guest, [...hosts.values()]);
    const best = placement?.ranked[0]?.host;
    if (!best || !placement) {
      stuck.set(guest.ref, fixed ?? reasonOf(placement));
      continue;
    }
    moves.push({ vm: guest.ref, host: best.ref });
    hosts.set(best.ref, occupied(best, guest));
  }
  return { moves, stuck };
}

export const occupied = (host: Candidate, guest: Guest): Candidate => ({
  ...host,
  memoryFree: host.memoryFree - guest.memoryBytes,
  vcpusPlaced: host.vcpusPlaced + guest.vcpus,
  vmsPlaced: host.vmsPlaced + 1,
});

/** Hosts that are down or disabled say nothing about the guest; of the others the one that comes nearest is quoted. */
const away: ReadonlySet<string> = new Set(['HOST_DISABLED', 'HOST_NOT_LIVE']);
function reasonOf(placement: Placement | undefined): readonly string[] {
  const reasons = [...(placement?.rejected.values() ?? [])].filter(([code = '']) => !away.has(code));
  const short = reasons
    .filter(([code]) => code === 'HOST_NOT_ENOUGH_FREE_MEMORY')
    .sort((a, b) => Number(b[2]) - Number(a[2]));
  return short[0] ?? reasons[0] ?? ['NO_HOSTS_AVAILABLE'];
}
