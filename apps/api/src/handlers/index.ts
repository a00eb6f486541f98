/** The HTTP handlers beside the calls, each in a file of its own. */
import type { Handler } from './exchange';
import { databaseDump } from './database-dump';
import { exportRawVdi } from './export-raw-vdi';
import { importRawVdi } from './import-raw-vdi';

export const handlers: readonly Handler[] = [databaseDump, exportRawVdi, importRawVdi];
