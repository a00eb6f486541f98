/** The storage drivers of a pool. */
import { failure } from './failure';
import { features, type Config, type Driver, type Place, type ProbedPlace } from './driver';
import {
  answers,
  disksOf,
  exportsOf,
  fabricUnits,
  isExported,
  localPartition,
  resolves,
  rootDevice,
  shareBytes,
  targetsOf,
  unitsOf,
} from './world';
import { exportsXml, fabricXml, targetsXml, unitsXml } from './xml';

function reach(server: string, unanswered: () => Error): void {
  if (!resolves(server)) throw failure('dns', server);
  if (!answers(server)) throw unanswered();
}

const devices = { device: 'block device or list of them, separated by commas (required)' };
function locateDevice(config: Config, hostUuid: string): Place {
  const named = (config['device'] ?? '').split(',').filter((d) => d !== '');
  if (named.length === 0) throw failure('deviceMissing');
  const bytes = named.map((path) => {
    if (path === rootDevice) throw failure('rootDevice', path);
    if (path === localPartition) return 0;
    const found = disksOf(hostUuid).find((d) => d.path === path);
    if (!found) throw failure('deviceInvalid', `path is ${path}`);
    return found.bytes;
  });
  return { key: `${hostUuid}:${named.toSorted().join()}`, bytes: bytes.reduce((a, b) => a + b, 0) };
}
const suggestDevices = (_config: Config, hostUuid: string): ProbedPlace[] =>
  disksOf(hostUuid).map((d) => ({
    configuration: { device: d.path },
    complete: true,
    place: { key: `${hostUuid}:${d.path}`, bytes: d.bytes },
    facts: { size: String(d.bytes) },
  }));

function locateNfs({ server, serverpath }: Config): Place {
  if (!server) throw failure('serverMissing');
  reach(server, () => failure('nfsTarget', server));
  if (!serverpath) throw failure('serverPathMissing', exportsXml(server, exportsOf(server)));
  if (!serverpath.startsWith('/')) throw failure('serverPathBad', serverpath);
  if (!isExported(serverpath))
    throw failure('nfsMount', `mount failed with return code 32: ${server}:${serverpath}`);
  return { key: `nfs://${server}${serverpath}`, bytes: shareBytes(server, serverpath) };
}
function suggestExports({ server, serverpath }: Config): ProbedPlace[] {
  if (!server || serverpath) return [];
  reach(server, () => failure('nfsTarget', server));
  return exportsOf(server).map((path) => ({
    configuration: { server, serverpath: path },
    complete: true,
    place: locateNfs({ server, serverpath: path }),
    facts: {},
  }));
}

function locateSmb({ server, username, password, password_secret }: Config): Place {
  if (!server) throw failure('serverMissing');
  const share = /^(?:\\\\|\/\/)([^\\/]+)[\\/](.+)$/.exec(server);
  if (!share) throw failure('smbMount', server);
  if ((username === undefined) !== ((password ?? password_secret) === undefined))
    throw failure('parametersMissing');
  const [, host = '', path = ''] = share;
  reach(host, () => failure('smbMount', server));
  if (!isExported(path.replaceAll('\\', '/'))) throw failure('smbMount', server);
  return { key: `smb://${host}/${path.replaceAll('\\', '/')}`, bytes: shareBytes(host, path) };
}

