/** What a placement says of itself, small enough to keep with every start. */
import { XenError } from '@xenplane/model';
import type { Placement, Policy } from './place';

export interface Explanation {
  readonly policy: string;
  readonly version: number;
  readonly chosen: string | null;
  /** The best of those that were possible, best first. */
  readonly candidates: readonly { readonly host: string; readonly scores: Readonly<Record<string, number>> }[];
  readonly possible: number;
  /** How many hosts each reason ruled out, with one of them. */
  readonly rejected: Readonly<Record<string, { readonly hosts: number; readonly example: string }>>;
}

const mostCandidates = 8;

export function explain(policy: Policy, { ranked, rejected }: Placement, chosen: string | undefined): Explanation {
  const reasons: Record<string, { hosts: number; example: string }> = {};
  for (const [host, [code = '']] of rejected) reasons[code] = { hosts: (reasons[code]?.hosts ?? 0) + 1, example: reasons[code]?.example ?? host };
  const candidates = ranked.slice(0, mostCandidates).map(({ host, scores }) => ({
    host: host.ref,
    scores: Object.fromEntries(policy.scores.map((s, i) => [s.name, Math.round((scores[i] ?? 0) * 1e6) / 1e6])),
  }));
  return { policy: policy.name, version: policy.version, chosen: chosen ?? null, candidates, possible: ranked.length, rejected: reasons };
}

/** The error of a pool in which no host is possible: memory when nothing else is in the way, else that there is none. */
export function noHostError({ rejected }: Placement): XenError {
  const short = [...rejected.values()].filter(([code]) => code === 'HOST_NOT_ENOUGH_FREE_MEMORY');
  const only =
    short.length > 0 && [...rejected.values()].every(([code]) => ['HOST_NOT_ENOUGH_FREE_MEMORY', 'HOST_DISABLED', 'HOST_NOT_LIVE'].includes(code ?? ''));
  if (!only) return new XenError('NO_HOSTS_AVAILABLE');
  const largest = short.reduce((a, b) => (Number(a[2]) >= Number(b[2]) ? a : b));
  return new XenError('HOST_NOT_ENOUGH_FREE_MEMORY', largest[1] ?? '', largest[2] ?? '');
}
