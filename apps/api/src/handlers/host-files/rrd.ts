/** The archives of metrics: what is new since a moment, for many objects, and everything about one. */
import { rrd } from '@xenplane/domain';
import { asRef, type HandlerName, type Ref } from '@xenplane/model';
import { inSlices } from '@xenplane/store';
import { dumpJson, dumpXml, updatesJson, updatesXml, type Column, type DumpArchive } from '@xenplane/wire';
import { Archives, lastUp, ownerNames, type Plane, type RecordedRrd, type RrdClass } from '@xenplane/xapi';
import { addressedHost } from '../../host-addresses';
import {
  flag,
  forPages,
  required,
  responseOf,
  sendDocument,
  type Exchange,
  type Handler,
} from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';

const cfs: readonly rrd.Consolidation[] = ['AVERAGE', 'MIN', 'MAX', 'LAST'];
const secondsNow = ({ clock }: Plane): number => clock.now().getTime() / 1000;
const wantsJson = (exchange: Exchange): boolean =>
  flag(exchange, 'json') || (exchange.request.headers.accept ?? '').includes('application/json');

function integer(exchange: Exchange, name: string, otherwise?: number): number {
  const text = exchange.query.get(name);
  if ((text === null || text === '') && otherwise !== undefined) return otherwise;
  const value = Number(required(exchange, name));
  if (!Number.isSafeInteger(value)) throw new Refusal(400, `The parameter ${name} is no integer`);
  return value;
}
/** Averages are what archives hold; the others are computed when they are asked for. */
function consolidation(exchange: Exchange): rrd.Consolidation {
  const text = exchange.query.get('cf') ?? 'AVERAGE';
  const found = cfs.find((cf) => cf === text);
  if (!found) throw new Refusal(400, `There is no consolidation ${text}`);
  return found;
}

/** The host that is spoken to: named, or the one whose address the client used; else the coordinator. */
export function hostOf({ plane, query, request }: Exchange): Ref<'host'> {
  const { replica } = plane;
  const uuid = query.get('host_uuid');
  const named = uuid === null ? undefined : replica.byUuid('host', uuid);
  if (named) return named;
  if (uuid !== null) throw new Refusal(404, `There is no host ${uuid}`);
  const spokenTo = addressedHost(plane, request);
  if (spokenTo && replica.has('host', spokenTo)) return spokenTo;
  const [pool] = replica.refs('pool');
  return (pool && replica.stored('pool', pool)?.master) ?? asRef<'host'>('');
}

/** Long documents let others have their turn. */
async function whole(pieces: Iterable<string>): Promise<Buffer> {
  const made: Buffer[] = [];
  for await (const piece of inSlices(pieces)) made.push(Buffer.from(piece));
  return Buffer.concat(made);
}
function* asked(exchange: Exchange, archives: Archives): Generator<RecordedRrd> {
  const host = hostOf(exchange);
  const named = (parameter: string): string[] =>
    exchange.query.getAll(parameter).filter((uuid) => uuid !== '');
  if (flag(exchange, 'host')) yield* present([archives.of('host', host)]);
  if (exchange.query.has('vm_uuid'))
    for (const uuid of named('vm_uuid')) yield* present([running(exchange, archives, uuid)]);
  else for (const vm of archives.residents(host)) yield* present([archives.of('VM', vm)]);
  for (const uuid of named('sr_uuid')) yield* present([archives.byUuid('SR', uuid)]);
}
const present = (all: readonly (RecordedRrd | undefined)[]): RecordedRrd[] =>
  all.filter((one) => one !== undefined);

/** A VM that does not run has no new figures. */
function running(
  { plane: { replica } }: Exchange,
  archives: Archives,
  uuid: string,
): RecordedRrd | undefined {
  const ref = replica.byUuid('VM', uuid);
  const state = ref && replica.stored('VM', ref)?.power_state;
  return ref && (state === 'Running' || state === 'Paused') ? archives.of('VM', ref) : undefined;
}

