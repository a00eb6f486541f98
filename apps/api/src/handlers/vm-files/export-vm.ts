/** `GET /export`: a VM with its disks as one archive; `GET /export_metadata`: what is known of VMs, without contents. */
import { asRef, XenError, type Ref } from '@xenplane/model';
import { tarEnd, tarMember, ovaName, writeOva, type DiskSource } from '@xenplane/wire';
import {
  exportRecords,
  exportVersion,
  findVdi,
  holdExported,
  holdRead,
  packed,
  readDisk,
  readMemory,
  writeArchive,
  type Compression,
  type ExportedDisk,
  type NamedDisk,
} from '@xenplane/xapi';
import { flag, sendDocument, taskOf, type Exchange, type Handler } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';
import { sendFile } from '../exchange/stream-transfer';

export const exportVm: Handler = {
  name: 'get_export',
  task: 'VM.export',
  run: async (exchange) => {
    const { plane } = exchange;
    const vm = await vmOf(exchange);
    const compression = compressionOf(exchange);
    await holdExported(plane, taskOf(exchange), vm);
    await plane.replica.fresh();
    const { objects, disks } = exportRecords(plane.replica, [vm], {
      preservePowerState: flag(exchange, 'preserve_power_state'),
    });
    await holdRead(
      plane,
      taskOf(exchange),
      disks.map(({ ref }) => ref),
    );
    const progress = new Progress(exchange, disks.length);
    const named = disks.map((disk): NamedDisk => ({
      id: disk.id,
      open: () => opened(exchange, disk, progress),
    }));
    const archive = writeArchive(writeOva(exportVersion(plane), objects), named);
    await sendFile(exchange, 'export.xva', 'application/octet-stream', packed(archive, compression));
  },
};

async function opened(
  exchange: Exchange,
  { ref, memoryOf }: ExportedDisk,
  progress: Progress,
): Promise<DiskSource> {
  const { plane, signal } = exchange;
  const vdi = await findVdi(plane, ref);
  return progress.of(
    await (memoryOf ? readMemory(plane, memoryOf, vdi.virtual_size) : readDisk(plane, vdi, { signal })),
  );
}

/** Each disk is an equal part of the way. */
class Progress {
  private begun = -1;

  constructor(
    private readonly exchange: Exchange,
    private readonly disks: number,
  ) {}

  of(source: DiskSource): DiskSource {
    this.begun += 1;
    const before = this.begun;
    const tell = (offset: number): Promise<void> | undefined =>
      this.exchange.task?.progress((before + offset / Math.max(1, source.size)) / this.disks);
    return {
      ...source,
      async *read(offset, length) {
        let at = offset;
        for await (const bytes of source.read(offset, length)) {
          yield bytes;
          at += bytes.length;
          await tell(at);
        }
      },
    };
  }
}

function compressionOf({ query }: Exchange): Compression {
  const asked = query.get('use_compression') ?? '';
  if (asked === 'zstd') return asked;
  return asked === 'true' || asked === 'gzip' ? 'gzip' : 'none';
}

/** By reference or uuid; 404 for a uuid that no VM has, as for a page that is not there. */
async function vmOf({ plane, query }: Exchange): Promise<Ref<'VM'>> {
  await plane.replica.fresh();
  const ref = query.get('ref'),
    uuid = query.get('uuid');
  if (uuid !== null) {
    const found = plane.replica.byUuid('VM', uuid);
    if (!found) throw new Refusal(404, `UUID_INVALID: [ VM; ${uuid} ]`);
    return found;
  }
  if (ref === null) throw new Refusal(400, 'Neither ref nor uuid is given');
  if (!plane.replica.has('VM', ref)) throw new XenError('HANDLE_INVALID', 'VM', ref);
  return asRef<'VM'>(ref);
}

export const exportMetadata: Handler = {
  name: 'get_export_metadata',
  task: 'VM.export_metadata',
  run: async (exchange) => {
    const { plane } = exchange;
    const excluded = (exchange.query.get('excluded_device_types') ?? '')
      .split(',')
      .filter((device) => device !== '');
    const vms = flag(exchange, 'all') ? await everyVm(exchange) : [await vmOf(exchange)];
    const options = {
      preservePowerState: true,
      snapshots: flag(exchange, 'export_snapshots', true),
      parents: flag(exchange, 'include_vhd_parents'),
      excludedDevices: new Set(excluded),
    };
    const ova = writeOva(exportVersion(plane), exportRecords(plane.replica, vms, options).objects);
    const headers: Record<string, string> = { 'content-disposition': 'attachment; filename="export.xva"' };
    if (exchange.task) headers['task-id'] = exchange.task.ref;
    sendDocument(
      exchange,
      'application/octet-stream',
      Buffer.concat([...tarMember(ovaName, ova), tarEnd()]),
      headers,
    );
  },
};

async function everyVm(exchange: Exchange): Promise<Ref<'VM'>[]> {
  const { replica } = exchange.plane;
  await replica.fresh();
  const withDom0 = flag(exchange, 'include_dom0', true);
  return [...replica.refs('VM')].filter((ref) => {
    const vm = replica.record('VM', ref);
    return (
      vm !== undefined && !vm.is_a_snapshot && !vm.is_default_template && (withDom0 || !vm.is_control_domain)
    );
  });
}
