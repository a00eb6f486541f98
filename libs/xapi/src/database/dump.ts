/** Every record of the pool as XML, in the shape of xapi's database file. */
import { classNames, type ClassName } from '@xenplane/model';
import type { Plane } from '../context';

/** Of what can be restored. */
export const schemaVersion = '5';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\n': '&#10;', '\r': '&#13;', '\t': '&#9;' };
// Characters that XML cannot hold are left out.
const attribute = (text: string): string =>
  [...text]
    .filter((c) => c >= ' ' || c in entities)
    .join('')
    .replace(/[&<>"\n\r\t]/g, (c) => entities[c] ?? c);

/** Sets and maps are written as S-expressions, as xapi keeps them. */
function written(value: unknown): string {
  if (Array.isArray(value)) return `(${value.map(quoted).join(' ')})`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `(${Object.entries(value)
    .map(([k, v]) => `(${quoted(k)} ${quoted(v)})`)
    .join(' ')})`;
}
const quoted = (value: unknown): string => `'${written(value).replace(/[\\']/g, '\\$&')}'`;

function row(ref: string, record: Readonly<Record<string, unknown>>): string {
  const fields = Object.entries(record).map(([name, value]) => ` ${name}="${attribute(written(value))}"`);
  return `<row ref="${ref}"${fields.join('')}/>`;
}

function* table(plane: Plane, cls: ClassName): Generator<string> {
  yield `<table name="${cls}">`;
  for (const ref of plane.replica.refs(cls)) {
    const record = plane.replica.record(cls, ref);
    // A file lies about: what it says may be read by whoever finds it. A restore leaves secrets as they are.
    if (record) yield row(ref, cls === 'secret' ? { ...record, value: '' } : record);
  }
  yield '</table>';
}

/** Tables that are left out are not there at all. */
export function* databaseXml(plane: Plane, without: readonly ClassName[] = []): Generator<string> {
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<database><manifest><pair key="schema_major_vsn" value="${schemaVersion}"/><pair key="generation_count" value="1"/></manifest>`;
  for (const cls of classNames) if (!without.includes(cls)) yield* table(plane, cls);
  yield '</database>';
}