const updatesHeads = { ...forPages, 'access-control-allow-headers': 'X-Requested-With' };
export const rrdUpdates: Handler = {
  name: 'rrd_updates',
  run: async (exchange) => {
    const asking = {
      start: integer(exchange, 'start'),
      interval: integer(exchange, 'interval', 0),
      cf: consolidation(exchange),
    };
    const archives = await Archives.open(exchange.plane);
    const now = secondsNow(exchange.plane);
    const start = asking.start < 0 ? Math.floor(now) + asking.start : asking.start;
    const grid = rrd.gridSince(rrd.archiveFor(asking.interval, start, now), start, now);
    const sheet = new rrd.Sheet(grid, asking.cf);
    const columns: Column[] = [];
    for await (const { cls, uuid, sources } of inSlices(asked(exchange, archives)))
      for await (const source of inSlices(sources))
        columns.push({
          legend: `${asking.cf}:${ownerNames[cls]}:${uuid}:${source.name}`,
          values: sheet.column(source.figure()),
        });
    const updates = { ...grid, start: rrd.startShown(grid.step, start), columns };
    if (wantsJson(exchange))
      sendDocument(exchange, 'application/json', await whole(updatesJson(updates)), updatesHeads);
    else sendDocument(exchange, 'text/xml', await whole(updatesXml(updates)), updatesHeads);
  },
};

/** Everything about one object. A VM that does not run has what it had when it last was up. */
async function sendDump(exchange: Exchange, { sources, until }: RecordedRrd): Promise<void> {
  const now = until ?? secondsNow(exchange.plane);
  const made: DumpArchive[] = [];
  for (const archive of rrd.archives) {
    const sheet = new rrd.Sheet(rrd.wholeGrid(archive, now), 'AVERAGE');
    const columns: Float64Array[] = [];
    for await (const source of inSlices(sources)) columns.push(sheet.column(source.figure()));
    made.push({ cf: 'AVERAGE', slotsPerRow: archive.seconds / rrd.slotSeconds, rows: archive.rows, columns });
  }
  const last = (i: number): number => made[0]?.columns[i]?.[(made[0]?.rows ?? 0) - 1] ?? Number.NaN;
  const described = sources.map(({ name, type, min, max }, i) => ({ name, type, min, max, last: last(i) }));
  const dump = { step: rrd.slotSeconds, lastUpdate: Math.floor(now), sources: described, archives: made };
  if (wantsJson(exchange)) sendDocument(exchange, 'application/json', await whole(dumpJson(dump)), forPages);
  else sendDocument(exchange, 'text/xml', await whole(dumpXml(dump)), forPages);
}

function ofObject(name: HandlerName, cls: RrdClass): Handler {
  return {
    name,
    run: async (exchange) => {
      const uuid = required(exchange, 'uuid');
      const archives = await Archives.open(exchange.plane);
      const found = archives.byUuid(cls, uuid);
      const ref = exchange.plane.replica.byUuid(cls, uuid);
      if (!found || !ref) throw new Refusal(404, `There is no ${cls} ${uuid}`);
      const until = cls === 'VM' ? await lastUp(exchange.plane, asRef(ref)) : undefined;
      if (until === 0) throw new Refusal(404, `Nothing was ever measured of ${uuid}`);
      await sendDump(exchange, { ...found, ...(until === undefined ? {} : { until }) });
    },
  };
}

function ofHost(name: HandlerName): Handler {
  return {
    name,
    run: async (exchange) => {
      const found = (await Archives.open(exchange.plane)).of('host', hostOf(exchange));
      if (!found) throw new Refusal(404, 'There is no host');
      await sendDump(exchange, found);
    },
  };
}

/** The figures that a host hands over when a VM leaves it. They are read and dropped: the figures of a VM follow from the VM, wherever it runs. */
const handedOver: Handler = {
  name: 'rrd',
  run: async (exchange) => {
    const uuid = required(exchange, 'uuid');
    const { replica } = exchange.plane;
    await replica.fresh();
    if (!replica.byUuid(exchange.query.has('is_host') ? 'host' : 'VM', uuid))
      throw new Refusal(404, `There is nothing to keep archives of: ${uuid}`);
    const response = responseOf(exchange);
    response.writeHead(200, { connection: 'close', 'cache-control': 'no-cache, no-store' });
    response.flushHeaders();
    for await (const _piece of exchange.request) if (exchange.signal.aborted) break;
    response.end();
  },
};

export const rrdHandlers: readonly Handler[] = [
  rrdUpdates,
  ofObject('vm_rrd', 'VM'),
  ofObject('get_vm_rrds', 'VM'),
  ofObject('sr_rrd', 'SR'),
  ofHost('host_rrd'),
  ofHost('get_host_rrds'),
  handedOver,
];
