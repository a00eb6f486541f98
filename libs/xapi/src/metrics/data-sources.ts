/** The metrics of hosts, VMs and repositories as objects of the interface: which there are, their newest values, what is recorded. */
import { rrd } from '@xenplane/domain';
import { XenError, type AnyRecord, type Ref } from '@xenplane/model';
import { admitVm } from '../begin/admission';
import type { Context } from '../core/context';
import { choicesOf, choose, type Choice, type RrdClass } from './choices';
import { Figures } from './facts';
import { isRecorded, possibleSources, recordedOf } from './recorded';

const secondsNow = ({ plane }: Context): number => plane.clock.now().getTime() / 1000;
/** A bound that is none; JSON knows no infinity. */
const finite = (value: number): number => Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value));

/** The object's uuid, when it may be asked for its metrics now. */
async function admit(context: Context, cls: RrdClass, ref: string): Promise<string> {
  if (cls === 'VM') return (await admitVm(context, ref as Ref<'VM'>, 'data_source_op')).uuid;
  return (await context.tx.get(cls, ref as Ref<typeof cls>)).uuid;
}

/** The replica is brought up to date, for the object may have come just now. It has a connection of its own. */
async function sourcesOf({ plane }: Context, cls: RrdClass, ref: string): Promise<readonly rrd.Source[]> {
  await plane.replica.fresh();
  return possibleSources(new Figures(plane.replica, plane.metrics), cls, ref);
}

function named(sources: readonly rrd.Source[], name: string): rrd.Source {
  const found = sources.find((s) => s.name === name);
  if (!found) throw new XenError('INTERNAL_ERROR', `Rrd.Invalid_data_source("${name}")`);
  return found;
}

async function list(context: Context, cls: RrdClass, ref: string): Promise<AnyRecord[]> {
  const uuid = await admit(context, cls, ref);
  const [sources, choices] = [await sourcesOf(context, cls, ref), await choicesOf(context.tx, cls, uuid)];
  const end = Math.floor(secondsNow(context) / rrd.slotSeconds) * rrd.slotSeconds;
  const sheet = new rrd.Sheet({ step: rrd.slotSeconds, end, rows: 1 }, 'AVERAGE');
  return sources.map((s) => ({
    name_label: s.name,
    name_description: s.description,
    enabled: isRecorded(s, choices),
    standard: s.standard,
    units: s.units,
    min: finite(s.min),
    max: finite(s.max),
    value: sheet.column(s.figure())[0] ?? Number.NaN,
  }));
}

async function query(context: Context, cls: RrdClass, ref: string, name: string): Promise<number> {
  const uuid = await admit(context, cls, ref);
  const recorded = recordedOf(await sourcesOf(context, cls, ref), await choicesOf(context.tx, cls, uuid));
  return rrd.latest(named(recorded, name).figure(), secondsNow(context));
}

async function decide(
  context: Context,
  cls: RrdClass,
  ref: string,
  name: string,
  recorded: boolean,
): Promise<void> {
  const uuid = await admit(context, cls, ref);
  const source = named(await sourcesOf(context, cls, ref), name);
  const before = await choicesOf(context.tx, cls, uuid);
  if (isRecorded(source, before) === recorded) return;
  const choice: Choice = { recorded, since: secondsNow(context) };
  await choose(context.tx, cls, uuid, name, choice);
}

type About<K extends string> = Readonly<Record<K, string>>;
type Named<K extends string> = About<K> & { readonly data_source: string };

/** The four calls of a class; `self` is what the class calls the parameter for the object. */
export const dataSourceCalls = <K extends string>(cls: RrdClass, self: K) => ({
  get_data_sources: (context: Context, args: About<K>): Promise<AnyRecord[]> =>
    list(context, cls, args[self]),
  record_data_source: (context: Context, args: Named<K>): Promise<void> =>
    decide(context, cls, args[self], args.data_source, true),
  query_data_source: (context: Context, args: Named<K>): Promise<number> =>
    query(context, cls, args[self], args.data_source),
  forget_data_source_archives: (context: Context, args: Named<K>): Promise<void> =>
    decide(context, cls, args[self], args.data_source, false),
});
