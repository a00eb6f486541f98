/** `VM.import`: an archive that is fetched from elsewhere. */
import { Readable } from 'node:stream';
import { asRef, classes, isNullRef, nullRef, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import type { Context, Plane, Session } from '../context';
import { importError, readArchive, type Archive } from '../transfer/archive';
import { findSr } from '../transfer/contents';
import { endImport, importContents, importRecords } from '../transfer/import';
import type { ImportOptions } from '../transfer/import-state';
import { undoImport } from '../transfer/undo';

type Params = OperationParams<typeof classes.VM, 'import'>;

/** Bytes from an http or https address, which may carry a name and a password. */
async function fetched(address: string): Promise<AsyncIterable<Uint8Array>> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new XenError('INVALID_VALUE', 'url', address);
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const headers: Record<string, string> = url.username === '' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  url.username = '';
  url.password = '';
  const answer = await fetch(url, { headers }).catch((error: unknown) =>
    Promise.reject(new XenError('IMPORT_ERROR', `${url.host} cannot be reached: ${String(error)}`)),
  );
  if (!answer.ok || !answer.body) {
    await answer.body?.cancel();
    throw new XenError('IMPORT_ERROR', `${url.host} answered ${answer.status}`);
  }
  return Readable.fromWeb(answer.body);
}

async function withArchive<T>({ url, force }: Params, run: Run<Tx>, work: (archive: Archive) => Promise<T>): Promise<T> {
  const body = await fetched(url);
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

const nobody: Session = { ref: nullRef(), role: 'local-root', root: true, user: '', name: '', host: nullRef() };

export const vmImport = (plane: Plane) => ({
  import: async (run: Run<Tx>, params: Params): Promise<Ref<'VM'>[]> => {
    const session = (run.context['session'] as Session | undefined) ?? nobody;
    const context = (tx: Tx): Context => ({ plane, tx, session, task: asRef<'task'>(run.ref) });
    const sr = isNullRef(params.sr) ? (await findSr(plane, new URLSearchParams())).ref : params.sr;
    const options: ImportOptions = { sr, restore: params.full_restore, force: params.force };
    const ova = await withArchive(params, run, async (archive) => archive.ova);
    const made = await run.commit('records', (tx) => importRecords(context(tx), ova, options), undoImport);
    const memories = await run.step('contents', () => withArchive(params, run, ({ members }) => importContents(plane, members, made)));
    return run.conclude('done', (tx) => endImport(context(tx), made, memories));
  },
});
