/** Errors of storage drivers, with the numbers that clients know them by. */
import { XenError } from '@xenplane/model';

const failures = {
  deviceInUse: [16, 'The storage device is in use'],
  vdiExists: [43, 'The VDI already exists'],
  noSpace: [44, 'There is insufficient space'],
  unavailable: [47, 'The SR is not available'],
  partitionInUse: [56, 'The partition belongs to another repository'],
  nfsMount: [73, 'NFS mount error'],
  lunMissing: [87, 'The request is missing the LUNid parameter'],
  vdiSize: [79, 'VDI Invalid size'],
  deviceMissing: [90, 'The request is missing the device parameter'],
  deviceInvalid: [91, 'The device is not a valid path'],
  locationMissing: [94, 'The request is missing the location parameter'],
  targetMissing: [95, 'The request is missing the target parameter'],
  iqnMissing: [96, 'The request is missing or has an incorrect target IQN parameter'],
  serverPathMissing: [101, 'The request is missing the serverpath parameter'],
  serverMissing: [102, 'The request is missing the server parameter'],
  serverPathBad: [103, 'The serverpath argument is not valid'],
  rootDevice: [105, 'The system disk cannot hold a repository'],
  scsiId: [107, 'The SCSIid parameter is missing or incorrect'],
  nfsTarget: [108, 'Unable to detect an NFS service on this target'],
  chainTooLong: [109, 'The snapshot chain is too long'],
  smbMount: [111, 'SMB mount error'],
  parametersMissing: [115, 'Not all required parameters specified'],
  dns: [140, 'The name of the server does not resolve'],
  iscsiTarget: [141, 'Unable to connect to ISCSI service on target'],
  iscsiPort: [142, 'The iSCSI port must be a number between 1 and 65535'],
  isoLocationMissing: [220, "'Location' parameter must be specified in Device Configuration"],
  isoMount: [222, 'Could not mount the directory specified in Device Configuration'],
  isoLocation: [225, 'The location must be SERVER:PATH for NFS or \\\\SERVER\\PATH for SMB'],
  isoLocalPath: [226, 'Invalid local path'],
  changedBlocks: [460, 'Failed to calculate changed blocks for given VDIs.'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

/** `SR_BACKEND_FAILURE_n` [nothing, text, details]; details are XML where the driver lists what could have been said. */
export function failure(name: keyof typeof failures, details = ''): XenError {
  const [number, text] = failures[name];
  return new XenError(`SR_BACKEND_FAILURE_${number}`, '', text, details);
}
