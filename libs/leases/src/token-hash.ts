import { createHash } from 'node:crypto';

/** The database keeps only this of the token of a host. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');
