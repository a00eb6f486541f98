/**
 * The right to create a domain: given once per placement, and again only to the same asker with the same nonce (R4). With an
 * attempt: the right of a migration's source to wake the guest, while the migration is given up and nothing else began (R13).
 */
import type { ClaimAnswer, ClaimRequest } from '@xenplane/hypervisor';
import type { Plane } from '../core/context';
import { tokenHash } from './tokens';
import { claimRuns } from '../tables/runs/agent-runs';

export async function grantClaim(plane: Plane, { claims }: ClaimRequest): Promise<ClaimAnswer> {
  const granted = await claimRuns(
    plane.store,
    claims.map(({ token, ...claim }) => ({ ...claim, tokenHash: tokenHash(token) })),
  );
  return { granted: claims.map((_, i) => granted.has(i + 1)) };
}
