/** `PUT /import`: VMs from an archive, with their disks; `PUT /import_metadata`: their records, for disks that are there. */
import { XenError, type Ref } from '@xenplane/model';
import { findSr, importArchive, importMetadata as importOva, readArchive, tryImport } from '@xenplane/xapi';
import { flag, sessionOf, taskOf, type Exchange, type Handler } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';
import { acceptBody, bodyCounted, bodyUntilCut, refuseChunked, stoppable } from '../exchange/stream-transfer';

export const importVm: Handler = {
  name: 'put_import',
  task: 'VM.import',
  run: async (exchange) => {
    await refuseFramed(exchange);
    const sr = await storageOf(exchange);
    return received(exchange, async (body) => {
      const { restore, force } = optionsOf(exchange);
      const archive = await readArchive(body, { force });
      try {
        const options = { sr, restore, force, live: flag(exchange, 'live'), vdis: vdisOf(exchange) };
        if (flag(exchange, 'dry_run'))
          await tryImport(exchange.plane, callerOf(exchange), archive.ova, options);
        else await importArchive(exchange.plane, callerOf(exchange), archive, options);
      } finally {
        await archive.close();
      }
    });
  },
};

export const importMetadata: Handler = {
  name: 'put_import_metadata',
  task: 'VM.import_metadata',
  run: async (exchange) => {
    await refuseFramed(exchange);
    const vdis = vdisOf(exchange);
    return received(exchange, async (body) => {
      const { ova } = await readArchive(body, { force: true });
      await (flag(exchange, 'dry_run') ? tryImport : importOva)(exchange.plane, callerOf(exchange), ova, {
        ...optionsOf(exchange),
        vdis,
        checkCpu: flag(exchange, 'check_cpu'),
      });
    });
  },
};

const optionsOf = (exchange: Exchange): { restore: boolean; force: boolean } => ({
  restore: flag(exchange, 'restore'),
  force: flag(exchange, 'force'),
});
/** `vdi:A=B`: what the archive calls A is the disk B. */
const vdisOf = ({ query }: Exchange): ReadonlyMap<string, string> =>
  new Map(
    [...query].flatMap(([key, value]) => (key.startsWith('vdi:') ? [[key.slice(4), value] as const] : [])),
  );
const callerOf = (exchange: Exchange) => ({ session: sessionOf(exchange), task: taskOf(exchange) });

async function refuseFramed(exchange: Exchange): Promise<void> {
  if (exchange.request.headers['transfer-encoding'] !== undefined)
    await exchange.task?.fail(new XenError('IMPORT_ERROR_CANNOT_HANDLE_CHUNKED'));
  refuseChunked(exchange);
}

/** Disks cannot be made in a library of images. */
async function storageOf(exchange: Exchange): Promise<Ref<'SR'>> {
  const sr = await findSr(exchange.plane, exchange.query);
  if (sr.content_type !== 'iso') return sr.ref;
  await exchange.task?.fail(new XenError('SR_OPERATION_NOT_SUPPORTED', sr.ref));
  throw new Refusal(400, `SR_OPERATION_NOT_SUPPORTED: [ ${sr.ref} ]`);
}

/** The answer first, then the body; the task's result is the VMs. */
async function received(
  exchange: Exchange,
  work: (body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  acceptBody(exchange);
  await stoppable(exchange, () => work(bodyCounted(exchange)));
  for await (const _rest of bodyUntilCut(exchange));
}
