/** `PUT /import_raw_vdi`: a file becomes the contents of a disk, or of a new one of the file's length. */
import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { asRef, XenError, type Ref } from '@xenplane/model';
import {
  ByteReader,
  encodeTaskResult,
  EndOfStream,
  readChunked,
  readQcow2,
  readRaw,
  readTarDisk,
  readVhd,
  type Write,
} from '@xenplane/wire';
import { assertWritable, createDisk, findSr, findVdi, holdWritten, writeDisk } from '@xenplane/xapi';
import { flag, sessionOf, taskOf, type Exchange, type Handler } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';
import { bufferInFile } from '../exchange/buffer-in-file';
import { acceptBody, bodyCounted, lengthOf, refuseChunked, stoppable } from '../exchange/stream-transfer';

type Read = (reader: ByteReader, size: number) => AsyncIterable<Write>;
const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
const inflate = (bytes: Uint8Array, length: number): Uint8Array =>
  inflateRawSync(bytes, { maxOutputLength: length });
const formats: Readonly<Record<string, Read>> = {
  raw: readRaw,
  vhd: readVhd,
  qcow2: (reader) => readQcow2(reader, { inflate, putAside: bufferInFile }),
  tar: (reader, size) => readTarDisk(reader, size, { sha1, force: false }),
};

export const importRawVdi: Handler = {
  name: 'put_import_raw_vdi',
  task: 'Importing raw VDI',
  run: async (exchange) => {
    refuseChunked(exchange);
    const read = formatOf(exchange);
    const target = await targetOf(exchange);
    acceptBody(exchange);
    await stoppable(exchange, () => received(exchange, read, target));
    return encodeTaskResult({ kind: 'ref', cls: 'VDI' }, target.vdi);
  },
};

interface Target {
  readonly vdi: Ref<'VDI'>;
  readonly size: number;
  /** A new disk is held from the beginning. */
  readonly made: boolean;
}

/** An empty body only asks whether the way is open, and its connection may linger: a disk is busy from the first byte on. */
async function received(exchange: Exchange, read: Read, { vdi, size, made }: Target): Promise<void> {
  const reader = new ByteReader(bodyCounted(exchange));
  const first = await reader.some(1);
  if (!first) return;
  reader.unread(first);
  if (!made) await holdWritten(exchange.plane, taskOf(exchange), vdi);
  await writeDisk(exchange.plane, vdi, whole(exchange, reader, read(reader, size), size));
}

function formatOf(exchange: Exchange): Read {
  const name = exchange.query.get('format') ?? 'raw';
  const read = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (!read) throw new Refusal(404, `There is no format ${name}`);
  return name === 'raw' && flag(exchange, 'chunked') ? readChunked : read;
}

/** The disk that is named, or a new one for a raw file of known length. */
async function targetOf(exchange: Exchange): Promise<Target> {
  const { plane, query } = exchange;
  const name = query.get('vdi');
  if (name !== null && name !== '') {
    const { ref, virtual_size } = await findVdi(plane, name);
    await assertWritable(plane, ref);
    return { vdi: ref, size: virtual_size, made: false };
  }
  const size = lengthOf(exchange);
  if (!query.has('sr_id') && !query.has('sr_uuid')) await missing(exchange);
  if (size === undefined || (query.get('format') ?? 'raw') !== 'raw')
    throw new Refusal(400, 'A new disk needs a raw file of known length');
  const sr = await findSr(plane, query);
  return {
    vdi: await createDisk(plane, { session: sessionOf(exchange), task: taskOf(exchange) }, sr.ref, size),
    size,
    made: true,
  };
}

async function missing({ task, query }: Exchange): Promise<never> {
  await task?.fail(
    new XenError(
      'VDI_MISSING',
      asRef(query.get('sr_id') ?? 'OpaqueRef:NULL'),
      query.get('vdi') ?? 'OpaqueRef:NULL',
    ),
  );
  throw new Refusal(400, 'Neither a disk nor a storage repository is named');
}

/** A file of a length that the disk can hold must come whole; others end where they are cut. */
async function* whole(
  exchange: Exchange,
  reader: ByteReader,
  writes: AsyncIterable<Write>,
  size: number,
): AsyncGenerator<Write> {
  const announced = lengthOf(exchange);
  yield* writes;
  for await (const _rest of reader.rest());
  if (announced !== undefined && announced <= size && reader.position < announced)
    throw new EndOfStream(reader.position);
}
