/** Which host a client speaks to when it uses an address of one. */
import type { Ref } from '@xenplane/model';
import type { Replica } from '@xenplane/store';

export class HostsByAddress {
  private hosts = new Map<string, Ref<'host'> | undefined>();
  /** How many hosts have had their addresses opened, or tried; undefined where no addresses are opened. */
  attended: number | undefined;

  constructor(private readonly replica: Replica) {}

  /** Takes in where hosts are now; answers how many there are. An address of several hosts is none of a host. */
  refresh(): number {
    const found = new Map<string, Ref<'host'> | undefined>();
    for (const ref of this.replica.refs('host')) {
      const address = this.replica.stored('host', ref)?.address.toLowerCase() ?? '';
      if (address !== '') found.set(address, found.has(address) ? undefined : ref);
    }
    this.hosts = found;
    return this.replica.count('host');
  }
  at(address: string | undefined): Ref<'host'> | undefined {
    return address === undefined ? undefined : this.hosts.get(address.toLowerCase().replace(/^::ffff:/, ''));
  }
  all(): IterableIterator<string> {
    return this.hosts.keys();
  }
}
