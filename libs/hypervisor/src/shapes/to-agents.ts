/** The shapes of what control planes send to agents, as protocol.ts says them, with a bound for every member. */
import type { HostNames } from '../console';
import type { DesiredVm, DiskSource, DomainSpec, PlaneCommand, PowerCommand, SavedImage } from '../protocol';
import {
  asMap,
  flag,
  httpUrl,
  listOf,
  mapOf,
  matching,
  oneOf,
  sha256,
  shape,
  text,
  uuid,
  whole,
  type Reader,
} from './reader';

const sources: { readonly [K in DiskSource['kind']]: Reader<Extract<DiskSource, { kind: K }>> } = {
  image: shape({
    kind: oneOf('image'),
    sha256,
    format: oneOf('raw', 'qcow2'),
    sizeBytes: whole(),
    virtualSizeBytes: whole(),
  }),
  volume: shape({ kind: oneOf('volume'), sr: text(64), vdi: text(64), virtualSizeBytes: whole() }),
  empty: shape({ kind: oneOf('empty') }),
};
const sourceKind = shape({ kind: oneOf('image', 'volume', 'empty') });
const source: Reader<DiskSource> = (value) => sources[sourceKind(value).kind](value);

const disk = shape({
  ...{
    vbd: uuid,
    device: matching(/^[A-Za-z0-9]{1,32}$/, 'the name of a device'),
    type: oneOf('Disk', 'CD'),
    mode: oneOf('RO', 'RW'),
  },
  ...{ bootable: flag, source },
});
const nic = shape(
  { vif: uuid, device: text(32), mac: text(17), network: text(64), bridge: text(64), mtu: whole() },
  { addresses: listOf(text(64), 16) },
);
const spec: Reader<DomainSpec> = shape({
  ...{
    nameLabel: text(65_536),
    mode: oneOf('pv', 'hvm', 'pvh', 'pv_in_pvh'),
    memoryStaticMaxBytes: whole(),
    memoryTargetBytes: whole(),
  },
  ...{ vcpusMax: whole(1, 1024), vcpus: whole(1, 1024), guestOs: text(256) },
  ...{
    onCrash: oneOf('destroy', 'restart', 'preserve'),
    onReboot: oneOf('destroy', 'restart'),
    disks: listOf(disk, 256),
    nics: listOf(nic, 64),
  },
});

/** Opaque to whoever passes it on. */
const saved: Reader<SavedImage> = (value) => ({ ...asMap(value) });

const epochs = { vmEpoch: whole(), hostEpoch: whole(), waitMs: whole(0, 60_000) } as const;
const attempt = whole(1);
const up = <S extends 'running' | 'paused'>(state: S) =>
  shape(
    { ...epochs, state: oneOf(state), spec, boots: whole(1) },
    { reboot: oneOf('clean', 'hard', 'devices'), saved, received: oneOf(true), attempt },
  );
const desired = {
  running: up('running'),
  paused: up('paused'),
  receiving: shape({ ...epochs, state: oneOf('receiving'), spec, boots: whole(1) }),
  moving: shape({ ...epochs, state: oneOf('moving'), phase: oneOf('copy', 'handOver'), attempt }),
  suspended: shape({ ...epochs, state: oneOf('suspended') }),
  checkpointed: shape({ ...epochs, state: oneOf('checkpointed') }),
  stopped: shape({ ...epochs, state: oneOf('stopped'), how: oneOf('clean', 'hard') }),
} as const satisfies { readonly [S in DesiredVm['state']]: Reader<DesiredVm> };
const state = shape({
  state: oneOf('running', 'paused', 'suspended', 'checkpointed', 'stopped', 'receiving', 'moving'),
});

export const desiredReader: Reader<DesiredVm> = (value) => desired[state(value).state](value);
export const powerReader: Reader<PowerCommand> = shape({
  hostEpoch: whole(),
  action: oneOf('off', 'reboot', 'toolstack'),
});
export const planeReader: Reader<PlaneCommand> = shape({
  hostEpoch: whole(),
  apiUrl: httpUrl,
  imagesUrl: httpUrl,
  secret: text(256),
});
export const keysReader: Reader<{ readonly keys: string }> = shape({ keys: text(64) });
export const hostNamesReader: Reader<HostNames> = shape({
  hostname: text(255),
  product: text(255),
  addresses: mapOf({ keys: 256, keyCharacters: 32, valueCharacters: 64 }),
});
