/** The rule "fits on a host": the reasons why a guest cannot be on a host, each as the error that xapi would give for that host alone. */
import { allot, missingGpu } from '../graphics/capacity';
import { refuseCpu } from '../migration/cpu';
import { firstReason, type Candidate, type Filter, type Guest } from './place';

/** A filter that says which facts it looks at, so that it can be asked where no others are known. */
type Rule<G extends keyof Guest, H extends keyof Candidate> = (
  guest: Pick<Guest, G>,
  host: Pick<Candidate, H>,
) => ReturnType<Filter>;

export const enabled: Rule<never, 'ref' | 'enabled'> = (_guest, host) =>
  host.enabled ? undefined : ['HOST_DISABLED', host.ref];
export const alive: Rule<never, 'live'> = (_guest, host) => (host.live ? undefined : ['HOST_NOT_LIVE']);
export const hvm: Rule<'ref' | 'needsHvm', 'hvmCapable'> = (guest, host) =>
  !guest.needsHvm || host.hvmCapable ? undefined : ['VM_HVM_REQUIRED', guest.ref];
export const storage: Rule<'ref' | 'srs', 'srs'> = (guest, host) => {
  const missing = guest.srs.find((sr) => !host.srs.has(sr));
  return missing === undefined ? undefined : ['VM_REQUIRES_SR', guest.ref, missing];
};
export const networks: Rule<'ref' | 'networks', 'networks'> = (guest, host) => {
  const missing = guest.networks.find((n) => !host.networks.has(n));
  return missing === undefined ? undefined : ['VM_REQUIRES_NETWORK', guest.ref, missing];
};
export const memory: Rule<'memoryBytes', 'memoryFree'> = (guest, host) =>
  host.memoryFree >= guest.memoryBytes
    ? undefined
    : ['HOST_NOT_ENOUGH_FREE_MEMORY', String(guest.memoryBytes), String(Math.max(0, host.memoryFree))];
/** Every vCPU that the guest may ever have needs a CPU of its own. */
export const pcpus: Rule<'vcpusMax', 'pcpus'> = (guest, host) =>
  (guest.vcpusMax ?? 0) <= host.pcpus
    ? undefined
    : ['HOST_NOT_ENOUGH_PCPUS', String(guest.vcpusMax), String(host.pcpus)];
/** PCI devices and whole GPUs are passed through an IOMMU. */
export const iommu: Rule<'pcis' | 'gpus', 'ref' | 'hasIommu'> = (guest, host) =>
  host.hasIommu || !(guest.pcis?.length || guest.gpus?.some(({ passthrough }) => passthrough))
    ? undefined
    : ['VM_REQUIRES_IOMMU', host.ref];
/** A virtual GPU needs room on a physical one of its group. */
export const gpus: Rule<'ref' | 'gpus', 'gpus'> = (guest, host) => {
  const { missing } = allot(host.gpus ?? [], guest.gpus ?? []);
  return missing && missingGpu(guest.ref, missing);
};
/** A PCI device is one VM's alone. */
export const pci: Rule<'ref' | 'pcis', 'ref' | 'pcis'> = (guest, host) => {
  const missing = guest.pcis?.find((address) => !host.pcis?.has(address));
  if (missing !== undefined)
    return ['VM_INCOMPATIBLE_WITH_THIS_HOST', guest.ref, host.ref, `The host has no PCI device ${missing}`];
  const taken = guest.pcis?.find((address) => !['', guest.ref].includes(host.pcis?.get(address) ?? ''));
  return taken === undefined ? undefined : ['DEVICE_ALREADY_ATTACHED', taken];
};
export const usb: Rule<'ref' | 'usbGroups', 'usbGroups'> = (guest, host) => {
  const missing = guest.usbGroups?.find((group) => !host.usbGroups?.has(group));
  return missing === undefined ? undefined : ['VM_REQUIRES_VUSB', guest.ref, missing];
};
/** A guest that has booted goes on only on a CPU with all features that it has seen. */
export const cpu: Rule<'ref' | 'booted', 'ref' | 'cpu'> = ({ ref, booted }, host) =>
  booted && refuseCpu(ref, booted.cpu, host.ref, host.cpu ?? {}, booted.isHvm)?.description;

/** All of them, in the order in which a reason is given. */
export const rules: readonly Filter[] = [
  alive,
  enabled,
  storage,
  networks,
  iommu,
  gpus,
  pci,
  usb,
  hvm,
  memory,
  pcpus,
  cpu,
];

/** The first reason why the guest cannot be on the host as it is; undefined when it can. */
export const refuseHost: Filter = (guest, host) => firstReason(rules, guest, host);
export const fits = (guest: Guest, host: Candidate): boolean => refuseHost(guest, host) === undefined;

/** True if the host takes guests at all: it lives and is enabled. */
export const takesGuests = (host: Candidate): boolean => (alive({}, host) ?? enabled({}, host)) === undefined;
/** Reasons that say nothing about the guest: the host is away. */
export const isAway = ([code = '']: readonly string[]): boolean =>
  code === 'HOST_DISABLED' || code === 'HOST_NOT_LIVE';
