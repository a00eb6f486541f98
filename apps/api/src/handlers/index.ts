/** The HTTP handlers beside the calls, each in a file of its own. */
import type { Handler } from './exchange/exchange';
import { getBlob, putBlob } from './pool-files/blob';
import { auditLog } from './pool-files/audit-log';
import { cli } from './cli';
import { databaseRestore } from './pool-files/database-restore';
import { databaseDump } from './pool-files/database-dump';
import { consoleHandlers } from './console';
import { rrdHandlers } from './host-files/rrd';
import { exportRawVdi } from './vm-files/export-raw-vdi';
import { exportMetadata, exportVm } from './vm-files/export-vm';
import { importRawVdi } from './vm-files/import-raw-vdi';
import { updates } from './pool-files/updates';
import { importMetadata, importVm } from './vm-files/import-vm';
import { betweenHosts } from './exchange/between-hosts';
import { bundle } from './pool-files/bundle';
import { hostArchives } from './host-files/host-archives';
import { putMessages } from './pool-files/messages';
import { poolPatchUpload } from './pool-files/pool-patch-upload';
import { repositoryHandlers } from './pool-files/repository';
import { serviceHandlers } from './services';
import { wlbHandlers } from './wlb';

export const handlers: readonly Handler[] = [
  getBlob,
  putBlob,
  auditLog,
  cli,
  databaseDump,
  databaseRestore,
  ...consoleHandlers,
  ...rrdHandlers,
  exportRawVdi,
  exportMetadata,
  exportVm,
  importRawVdi,
  updates,
  importMetadata,
  importVm,
  ...betweenHosts,
  bundle,
  ...hostArchives,
  putMessages,
  poolPatchUpload,
  ...repositoryHandlers,
  ...serviceHandlers,
  ...wlbHandlers,
];
