/** Archives about one host: its backup and the way back, its logs, its status report. */
import {
  backupFiles,
  backupNames,
  capabilities,
  logFiles,
  reportFiles,
  restoreHost,
  type HostFile,
} from '@xenplane/xapi';
import { XenError } from '@xenplane/model';
import { BadTar, ByteReader, EndOfStream, TarReader } from '@xenplane/wire';
import { tar, tarBz2, tarGz, zip } from '../exchange/archive-stream';
import { responseOf, type Exchange, type Handler } from '../exchange/exchange';
import { liveHost } from './host-named';
import { acceptBody, bodyCounted, refuseChunked, sendFile, stoppable } from '../exchange/stream-transfer';

/** Errors are found before the answer begins. */
async function begun(files: AsyncGenerator<HostFile>): Promise<AsyncGenerator<HostFile>> {
  const first = await files.next();
  return (async function* () {
    if (!first.done) yield first.value;
    yield* files;
  })();
}

const hostBackup: Handler = {
  name: 'get_host_backup',
  task: 'Host backup',
  run: async (exchange) => {
    const files = await begun(backupFiles(exchange.plane, await liveHost(exchange)));
    await sendFile(exchange, 'host-backup.tar', 'application/x-tar', tar(files));
  },
};

const logsDownload: Handler = {
  name: 'get_host_logs_download',
  task: 'Downloading host logs',
  run: async (exchange) => {
    await exchange.dispatcher.trail.flush();
    const files = await begun(logFiles(exchange.plane, await liveHost(exchange)));
    await sendFile(exchange, 'host-logs.tar.gz', 'application/gzip', tarGz(files));
  },
};

const forms = {
  tar: { pack: tar, type: 'application/x-tar' },
  'tar.bz2': { pack: tarBz2, type: 'application/x-bzip2' },
  zip: { pack: zip, type: 'application/zip' },
} as const;
const isForm = (name: string): name is keyof typeof forms => Object.hasOwn(forms, name);

function entriesOf({ query }: Exchange): string[] {
  const entries = (query.get('entries') ?? '').split(',').filter((e) => e !== '');
  const unknown = entries.find((e) => !capabilities.some(({ key }) => key === e));
  if (unknown !== undefined)
    throw new XenError('SYSTEM_STATUS_RETRIEVAL_FAILED', `There is no entry ${unknown}`);
  return entries;
}

const systemStatus: Handler = {
  name: 'get_system_status',
  task: 'System status',
  run: async (exchange) => {
    const name = exchange.query.get('output') ?? 'tar';
    if (!isForm(name)) throw new XenError('SYSTEM_STATUS_RETRIEVAL_FAILED', `There is no output ${name}`);
    const entries = entriesOf(exchange);
    await exchange.dispatcher.trail.flush();
    const files = await begun(reportFiles(exchange.plane, await liveHost(exchange), entries));
    await sendFile(exchange, `system-status.${name}`, forms[name].type, forms[name].pack(files));
  },
};

const mostBytes = 2 ** 20;
const record = 512;

/** The two files of a backup that are brought back; the rest goes by unread. */
async function unpacked(body: AsyncIterable<Uint8Array>): Promise<{ manifest: unknown; host: unknown }> {
  const reader = new ByteReader(body),
    archive = new TarReader(reader),
    found = new Map<string, unknown>();
  const wanted: readonly string[] = Object.values(backupNames);
  for (let entry = await archive.next(); entry; entry = await archive.next()) {
    if (wanted.includes(entry.name))
      found.set(
        entry.name,
        JSON.parse(Buffer.from(await archive.content(entry, mostBytes)).toString('utf8')),
      );
    else await reader.skip(Math.ceil(entry.size / record) * record);
  }
  for await (const _rest of reader.rest());
  return { manifest: found.get(backupNames.manifest), host: found.get(backupNames.host) };
}

const hostRestore: Handler = {
  name: 'put_host_restore',
  task: 'Host restore',
  run: async (exchange) => {
    refuseChunked(exchange);
    const host = await liveHost(exchange);
    acceptBody(exchange);
    await stoppable(exchange, async () =>
      restoreHost(exchange.plane, host, await unpacked(bodyCounted(exchange)).catch(notArchive)),
    );
    responseOf(exchange).end();
  },
};
function notArchive(error: unknown): never {
  if (error instanceof BadTar || error instanceof EndOfStream || error instanceof SyntaxError)
    throw new XenError('RESTORE_SCRIPT_FAILED', error.message);
  throw error;
}

export const hostArchives: readonly Handler[] = [hostBackup, hostRestore, logsDownload, systemStatus];
