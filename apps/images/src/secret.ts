import { createHash, timingSafeEqual } from 'node:crypto';
import { ForbiddenException } from '@nestjs/common';

/** 403 unless the request has the secret that API and image server share. */
export function assertSecret(secret: string, authorization: string | undefined): void {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${secret}`))) throw new ForbiddenException();
}
