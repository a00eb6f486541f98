/** The shapes of what agents and other control planes send, as protocol.ts says them, with a bound for every member. */
import type {
  ClaimRequest,
  DepartureRequest,
  Inventory,
  InvitationRequest,
  JoinRequest,
  RegistrationRequest,
  RenewalRequest,
  ReportRequest,
  StandbyRequest,
  VmEvent,
} from '../protocol';
import { guestMetricsReader } from './guest';
import {
  BadShape,
  asMap,
  distinct,
  flag,
  fraction,
  httpUrl,
  int32,
  listOf,
  mapOf,
  oneOf,
  shape,
  text,
  uuid,
  whole,
  type Reader,
} from './reader';

/**
 * Most entries of one message, and most bytes of it: agents send more in several. A message of this size is read, checked and
 * answered without holding the process up; without a credential nothing of it is read.
 */
export const messageLimits = { entries: 5_000, domains: 5_000, bytes: 2 ** 19 } as const;

const secret = text(256);
const epoch = whole();

const nic = shape(
  { device: text(32), mac: text(17), mtu: whole(68, 65_535), speedMbit: whole(), pciBusPath: text(64) },
  { virtualFunctions: whole(0, 1024) },
);
const profile = shape({
  name: text(64),
  framebufferBytes: whole(),
  heads: whole(1, 64),
  most: whole(1, 1024),
});
const gpu = shape({
  ...{ pciId: text(64), vendorId: text(8), vendorName: text(255), deviceId: text(8), deviceName: text(255) },
  ...{ display: flag, profiles: listOf(profile, 64) },
});
const pci = shape({
  ...{ pciId: text(64), classId: text(8), className: text(255), vendorId: text(8), vendorName: text(255) },
  ...{ deviceId: text(8), deviceName: text(255), driver: text(64) },
});
const usb = shape({
  ...{ path: text(64), vendorId: text(8), vendorName: text(255), productId: text(8), productName: text(255) },
  ...{ serial: text(255), version: text(16), speedMbit: fraction(1e9) },
});
export const inventoryReader: Reader<Inventory> = shape(
  {
    ...{
      nameLabel: text(255),
      memoryBytes: whole(2 ** 30),
      dom0MemoryBytes: whole(),
      dom0Vcpus: whole(1, 1024),
    },
    ...{
      sockets: whole(1, 64),
      coresPerSocket: whole(1, 512),
      threadsPerCore: whole(1, 8),
      numaNodes: whole(1, 64),
      cpuMhz: whole(1),
    },
    ...{ cpuVendor: text(64), cpuModelName: text(255), cpuFeatures: text(1024), hvmCapable: flag },
    ...{
      biosStrings: mapOf({ keys: 100, keyCharacters: 255, valueCharacters: 1024 }),
      nics: listOf(nic, 64),
    },
    ...{ localDiskBytes: whole(), hypervisorVersion: text(64), kernelVersion: text(64) },
  },
  { iommu: flag, gpus: listOf(gpu, 64), usbDevices: listOf(usb, 255), pciDevices: listOf(pci, 255) },
);

const many = <T>(entry: Reader<T>): Reader<readonly T[]> => listOf(entry, messageLimits.entries);

const joining = shape({ host: uuid, secret, inventory: inventoryReader });
export const joinsReader: Reader<JoinRequest> = shape({ joins: distinct(many(joining)) });

const domain = shape({ vm: uuid, vmEpoch: epoch, domid: whole(0, int32) });
const registration = shape({
  ...{
    host: uuid,
    token: secret,
    agentBoot: text(128),
    hypervisorBoot: text(128),
    agentUrl: httpUrl,
    commandKey: secret,
  },
  ...{ inventory: inventoryReader, domains: listOf(domain, messageLimits.domains) },
});
export const registrationsReader: Reader<RegistrationRequest> = shape({
  registrations: distinct(many(registration)),
});

const load = shape({ memoryFreeBytes: whole(), domains: whole(), cpuUsage: fraction(1) });
export const renewalsReader: Reader<RenewalRequest> = shape({
  renewals: distinct(many(shape({ host: uuid, token: secret, hostEpoch: epoch, load }))),
});

const claim = shape(
  { host: uuid, token: secret, hostEpoch: epoch, vm: uuid, vmEpoch: epoch, nonce: text(128) },
  { attempt: whole(1, int32) },
);
export const claimsReader: Reader<ClaimRequest> = shape({ claims: many(claim) });

export const departuresReader: Reader<DepartureRequest> = shape({
  departures: many(shape({ host: uuid, token: secret, hostEpoch: epoch })),
});
export const standbysReader: Reader<StandbyRequest> = shape({
  standbys: distinct(many(shape({ host: uuid, token: secret }))),
});

const events: { readonly [K in VmEvent['kind']]: Reader<Extract<VmEvent, { kind: K }>> } = {
  guest: shape({ kind: oneOf('guest'), domid: whole(0, int32), guest: guestMetricsReader }),
  ended: shape({ kind: oneOf('ended'), reason: oneOf('shutdown', 'crash', 'watchdog') }),
  rebooted: shape({ kind: oneOf('rebooted'), domid: whole(0, int32) }),
};
const kind = shape({ kind: oneOf('guest', 'ended', 'rebooted') });
const event: Reader<VmEvent> = (value) => events[kind(value).kind](value);
export const reportsReader: Reader<ReportRequest> = shape({
  reports: listOf(
    shape({ host: uuid, token: secret, hostEpoch: epoch, vm: uuid, vmEpoch: epoch, event }),
    1000,
  ),
});

export const invitationReader: Reader<InvitationRequest> = shape({
  host: uuid,
  nameLabel: text(65_536),
  nameDescription: text(65_536),
});

/** JSON as it came over the wire. */
export function readMessage<T>(reader: Reader<T>, body: Uint8Array): T {
  return reader(asMap(parsed(body)));
}
function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new BadShape('JSON in UTF-8');
  }
}
