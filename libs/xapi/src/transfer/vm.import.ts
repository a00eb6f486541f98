/** `VM.import`: an archive that is fetched from elsewhere. */
import { asRef, classes, isNullRef, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { systemSession } from '../core/system-session';
import type { Context, Plane, Session } from '../core/context';
import { importError, readArchive, type Archive } from './archive';
import { findSr } from './contents';
import { fetchUrl } from './fetch-url';
import { endImport, importContents, importRecords } from './import';
import type { ImportOptions } from './import-state';
import { undoImport } from './undo';

type Params = OperationParams<typeof classes.VM, 'import'>;

async function withArchive<T>(
  { store }: Plane,
  { url, force }: Params,
  run: Run<Tx>,
  work: (archive: Archive) => Promise<T>,
): Promise<T> {
  const body = await fetchUrl(store, url);
  try {
    const archive = await readArchive(stopping(body, run), { force });
    return await work(archive).finally(() => archive.close());
  } catch (error) {
    throw importError(error);
  }
}

/** The operation can be stopped wherever bytes come. */
async function* stopping(bytes: AsyncIterable<Uint8Array>, run: Run<Tx>): AsyncGenerator<Uint8Array> {
  for await (const part of bytes) {
    run.checkpoint();
    yield part;
  }
}

export const vmImport = (plane: Plane) => ({
  import: async (run: Run<Tx>, params: Params): Promise<Ref<'VM'>[]> => {
    const session = (run.context['session'] as Session | undefined) ?? systemSession;
    const context = (tx: Tx): Context => ({ plane, tx, session, task: asRef<'task'>(run.ref) });
    const sr = isNullRef(params.sr) ? (await findSr(plane, new URLSearchParams())).ref : params.sr;
    const options: ImportOptions = { sr, restore: params.full_restore, force: params.force };
    const ova = await withArchive(plane, params, run, async (archive) => archive.ova);
    const made = await run.commit('records', (tx) => importRecords(context(tx), ova, options), undoImport);
    const memories = await run.step('contents', () =>
      withArchive(plane, params, run, ({ members }) => importContents(plane, members, made)),
    );
    return run.conclude('done', (tx) => endImport(context(tx), made, memories));
  },
});
