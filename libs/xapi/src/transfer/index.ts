export { hasZstd, importError, packed, readArchive, writeArchive, type Archive, type Compression, type NamedDisk } from './archive';
export { createDisk, destroyDisk, findSr, findVdi, readDisk, writeDisk } from './contents';
export { exportRecords, type Exported, type ExportOptions } from './export-records';
export { exportVersion } from './export-version';
export { importArchive, importMetadata } from './import';
export type { ImportOptions } from './import-state';
export { LayerClient } from './layer-client';
export { withExportMark } from './export-mark';