function iscsiTargets({ target, port = '3260' }: Config) {
  if (!target) throw failure('targetMissing');
  const number = Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw failure('iscsiPort', port);
  return target.split(',').flatMap((address) => {
    reach(address, () => failure('iscsiTarget', address));
    return targetsOf(address, number);
  });
}
function locateIscsi(config: Config): Place {
  const targets = iscsiTargets(config);
  const { targetIQN, SCSIid, LUNid } = config;
  if (!targetIQN || (targetIQN !== '*' && !targets.some((t) => t.iqn === targetIQN)))
    throw failure('iqnMissing', targetsXml(targets));
  const units = targets
    .filter((t) => targetIQN === '*' || t.iqn === targetIQN)
    .flatMap((t) => unitsOf(t.iqn));
  const unit = units.find((u) => (SCSIid ? u.scsiId === SCSIid : LUNid ? String(u.id) === LUNid : false));
  if (!unit) throw failure('scsiId', unitsXml(units));
  return { key: `scsi:${unit.scsiId}`, bytes: unit.bytes };
}
function suggestUnits(config: Config): ProbedPlace[] {
  const { target = '', targetIQN, SCSIid } = config;
  const targets = iscsiTargets(config);
  if (!targetIQN)
    return targets.map((t) => ({
      configuration: { target, targetIQN: t.iqn },
      complete: false,
      place: undefined,
      facts: { port: String(t.port) },
    }));
  if (SCSIid) return [];
  return unitsOf(targetIQN).map((u) => ({
    configuration: { ...config, SCSIid: u.scsiId },
    complete: true,
    place: { key: `scsi:${u.scsiId}`, bytes: u.bytes },
    facts: { LUNid: String(u.id), serial: u.serial, vendor: u.vendor, size: String(u.bytes) },
  }));
}

function locateFabric({ SCSIid }: Config): Place {
  const unit = fabricUnits.find(({ scsiId }) => scsiId === SCSIid);
  if (!unit) throw failure('scsiId', fabricXml(fabricUnits));
  return { key: `scsi:${unit.scsiId}`, bytes: unit.bytes };
}
const suggestFabric = ({ SCSIid }: Config): ProbedPlace[] =>
  (SCSIid ? [] : fabricUnits).map(({ scsiId, vendor, serial, bytes }) => ({
    configuration: { SCSIid: scsiId },
    complete: true,
    place: locateFabric({ SCSIid: scsiId }),
    facts: { vendor, serial, size: String(bytes) },
  }));

function locateIso({ location, legacy_mode }: Config, hostUuid: string): Place {
  if (!location) throw failure('isoLocationMissing');
  if (location.startsWith('/') && !location.startsWith('//')) {
    if (!isExported(location)) throw failure('isoLocalPath', location);
    return {
      key: `${hostUuid}:${location}`,
      bytes: legacy_mode === 'true' ? 0 : shareBytes(hostUuid, location),
    };
  }
  const remote = /^(?:\\\\|\/\/)([^\\/]+)[\\/](.+)$/.exec(location) ?? /^([^:/\\]+):(\/.*)$/.exec(location);
  if (!remote) throw failure('isoLocation', location);
  const [, server = '', path = ''] = remote;
  reach(server, () => failure('isoMount', location));
  if (!isExported(path)) throw failure('isoMount', location);
  return { key: `iso://${server}/${path}`, bytes: shareBytes(server, path) };
}

const locateAt =
  (missing: 'locationMissing', scheme: string, shared: boolean) =>
  ({ location }: Config, hostUuid: string): Place => {
    if (!location) throw failure(missing);
    return {
      key: shared ? `${scheme}:${location}` : `${hostUuid}:${scheme}:${location}`,
      bytes: shareBytes(shared ? '' : hostUuid, location),
    };
  };
function locateFile(config: Config, hostUuid: string): Place {
  if (config['location'] !== undefined && !config['location'].startsWith('/'))
    throw failure('deviceInvalid', `path is ${config['location']}`);
  return locateAt('locationMissing', 'file', false)(config, hostUuid);
}

