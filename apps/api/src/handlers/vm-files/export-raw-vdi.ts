/** `GET /export_raw_vdi`: the contents of a disk as one file. */
import { writeQcow2, writeRaw, writeTarDisk, writeVhd, type DiskSource } from '@xenplane/wire';
import { findVdi, holdRead, readDisk } from '@xenplane/xapi';
import { required, taskOf, type Exchange, type Handler } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';
import { sendFile } from '../exchange/stream-transfer';

interface Format {
  readonly type: string;
  readonly suffix: string;
  write(
    source: DiskSource,
    names: { readonly uuid: string; readonly base?: string | undefined },
  ): AsyncIterable<Uint8Array>;
}
const formats: Readonly<Record<string, Format>> = {
  raw: { type: 'application/octet-stream', suffix: 'raw', write: writeRaw },
  vhd: { type: 'application/vhd', suffix: 'vhd', write: writeVhd },
  qcow2: { type: 'application/x-qemu-disk', suffix: 'qcow2', write: writeQcow2 },
  tar: { type: 'application/x-tar', suffix: 'tar', write: writeTarDisk },
};

export const exportRawVdi: Handler = {
  name: 'get_export_raw_vdi',
  task: 'Exporting raw VDI',
  run: async (exchange: Exchange) => {
    const { plane, query, signal } = exchange;
    const name = query.get('format') ?? 'raw';
    const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
    if (!format) throw new Refusal(404, `There is no format ${name}`);
    const vdi = await findVdi(plane, required(exchange, 'vdi'));
    const baseName = query.get('base') || undefined;
    const base = baseName === undefined ? undefined : await findVdi(plane, baseName);
    await holdRead(plane, taskOf(exchange), [vdi.ref], base?.ref);
    const source = await readDisk(plane, vdi, { signal, base });
    await sendFile(
      exchange,
      `${vdi.uuid}.${format.suffix}`,
      format.type,
      format.write(source, { uuid: vdi.uuid, base: base?.uuid }),
    );
  },
};
