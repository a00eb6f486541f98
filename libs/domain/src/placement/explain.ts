/** The explanation of a placement, small enough to keep with every start. */
import { XenError } from '@xenplane/model';
import { isAway } from './filters';
import type { Placement } from './place';

export interface Explanation {
  readonly policy: string;
  readonly version: number;
  readonly chosen: string | null;
  /** The best of those that were possible, best first. */
  readonly candidates: readonly {
    readonly host: string;
    readonly scores: Readonly<Record<string, number>>;
  }[];
  readonly possible: number;
  /** How many hosts each reason ruled out, with one of them. */
  readonly rejected: Readonly<Record<string, { readonly hosts: number; readonly example: string }>>;
}

const mostCandidates = 8;

export function explain({ policy, ranked, rejected }: Placement, chosen?: string): Explanation {
  const reasons: Record<string, { hosts: number; example: string }> = {};
  for (const [host, [code = '']] of rejected)
    reasons[code] = { hosts: (reasons[code]?.hosts ?? 0) + 1, example: reasons[code]?.example ?? host };
  const candidates = ranked.slice(0, mostCandidates).map(({ host, scores }) => ({
    host: host.ref,
    scores: Object.fromEntries(
      policy.scores.map((s, i) => [s.name, Math.round((scores[i] ?? 0) * 1e6) / 1e6]),
    ),
  }));
  return {
    policy: policy.name,
    version: policy.version,
    chosen: chosen ?? null,
    candidates,
    possible: ranked.length,
    rejected: reasons,
  };
}

/** Reasons of size, which some other host might not have; their last parameter is what the host has. */
const withoutDevice: readonly string[] = ['VM_INCOMPATIBLE_WITH_THIS_HOST', 'DEVICE_ALREADY_ATTACHED'];
const sizes: readonly string[] = ['HOST_NOT_ENOUGH_FREE_MEMORY', 'HOST_NOT_ENOUGH_PCPUS'];

/** The error of a pool in which no host is possible: a device that another VM has, or the size that all those lack that are there, else that there is none. */
export function noHostError({ rejected }: Placement): XenError {
  const reasons = [...rejected.values()].filter((reason) => !isAway(reason));
  const taken = reasons.find(([code]) => code === 'DEVICE_ALREADY_ATTACHED');
  if (taken && reasons.every((reason) => reason === taken || withoutDevice.includes(reason[0] ?? '')))
    return new XenError('DEVICE_ALREADY_ATTACHED', taken[1] ?? '');
  const [first, ...others] = reasons;
  const [code = ''] = first ?? [];
  if (!first || !sizes.includes(code) || others.some((other) => other[0] !== code))
    return new XenError('NO_HOSTS_AVAILABLE');
  const [, needed = '', most = ''] = others.reduce((a, b) => (Number(a[2]) >= Number(b[2]) ? a : b), first);
  return new XenError(code as 'HOST_NOT_ENOUGH_FREE_MEMORY' | 'HOST_NOT_ENOUGH_PCPUS', needed, most);
}
