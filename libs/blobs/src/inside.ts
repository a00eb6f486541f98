/** Names that come from elsewhere become paths: what they lead to lies in the folder that it belongs to, also when somebody has put a link there. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { RefusedBlob } from './store';

const realOf = (name: string): Promise<string | undefined> =>
  realpath(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

/** A path that does not exist yet resolves as the folder above it does. */
export async function assertInside(folder: string, name: string): Promise<void> {
  const root = await realOf(folder);
  if (root === undefined) return;
  for (let at = name; at.startsWith(folder) && at !== folder; at = path.dirname(at)) {
    const real = await realOf(at);
    if (real !== undefined && !real.startsWith(`${root}${path.sep}`))
      throw new RefusedBlob('a link leads out of the folder');
  }
}
