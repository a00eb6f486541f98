/** Where every guest of a host goes when the host is to be empty, and for those that cannot go, why. */
import { isAway } from '../placement/filters';
import type { Candidate, Guest, Placement } from '../placement/place';
import { occupied, placeIn, type PlacementSnapshot } from '../placement/snapshot';

export interface Evacuation {
  readonly host: string;
  /** Code and parameters of what keeps a guest here, whatever the other hosts are like. */
  readonly fixed?: ReadonlyMap<string, readonly string[]>;
  /** The hosts that guests may go to; all others of the pool when not given. */
  readonly targets?: ReadonlySet<string> | undefined;
}
export interface EvacuationPlan {
  readonly moves: readonly { readonly vm: string; readonly host: string }[];
  readonly stuck: ReadonlyMap<string, readonly string[]>;
}

const byNeed = (a: Guest, b: Guest): number => b.memoryBytes - a.memoryBytes || (a.ref < b.ref ? -1 : 1);

/** The guests that run on the host; one on its way there runs elsewhere. */
function residents({ guests, reservations }: PlacementSnapshot, host: string): readonly Guest[] {
  const runsAt = new Map([...reservations].reverse().map((r) => [r.vm, r.host]));
  return [...guests.values()].filter(({ ref }) => runsAt.get(ref) === host);
}

/** The largest first, each where its policy likes it best with those before it in their new places. */
export function planEvacuation(
  snapshot: PlacementSnapshot,
  { host: leaving, fixed, targets }: Evacuation,
): EvacuationPlan {
  const isTarget = ({ ref }: Candidate): boolean => ref !== leaving && (targets?.has(ref) ?? true);
  const hosts = new Map(snapshot.hosts.filter(isTarget).map((h) => [h.ref, h]));
  const moves: { vm: string; host: string }[] = [];
  const stuck = new Map<string, readonly string[]>();
  for (const guest of residents(snapshot, leaving).toSorted(byNeed)) {
    const reason = fixed?.get(guest.ref);
    const placement = reason ? undefined : placeIn({ ...snapshot, hosts: [...hosts.values()] }, guest.ref);
    const best = placement?.ranked[0]?.host;
    if (best) {
      moves.push({ vm: guest.ref, host: best.ref });
      hosts.set(best.ref, occupied(best, guest));
    } else stuck.set(guest.ref, reason ?? reasonOf(placement));
  }
  return { moves, stuck };
}

/** Hosts that are down or disabled say nothing about the guest; of the others the one that comes nearest is quoted. */
function reasonOf(placement: Placement | undefined): readonly string[] {
  const reasons = [...(placement?.rejected.values() ?? [])].filter((reason) => !isAway(reason));
  const short = reasons
    .filter(([code]) => code === 'HOST_NOT_ENOUGH_FREE_MEMORY')
    .sort((a, b) => Number(b[2]) - Number(a[2]));
  return short[0] ?? reasons[0] ?? ['NO_HOSTS_AVAILABLE'];
}
