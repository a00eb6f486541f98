/** The pool as placement sees it at one moment, and what is asked of it. It is read from a transaction or from the replica. */
import { allot } from '../graphics/capacity';
import { place, type Candidate, type Guest, type Placement } from './place';
import { policyOf } from './policies';

/** A place that is taken on a host: of a VM that runs there, starts there, or is on its way there. */
export interface Reservation {
  readonly vm: string;
  readonly host: string;
}
export interface PlacementSnapshot {
  /** All hosts of the pool. */
  readonly hosts: readonly Candidate[];
  /** The VMs that the question is about, by reference: their requirements of a host. */
  readonly guests: ReadonlyMap<string, Guest>;
  /** The places that these VMs have. The first of a VM is where it runs. */
  readonly reservations: readonly Reservation[];
  /** The name of the policy that the pool asks for. */
  readonly policy?: string | undefined;
}

/** Where the VM could be, best first, and for each other host the reason why not; with `only` that one host alone. */
export function placeIn(snapshot: PlacementSnapshot, vm: string, only?: string): Placement {
  const guest = snapshot.guests.get(vm);
  if (!guest) throw new Error(`the snapshot is not about ${vm}`);
  const policy = policyOf(guest.policy, snapshot.policy);
  const hosts = only === undefined ? snapshot.hosts : snapshot.hosts.filter(({ ref }) => ref === only);
  return place(policy, guest, hosts);
}

/** The host with the guest on it too. */
export function occupied(host: Candidate, guest: Guest): Candidate {
  const { antiAffinityGroup: group } = guest;
  return {
    ...host,
    memoryFree: host.memoryFree - guest.memoryBytes,
    vcpusPlaced: host.vcpusPlaced + guest.vcpus,
    vmsPlaced: host.vmsPlaced + 1,
    ...(group === undefined ? {} : { groups: { ...host.groups, [group]: (host.groups[group] ?? 0) + 1 } }),
    ...devicesTaken(host, guest),
  };
}

function devicesTaken(
  { pcis, gpus }: Candidate,
  { ref, pcis: addresses = [], gpus: requests = [] }: Guest,
): Pick<Candidate, 'pcis' | 'gpus'> {
  const { chosen } = allot(gpus ?? [], requests);
  const typesOn = (gpu: string): string[] =>
    requests.flatMap(({ vgpu, type }) => (chosen.get(vgpu) === gpu ? [type] : []));
  return {
    ...(addresses.length > 0 && pcis
      ? { pcis: new Map([...pcis, ...addresses.map((address) => [address, ref] as const)]) }
      : {}),
    ...(requests.length > 0 && gpus
      ? { gpus: gpus.map((gpu) => ({ ...gpu, residents: [...gpu.residents, ...typesOn(gpu.ref)] })) }
      : {}),
  };
}
