/** `PUT /pool_patch_upload?sr_id=`: an update of the old kind. It is kept as a disk, and introduced by what it says of itself. */
import { encodeTaskResult, type Write } from '@xenplane/wire';
import { asRef, XenError } from '@xenplane/model';
import { createDisk, findSr, introducePatch, writeDisk } from '@xenplane/xapi';
import { responseOf, sessionOf, taskOf, type Exchange, type Handler } from '../exchange/exchange';
import { bufferInFile } from '../exchange/buffer-in-file';
import { acceptBody, bodyCounted, refuseChunked, stoppable } from '../exchange/stream-transfer';

const mostBytes = 4 * 2 ** 30;
const longestHead = 64 * 1024;
const pieceBytes = 2 ** 20;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Watches a file go by for the description in it, wherever that lies. */
class Watch {
  private kept = '';
  found: string | undefined;
  size = 0;

  async *over(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of body) {
      if ((this.size += bytes.length) > mostBytes) throw new XenError('INVALID_PATCH');
      if (this.found === undefined) this.look(text(bytes));
      yield bytes;
    }
  }
  private look(more: string): void {
    this.kept += more;
    const match = /<update\s[^<>]*(?:\/>|>[\s\S]{0,65536}?<\/update>)/.exec(this.kept);
    if (match) this.found = Buffer.from(match[0], 'latin1').toString('utf8');
    const begun = this.kept.lastIndexOf('<update');
    this.kept =
      begun >= 0 && this.kept.length - begun < longestHead ? this.kept.slice(begun) : this.kept.slice(-8);
  }
}

async function* pieces(aside: Awaited<ReturnType<typeof bufferInFile>>): AsyncGenerator<Write> {
  for (let offset = 0; offset < aside.size; offset += pieceBytes)
    yield { offset, bytes: await aside.read(offset, Math.min(pieceBytes, aside.size - offset)) };
}

async function taken(exchange: Exchange): Promise<string> {
  const { plane, query } = exchange;
  const session = sessionOf(exchange),
    sr = await findSr(plane, query);
  acceptBody(exchange);
  const watch = new Watch();
  const aside = await bufferInFile(watch.over(bodyCounted(exchange)));
  try {
    if (watch.found === undefined) throw new XenError('INVALID_PATCH');
    // The disk goes with the task when the update is none.
    const vdi = await createDisk(
      plane,
      { session, task: taskOf(exchange) },
      sr.ref,
      Math.ceil(aside.size / pieceBytes) * pieceBytes,
    );
    await writeDisk(plane, vdi, pieces(aside));
    return await introducePatch(plane, session, vdi, watch.found);
  } finally {
    await aside.close();
  }
}

export const poolPatchUpload: Handler = {
  name: 'put_pool_patch_upload',
  task: 'Patch upload',
  run: async (exchange) => {
    refuseChunked(exchange);
    const patch = await stoppable(exchange, () => taken(exchange));
    responseOf(exchange).end();
    return encodeTaskResult({ kind: 'ref', cls: 'pool_patch' }, asRef<'pool_patch'>(patch));
  },
};
