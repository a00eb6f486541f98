/**
 * The storage that simulated hosts can reach, as a function of names: every server that is asked for exists, exports what is asked
 * of it and has the targets, units and sizes that follow from its name. Names that must not exist anywhere do not exist here
 * either: `*.invalid` does not resolve, 192.0.2.0/24 does not answer, and no server exports a directory called `missing`.
 */
const GiB = 2 ** 30;
const TiB = 2 ** 40;

/** A number that follows from a text, the same for ever (FNV-1a). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
const hex = (text: string, digits: number): string =>
  Array.from({ length: Math.ceil(digits / 8) }, (_, i) =>
    hashOf(`${text}/${i}`).toString(16).padStart(8, '0'),
  )
    .join('')
    .slice(0, digits);

/** A name with a slash is no host's: with a path behind it, it would be the same place as another server's. */
export const resolves = (server: string): boolean => !/[\s/\\]/.test(server) && !server.endsWith('.invalid');
export const answers = (server: string): boolean => !server.startsWith('192.0.2.');

export const exportsOf = (server: string): string[] =>
  ['vms', 'backup', 'iso'].map((name) => `/export/${name}-${hex(server, 4)}`);
export const isExported = (path: string): boolean => !path.split('/').includes('missing');
export const shareBytes = (server: string, path: string): number =>
  (4 + (hashOf(`${server}${path}`) % 29)) * TiB;

export interface Target {
  readonly index: number;
  readonly address: string;
  readonly port: number;
  readonly iqn: string;
}
export interface Unit {
  readonly id: number;
  readonly vendor: string;
  readonly serial: string;
  readonly scsiId: string;
  readonly bytes: number;
}
export const targetsOf = (address: string, port: number): Target[] =>
  [0, 1].map((index) => ({
    index,
    address,
    port,
    iqn: `iqn.2026-01.org.xenplane:${hex(`${address}/${index}`, 8)}`,
  }));
export const unitsOf = (iqn: string): Unit[] =>
  [0, 1, 2].map((id) => {
    const serial = hex(`${iqn}/${id}`, 16);
    return { id, vendor: 'XENPLANE', serial, scsiId: `3${serial}`, bytes: (1 + (hashOf(serial) % 8)) * TiB };
  });

/** The units that every host reaches over Fibre Channel, by the adapter on each. */
export const fabricUnits: readonly Unit[] = unitsOf('fabric');

export const rootDevice = '/dev/sda';
export interface LocalDisk {
  readonly path: string;
  readonly bytes: number;
}
/** The disk of the system and of the local repository is /dev/sda; the others are free. */
export const disksOf = (hostUuid: string): LocalDisk[] =>
  ['/dev/sdb', '/dev/sdc', '/dev/sdd'].map((path) => ({
    path,
    bytes: (400 + (hashOf(`${hostUuid}${path}`) % 8) * 200) * GiB,
  }));
/** Where each host's local repository is from the beginning. */
export const localPartition = '/dev/disk/by-id/local-storage-part3';

export interface IsoFile {
  readonly name: string;
  readonly bytes: number;
}
const MiB = 2 ** 20;
/** The files of every directory of CD images. */
export const isoFiles: readonly IsoFile[] = [
  { name: 'debian-12-netinst.iso', bytes: 632 * MiB },
  { name: 'rocky-9-minimal.iso', bytes: 1_700 * MiB },
  { name: 'ubuntu-24.04-live-server.iso', bytes: 2_600 * MiB },
];
/** The programs that a guest installs to report to its host. */
export const toolsIso: IsoFile = { name: 'guest-tools.iso', bytes: 12 * MiB };
export const toolsFolder = '/opt/xensource/packages/iso';
