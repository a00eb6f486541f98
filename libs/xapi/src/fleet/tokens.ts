/** The credentials of a host: a one-time secret that follows from the join key, then a token of which only the digest is kept. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export { tokenHash } from '@xenplane/leases';
export const newHostToken = (): string => randomBytes(32).toString('base64url');

export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
