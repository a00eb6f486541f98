/** The answer of `/rrd_updates`: rows of many metrics, newest first, as XML or JSON. */
import { escapeXml } from '../text';
import { numberText } from './numbers';

export interface Updates {
  readonly step: number;
  /** The newest row's moment. */
  readonly end: number;
  readonly rows: number;
  /** The first row that may come after the moment that was asked; that moment's own row comes before it. */
  readonly start: number;
  /** `<CF>:<host|vm|sr>:<uuid>:<metric>` and the values, oldest first. */
  readonly columns: readonly Column[];
}
export interface Column {
  readonly legend: string;
  readonly values: ArrayLike<number>;
}

/** Numbers are texts in both forms. */
interface Meta {
  readonly start: string;
  readonly step: string;
  readonly end: string;
  readonly rows: string;
  readonly columns: string;
}
const metaOf = ({ step, end, rows, start, columns }: Updates): Meta => ({
  start: String(start),
  step: String(step),
  end: String(end),
  rows: String(rows),
  columns: String(columns.length),
});

/** From the newest row to the oldest; each value between the two texts. */
function* rowsOf(
  { step, end, rows, columns }: Updates,
  before: string,
  after: string,
): Generator<{ readonly t: number; readonly values: string }> {
  for (let i = rows - 1; i >= 0; i -= 1) {
    let values = '';
    for (const column of columns) values += before + numberText(column.values[i] ?? Number.NaN) + after;
    yield { t: end - (rows - 1 - i) * step, values };
  }
}

/** In pieces, for there may be very many values. */
export function* updatesJson(updates: Updates): Generator<string> {
  const meta = JSON.stringify({ ...metaOf(updates), legend: updates.columns.map((c) => c.legend) });
  yield `{"meta":${meta},"data":[`;
  let separator = '';
  for (const { t, values } of rowsOf(updates, '"', '",')) {
    yield `${separator}{"t":"${t}","values":[${values.slice(0, -1)}]}`;
    separator = ',';
  }
  yield ']}';
}

export function* updatesXml(updates: Updates): Generator<string> {
  const meta = Object.entries(metaOf(updates)).map(([name, value]) => `<${name}>${value}</${name}>`);
  const legend = updates.columns.map((c) => `<entry>${escapeXml(c.legend)}</entry>`);
  yield `<?xml version="1.0"?><xport><meta>${meta.join('')}<legend>${legend.join('')}</legend></meta><data>`;
  for (const { t, values } of rowsOf(updates, '<v>', '</v>')) yield `<row><t>${t}</t>${values}</row>`;
  yield '</data></xport>';
}
