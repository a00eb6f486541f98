/** The HTTP handlers beside the calls, each in a file of its own. */
import type { Handler } from './exchange';
import { auditLog } from './audit-log';
import { databaseDump } from './database-dump';

export const handlers: readonly Handler[] = [auditLog, databaseDump];
