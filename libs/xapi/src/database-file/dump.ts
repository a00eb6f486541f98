/** Every record of the pool as XML, in the shape of xapi's database file. */
import { classNames, type ClassName } from '@xenplane/model';
import { inSlices } from '@xenplane/store';
import { membersOfBlocks, type Blocks } from '@xenplane/wire';
import type { Plane } from '../core/context';

/** Of what can be restored. */
export const schemaVersion = '5';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
  '\r': '&#13;',
  '\t': '&#9;',
};
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

async function* table(cls: ClassName, blocks: Blocks): AsyncGenerator<string> {
  yield `<table name="${cls}">`;
  for await (const [ref, record] of inSlices(membersOfBlocks(blocks))) {
    // A file is read by more people than the pool: secrets are left out. A restore leaves those of the pool as they are.
    const shown = record as Readonly<Record<string, unknown>>;
    yield row(ref, cls === 'secret' ? { ...shown, value: '' } : shown);
  }
  yield '</table>';
}

/** All tables as they are at one moment, made in slices. Tables that are left out are not there at all. */
export async function* databaseXml(
  { replica }: Plane,
  without: readonly ClassName[] = [],
): AsyncGenerator<string> {
  const wanted = classNames.filter((cls) => !without.includes(cls));
  for (const cls of wanted) await replica.prepare(cls);
  const tables = wanted.map((cls) => [cls, replica.allRecords(cls)] as const);
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<database><manifest><pair key="schema_major_vsn" value="${schemaVersion}"/><pair key="generation_count" value="1"/></manifest>`;
  for (const [cls, blocks] of tables) yield* table(cls, blocks);
  yield '</database>';
}
