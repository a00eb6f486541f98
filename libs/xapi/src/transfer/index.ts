export {
  importError,
  packed,
  readArchive,
  writeArchive,
  type Archive,
  type Compression,
  type NamedDisk,
} from './archive';
export { createDisk, findSr, findVdi, readDisk, writeDisk } from './contents';
export { exportRecords, type Exported, type ExportedDisk, type ExportOptions } from './export-records';
export { exportVersion } from './export-version';
export { importArchive, importMetadata, tryImport } from './import';
export type { ImportOptions } from './import-state';
export { LayerClient } from './layer-client';
export { TransferHeartbeats } from './transfer-heartbeats';
export { assertWritable, holdExported, holdRead, holdWritten } from './transfer-locks';
export { abandonedTransfers } from './journal';
export { readMemory } from './memory';
