/** Policies of placement by name: what must hold, then what is better, in this order. The settings of a VM or of the pool choose one. */
import { XenError } from '@xenplane/model';
import { rules } from './filters';
import type { Policy, Score } from './place';

const affinity: Score = { name: 'affinity', of: (guest, host) => (guest.affinity === host.ref ? 1 : 0) };
const apart: Score = {
  name: 'anti-affinity',
  of: (guest, host) =>
    -(guest.antiAffinityGroup === undefined ? 0 : (host.groups[guest.antiAffinityGroup] ?? 0)),
};
const freeMemory: Score = {
  name: 'memory',
  of: (guest, host) => (host.memoryFree - guest.memoryBytes) / host.memoryTotal,
};
const freeCpu: Score = {
  name: 'vcpus',
  of: (guest, host) => -(host.vcpusPlaced + guest.vcpus) / Math.max(1, host.pcpus),
};
const fewVms: Score = { name: 'vms', of: (_guest, host) => -host.vmsPlaced };
const littleMemoryLeft: Score = {
  name: 'memory-left',
  of: (guest, host) => -freeMemory.of(guest, host),
};

/** The least-loaded host: by memory, then by vCPUs, then by number of VMs. */
export const leastLoaded: Policy = {
  name: 'least-loaded',
  version: 2,
  filters: rules,
  scores: [affinity, apart, freeMemory, freeCpu, fewVms],
};
/** The fullest host that still has room, so that others stay empty and can be switched off. */
export const packed: Policy = {
  name: 'packed',
  version: 1,
  filters: rules,
  scores: [affinity, apart, littleMemoryLeft, freeCpu],
};

const registered: readonly Policy[] = [leastLoaded, packed];
export const policies: ReadonlyMap<string, Policy> = new Map(
  registered.map((policy) => [policy.name, policy]),
);

/** The key of `pool.other_config` and `VM.other_config` that names a policy; a VM's own counts before its pool's. */
export const policyKey = 'placement-policy';
type Settings = Readonly<Record<string, string>>;

/** The first known of the names, else the least-loaded host: a wish never keeps a VM from running. */
export function policyOf(...names: readonly (string | undefined)[]): Policy {
  for (const name of names) {
    const found = name === undefined ? undefined : policies.get(name);
    if (found) return found;
  }
  return leastLoaded;
}

/** INVALID_VALUE for settings that name a policy which there is not. */
export function refusePolicy(settings: Settings): XenError | undefined {
  const name = settings[policyKey];
  return name === undefined || policies.has(name)
    ? undefined
    : new XenError('INVALID_VALUE', `other_config:${policyKey}`, name);
}
