/** A whole RRD, every archive of every metric of one object, as XML or JSON. */
import { escapeXml } from '../text';
import { numberText } from './numbers';

export interface DumpSource {
  readonly name: string;
  readonly type: string;
  readonly min: number;
  readonly max: number;
  /** The newest value. */
  readonly last: number;
}
export interface DumpArchive {
  readonly cf: string;
  /** How many of the finest steps make a row. */
  readonly slotsPerRow: number;
  /** A column for each source, oldest row first. */
  readonly columns: readonly ArrayLike<number>[];
  readonly rows: number;
}
export interface Dump {
  readonly step: number;
  readonly lastUpdate: number;
  readonly sources: readonly DumpSource[];
  readonly archives: readonly DumpArchive[];
}

const version = '0003';
const heartbeat = 300;
const leastKnown = 0.5;

interface Member {
  readonly [name: string]: string | Member | readonly Member[];
}
const sourceOf = ({ name, type, min, max, last }: DumpSource): Member => ({
  name,
  type,
  minimal_heartbeat: numberText(heartbeat),
  min: numberText(min),
  max: numberText(max),
  last_ds: numberText(last),
  value: '0.0',
  unknown_sec: '0',
});
/** The state of a row that is not over: none, for rows follow from the moment alone. */
const gathered = { primary_value: '0.0', secondary_value: '0.0', value: '0.0', unknown_datapoints: '0' };
function* rowsOf({ rows, columns }: DumpArchive): Generator<string[]> {
  for (let i = 0; i < rows; i += 1) yield columns.map((c) => numberText(c[i] ?? Number.NaN));
}

const element = (name: string, value: Member[string]): string => {
  if (typeof value === 'string') return `<${name}>${escapeXml(value)}</${name}>`;
  const members: readonly Member[] = Array.isArray(value) ? value : [value];
  return members.map((m) => `<${name}>${elements(m)}</${name}>`).join('');
};
const elements = (member: Member): string =>
  Object.entries(member)
    .map(([name, value]) => element(name, value))
    .join('');

const params = { xff: numberText(leastKnown) };

/** In pieces, one for each row. */
export function* dumpXml({ step, lastUpdate, sources, archives }: Dump): Generator<string> {
  yield `<?xml version="1.0"?><rrd>${elements({ version, step: String(step), lastupdate: String(lastUpdate), ds: sources.map(sourceOf) })}`;
  for (const archive of archives) {
    yield `<rra>${elements({ cf: archive.cf, pdp_per_row: String(archive.slotsPerRow), params, cdp_prep: { ds: sources.map(() => gathered) } })}<database>`;
    for (const row of rowsOf(archive)) yield `<row>${row.map((v) => `<v>${v}</v>`).join('')}</row>`;
    yield '</database></rra>';
  }
  yield '</rrd>';
}

export function* dumpJson({ step, lastUpdate, sources, archives }: Dump): Generator<string> {
  const head = JSON.stringify({
    version,
    step: String(step),
    lastupdate: String(lastUpdate),
    ds: sources.map(sourceOf),
  });
  yield `${head.slice(0, -1)},"rra":[`;
  for (const [i, archive] of archives.entries()) {
    const about = JSON.stringify({
      cf: archive.cf,
      pdp_per_row: String(archive.slotsPerRow),
      params,
      cdp_prep: { ds: sources.map(() => gathered) },
    });
    yield `${i === 0 ? '' : ','}${about.slice(0, -1)},"database":[`;
    let separator = '';
    for (const row of rowsOf(archive)) {
      yield separator + JSON.stringify(row);
      separator = ',';
    }
    yield ']}';
  }
  yield ']}';
}
