import { storage } from '@xenplane/domain';
import { classes, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import type { Plane } from '../core/context';
import { withRetries } from '../core/image-server';
import { blockBytes, changedLayers } from '../tables/layers/layers';

interface Question {
  readonly ids: readonly string[];
  readonly blocks: number;
}
const unrelated = (why: string) => storage.failure('changedBlocks', `[opterr=${why}]`);

async function question(tx: Tx, from: Ref<'VDI'>, to: Ref<'VDI'>): Promise<Question> {
  const [a, b] = [await tx.get('VDI', from), await tx.get('VDI', to)];
  if (!a.cbt_enabled || !b.cbt_enabled) throw new XenError('VDI_NO_CBT_METADATA', a.cbt_enabled ? to : from);
  const ids = await changedLayers(tx, from, to);
  if (!ids) throw unrelated('Source and target VDI are unrelated');
  return { ids, blocks: Math.ceil(b.virtual_size / blockBytes) };
}

/** One bit a block, the first in the most significant; what no layer holds has not changed. */
async function bitmap(
  { settings: { imagesUrl, imagesSecret } }: Plane,
  { ids, blocks }: Question,
): Promise<string> {
  const length = Math.ceil(blocks / 8);
  if (ids.length === 0) return Buffer.alloc(length).toString('base64');
  const response = await withRetries(() =>
    fetch(`${imagesUrl}/layers/changed?ids=${ids.join()}&blocks=${blocks}`, {
      headers: { authorization: `Bearer ${imagesSecret ?? ''}` },
    }),
  );
  if (!response.ok) {
    await response.body?.cancel();
    throw unrelated(`the image server answers ${response.status}`);
  }
  const bytes = Buffer.alloc(length);
  Buffer.from(await response.arrayBuffer()).copy(bytes);
  return bytes.toString('base64');
}

export const vdiChanges = (plane: Plane) => ({
  list_changed_blocks: async (
    run: Run<Tx>,
    { vdi_from, vdi_to }: OperationParams<typeof classes.VDI, 'list_changed_blocks'>,
  ): Promise<string> => {
    const asked = await run.commit('layers', (tx) => question(tx, vdi_from, vdi_to));
    return run.step('ask', () => bitmap(plane, asked));
  },
});
