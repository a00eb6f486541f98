/** The HTTP handlers beside the calls, each in a file of its own. */
import type { Handler } from './exchange';
import { getBlob, putBlob } from './blob';
import { auditLog } from './audit-log';
import { cli } from './cli';
import { databaseRestore } from './database-restore';
import { databaseDump } from './database-dump';
import { consoleHandlers } from './console';
import { rrdHandlers } from './rrd';
import { exportRawVdi } from './export-raw-vdi';
import { exportMetadata, exportVm } from './export-vm';
import { importRawVdi } from './import-raw-vdi';
import { updates } from './updates';
import { importMetadata, importVm } from './import-vm';
import { betweenHosts } from './between-hosts';
import { bundle } from './bundle';
import { hostArchives } from './host-archives';
import { putMessages } from './messages';
import { poolPatchUpload } from './pool-patch-upload';
import { repositoryHandlers } from './repository';
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
