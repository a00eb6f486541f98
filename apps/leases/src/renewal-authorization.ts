/** Lets in whoever has the token of a host. Hosts that were found are remembered; others are looked up one at a time. */
import { readCredential } from '@xenplane/hypervisor';
import { isKnownHost, tokenHash } from '@xenplane/leases';
import type { LeaseDatabase } from './database';
import { Refused } from './body';

const mostKnown = 20_000;
const mostWaiting = 64;

export class RenewalAuthorization {
  private readonly known = new Set<string>();
  private waiting = 0;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly database: LeaseDatabase) {}

  async admit(authorization: string | undefined): Promise<void> {
    const credential = readCredential(authorization);
    if (credential?.kind !== 'host') throw new Refused(401, 'the token of a host is wanted');
    const hash = tokenHash(credential.secret),
      key = `${credential.host} ${hash}`;
    if (this.known.has(key)) return;
    if (!(await this.inTurn(() => isKnownHost(this.database, credential.host, hash))))
      throw new Refused(401, 'the token of a host is wanted');
    if (this.known.size >= mostKnown) this.known.clear();
    this.known.add(key);
  }
  /** Throws when the database does not answer. */
  async look(): Promise<void> {
    await this.inTurn(() => isKnownHost(this.database, '', ''));
  }

  /** Strangers wait for one another, so that those who are known find a connection. */
  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting >= mostWaiting) throw new Refused(503, 'too many ask at once');
    this.waiting += 1;
    const mine = this.turn.then(work, work).finally(() => (this.waiting -= 1));
    this.turn = mine.catch(() => undefined);
    return mine;
  }
}
