/** Policies: what must hold, then what is better, in this order. */
import { alive, enabled, gpus, hvm, iommu, memory, networks, pci, pcpus, storage, usb } from './filters';
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

/** The least-loaded host: by memory, then by vCPUs, then by number of VMs. */
export const leastLoaded: Policy = {
  name: 'least-loaded',
  version: 1,
  filters: [alive, enabled, storage, networks, iommu, gpus, pci, usb, hvm, memory, pcpus],
  scores: [affinity, apart, freeMemory, freeCpu, fewVms],
};
