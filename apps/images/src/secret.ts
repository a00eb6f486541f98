import { createHash, timingSafeEqual } from 'node:crypto';

/** True if the request has the secret that API and image server share. */
export function hasSecret(secret: string, authorization: string | undefined): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${secret}`));
}
