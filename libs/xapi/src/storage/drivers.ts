/** The drivers of repositories, and the mark that some of them leave on their storage. */
import { storage } from '@xenplane/domain';
import { XenError } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { insertMedia, type StorageMedium } from '../tables/layers/media';

export function driver(type: string): storage.Driver {
  const found = storage.driverOf(type);
  if (!found) throw new XenError('SR_UNKNOWN_DRIVER', type);
  return found;
}

/** Writes on the storage which repositories they are; drivers that keep no such mark need none. */
export async function keepMedia(tx: Tx, media: readonly StorageMedium[]): Promise<void> {
  const marked = media.filter(({ type }) => driver(type).remembers);
  if (marked.length > 0) await insertMedia(tx, marked);
}
