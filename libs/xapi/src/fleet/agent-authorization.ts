/** Authorization of agents' messages, before a message is read; statements about single hosts are authorized by their tokens. */
import { agentProof, joinSecret, readCredential } from '@xenplane/hypervisor';
import type { Plane } from '../core/context';
import { sameSecret, tokenHash } from './tokens';
import { isHostKnown } from '../tables/runs/agents';

/** So long a token that was good is not asked for again: an agent sends a message every few milliseconds. */
const trustMs = 30_000;
const mostTrusted = 10_000;

export class AgentAuthorization {
  private readonly trusted = new Map<string, number>();

  constructor(private readonly plane: Plane) {}

  async admits(header: string | undefined): Promise<boolean> {
    const given = readCredential(header);
    if (!given) return false;
    const { joinKey } = this.plane.settings;
    if (given.kind === 'agent') return joinKey !== undefined && sameSecret(given.proof, agentProof(joinKey));
    if (joinKey !== undefined && sameSecret(given.secret, joinSecret(joinKey, given.host))) return true;
    return this.knows(given.host, tokenHash(given.secret));
  }

  /** By the host's token, or by its invitation. */
  private async knows(host: string, hash: string): Promise<boolean> {
    const key = `${host} ${hash}`,
      now = this.plane.clock.monotonic();
    if ((this.trusted.get(key) ?? 0) > now) return true;
    this.trusted.delete(key);
    if (!(await isHostKnown(this.plane.store, host, hash))) return false;
    this.trusted.set(key, now + trustMs);
    const [oldest] = this.trusted.keys();
    if (this.trusted.size > mostTrusted && oldest !== undefined) this.trusted.delete(oldest);
    return true;
  }
}