const server = { server: 'address or name of the server (required)' };
export const drivers: readonly Driver[] = [
  {
    type: 'ext',
    label: 'Local EXT4 VHD',
    description: 'Disks as VHD files on a local EXT4 volume',
    features: features.localFiles,
    configuration: devices,
    sharable: false,
    exclusive: true,
    remembers: true,
    formats: ['vhd', 'qcow2'],
    locate: locateDevice,
    suggest: suggestDevices,
  },
  {
    type: 'lvm',
    label: 'Local VHD on LVM',
    description: 'Disks as VHDs on logical volumes of local disks',
    features: features.volumes,
    configuration: devices,
    sharable: false,
    exclusive: true,
    remembers: true,
    formats: ['vhd', 'qcow2'],
    smConfig: { allocation: 'thick', use_vhd: 'true' },
    locate: locateDevice,
    suggest: suggestDevices,
  },
  {
    type: 'nfs',
    label: 'NFS VHD',
    description: 'Disks as VHD files on an NFS export',
    features: features.shares,
    configuration: {
      ...server,
      serverpath: 'exported directory (required)',
      nfsversion: 'version of NFS, 3, 4 or 4.1 (optional)',
      options: 'mount options (optional)',
    },
    sharable: true,
    exclusive: false,
    remembers: true,
    formats: ['vhd', 'qcow2'],
    locate: locateNfs,
    suggest: suggestExports,
  },
  {
    type: 'smb',
    label: 'SMB',
    description: 'Disks as VHD files on an SMB share',
    features: features.shares,
    configuration: {
      server: 'share as \\\\server\\share (required)',
      username: 'user (optional)',
      password: 'password (optional)',
    },
    sharable: true,
    exclusive: false,
    remembers: true,
    formats: ['vhd', 'qcow2'],
    locate: locateSmb,
  },
  {
    type: 'lvmoiscsi',
    label: 'LVHD over iSCSI',
    description: 'Disks as VHDs on logical volumes of an iSCSI unit',
    features: features.units,
    configuration: {
      target: 'address or name of the target (required)',
      targetIQN: 'IQN of the target (required)',
      SCSIid: 'identifier of the unit (required)',
      port: 'port of the target, 3260 unless said (optional)',
      chapuser: 'user for CHAP (optional)',
      chappassword: 'password for CHAP (optional)',
      multihomed: 'whether all paths are used (optional)',
    },
    sharable: true,
    exclusive: true,
    remembers: true,
    formats: ['vhd', 'qcow2'],
    smConfig: { allocation: 'thick', use_vhd: 'true', multipathable: 'true' },
    locate: locateIscsi,
    suggest: suggestUnits,
  },
  {
    type: 'lvmohba',
    label: 'LVHD over FC',
    description: 'Disks as VHDs on logical volumes of a Fibre Channel unit',
    features: features.units,
    configuration: { SCSIid: 'identifier of the unit (required)' },
    sharable: true,
    exclusive: true,
    remembers: true,
    formats: ['vhd', 'qcow2'],
    smConfig: { allocation: 'thick', use_vhd: 'true', multipathable: 'true' },
    locate: locateFabric,
    suggest: suggestFabric,
  },
  {
    type: 'iso',
    label: 'ISO',
    description: 'CD images in a directory, on NFS or on SMB',
    features: features.isos,
    configuration: {
      location: 'directory, SERVER:PATH or \\\\SERVER\\PATH (required)',
      options: 'mount options (optional)',
    },
    sharable: true,
    exclusive: false,
    remembers: false,
    holdsIsos: true,
    formats: ['raw'],
    locate: locateIso,
  },
  {
    type: 'udev',
    label: 'udev',
    description: 'Devices that come and go, such as DVD drives and USB sticks',
    features: features.physical,
    configuration: { location: 'directory of the device nodes (required)' },
    sharable: false,
    exclusive: false,
    remembers: false,
    formats: ['raw'],
    locate: locateAt('locationMissing', 'udev', false),
  },
  {
    type: 'file',
    label: 'Local Path VHD',
    description: 'Disks as VHD files in a local directory',
    features: features.files,
    configuration: { location: 'path of the directory (required)' },
    sharable: false,
    exclusive: true,
    remembers: true,
    formats: ['vhd', 'qcow2'],
    locate: locateFile,
  },
  {
    type: 'dummy',
    label: 'dummy',
    description: 'A repository without storage, for trials',
    features: features.dummy,
    configuration: {},
    sharable: true,
    exclusive: false,
    remembers: false,
    formats: ['raw'],
    locate: () => ({ key: '', bytes: 0 }),
  },
  {
    type: 'image',
    label: 'Template images',
    description: 'Images that each node fetches by digest and copies for every run of a VM',
    features: features.images,
    configuration: { location: 'URL of the image server (required)' },
    sharable: true,
    exclusive: false,
    remembers: false,
    formats: ['raw', 'qcow2'],
    locate: locateAt('locationMissing', 'image', true),
  },
];

const byType = new Map(drivers.map((d) => [d.type, d]));
export const driverOf = (type: string): Driver | undefined => byType.get(type);
