/** Agility: every host that takes VMs could run the guest. High availability counts on that; what binds a guest is named as xapi names it. */
import type { XenError } from '@xenplane/model';
import { enabled, networks, storage } from './filters';
import type { Candidate, Guest } from './place';

/** Code and parameter of the first thing that binds a guest to some of the hosts. */
export type HostBinding = readonly [XenError['code'], string];

/** Answers for one pool; what it found out about a repository or a network it keeps. */
export class Agility {
  private readonly hosts: readonly Candidate[];
  private readonly known = new Map<string, boolean>();

  constructor(hosts: readonly Candidate[]) {
    this.hosts = hosts.filter((host) => enabled({}, host) === undefined);
  }

  /** Undefined for a guest that nothing binds. */
  bindingOf(guest: Guest): HostBinding | undefined {
    if ((guest.gpus ?? []).length > 0) return ['VM_HAS_VGPU', guest.ref];
    if ((guest.usbGroups ?? []).length > 0) return ['VM_HAS_VUSBS', guest.ref];
    const unshared = guest.unsharedSrs ?? [];
    const sr = guest.srs.toSorted().find((one) => unshared.includes(one) || !this.isStorageEverywhere(one));
    if (sr !== undefined) return ['HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED', sr];
    const network = [...guest.networks, ...(guest.innerNetworks ?? [])]
      .toSorted()
      .find((one) => !this.isNetworkEverywhere(one));
    return network === undefined ? undefined : ['HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED', network];
  }

  isStorageEverywhere(sr: string): boolean {
    return this.everywhere(sr, (host) => storage({ ref: '', srs: [sr] }, host));
  }
  isNetworkEverywhere(network: string): boolean {
    return this.everywhere(network, (host) => networks({ ref: '', networks: [network] }, host));
  }
  private everywhere(name: string, reason: (host: Candidate) => readonly string[] | undefined): boolean {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const found = this.hosts.every((host) => reason(host) === undefined);
    this.known.set(name, found);
    return found;
  }
}
