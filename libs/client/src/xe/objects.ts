/** Objects as `xe` shows them: fields by their names on the command line, references as uuids or names. */
import { classNamed, isClassName, nullRefText, type Type } from '@xenplane/model';
import { isRef, type Api } from '../api';
import { Misuse } from './arguments';
import { tables, type Access, type ClassTable, type FieldRow } from './tables/fields';
import { shownAs } from './tables/words';
import { absent, thousandths, type AnyRecord, type ObjectReader, type Shown } from './shown';
import { workedOut } from './worked';

export { absent, measured, thousandths, type AnyRecord, type Shown } from './shown';

export interface Cell {
  readonly name: string;
  /** Of a field of a class; what else is shown by name and value has none. */
  readonly access?: Access;
  readonly deprecated?: boolean;
  readonly value: string;
}
/** The values of these fields while there are no metrics. */
const withoutMetrics: Readonly<Record<string, string>> = {
  ...{ 'start-time': '<unknown time>', 'install-time': '<unknown time>' },
  ...{ hvm: 'false', nomigrate: 'false', 'nested-virt': 'false' },
};

/** A value as it is shown, and what is in it when it is a set or a map. */
export interface Rendered {
  readonly text: string;
  readonly items: readonly string[];
  readonly entries: readonly (readonly [string, string])[];
}
const asText = (text: string): Rendered => ({ text, items: [], entries: [] });
const asSet = (items: readonly string[], between: string): Rendered => ({
  text: items.join(between),
  items,
  entries: [],
});
const asMap = (entries: Rendered['entries']): Rendered => ({
  text: entries.map(([k, v]) => `${k}: ${v}`).join('; '),
  items: [],
  entries,
});
/** Takes a text that was put together apart again. */
function apart(access: Access, text: string): Rendered {
  if (!/^[SM]/.test(access) || text === '') return asText(text);
  if (access.startsWith('S')) return { ...asText(text), items: text.split(/[;,] /) };
  return {
    ...asText(text),
    entries: text
      .split('; ')
      .map((entry) => [entry.slice(0, entry.indexOf(': ')), entry.slice(entry.indexOf(': ') + 2)]),
  };
}
export function tableNamed(cli: string): ClassTable {
  const table = tables[cli];
  if (!table) throw new Misuse(`Unknown class: ${cli}`);
  return table;
}
/** The type of `Class.field`. */
export function typeOf(api: string): Type | undefined {
  const [cls = '', field = ''] = api.split('.');
  return isClassName(cls) ? classNamed(cls).fields[field]?.type : undefined;
}

/** Every single permission is a role too; what people call roles are those made of others. */
const hasParts = (record: AnyRecord): boolean =>
  Array.isArray(record['subroles']) && record['subroles'].length > 0;

/** So many objects of a class are asked for one by one; then all of them at once cost less. */
const mostSingle = 16;

/** Records of the server, each fetched at most once a command. */
export class Objects implements ObjectReader {
  private readonly whole = new Map<string, Promise<Readonly<Record<string, AnyRecord>>>>();
  private readonly single = new Map<string, Promise<AnyRecord | undefined>>();
  private readonly asked = new Map<string, number>();
  constructor(readonly api: Api) {}

  all(cls: string): Promise<Readonly<Record<string, AnyRecord>>> {
    const present = this.whole.get(cls);
    if (present) return present;
    const fetched = this.api.call<Readonly<Record<string, AnyRecord>>>(`${cls}.get_all_records`);
    this.whole.set(cls, fetched);
    return fetched;
  }
  async list(table: ClassTable): Promise<Shown[]> {
    const shown = Object.entries(await this.all(table.cls)).map(([ref, record]) => ({ ref, record }));
    return table.cls === 'role' ? shown.filter(({ record }) => hasParts(record)) : shown;
  }
  /** One object of a class; undefined when there is none. */
  async one(cls: string, ref: string): Promise<AnyRecord | undefined> {
    const all = this.whole.get(cls);
    if (all) return (await all.catch((): Readonly<Record<string, AnyRecord>> => ({})))[ref];
    const key = `${cls} ${ref}`,
      present = this.single.get(key);
    if (present) return present;
    const asked = (this.asked.get(cls) ?? 0) + 1;
    this.asked.set(cls, asked);
    const fetched =
      asked > mostSingle
        ? this.all(cls).then((records) => records[ref])
        : this.api.call<AnyRecord>(`${cls}.get_record`, ref);
    const found = fetched.catch(() => undefined);
    this.single.set(key, found);
    return found;
  }

  byUuid(cls: string, uuid: string): Promise<string> {
    return this.api.call<string>(`${cls}.get_by_uuid`, uuid);
  }
  uuidOf(cls: string, ref: string): Promise<string> {
    return this.api.call<string>(`${cls}.get_uuid`, ref);
  }
  /** The pool of the uuid, or the only one there is. */
  async pool(uuid?: string): Promise<string> {
    if (uuid !== undefined) return this.byUuid('pool', uuid);
    const [pool = ''] = await this.api.call<string[]>('pool.get_all');
    return pool;
  }

  /** The value of one field; one that the record does not have is its metrics' or another companion's. */
  async rendered(row: FieldRow, shown: Shown, table: ClassTable): Promise<Rendered> {
    const [name, api, access, notes] = row;
    const special = workedOut[`${table.cls}.${name}`];
    if (special) return apart(access, await special(this, shown).catch(() => absent));
    if (api === '') return notes?.calls ? this.called(notes.calls, shown, row) : asText('');
    const [cls = '', field = ''] = api.split('.');
    const record = cls === table.cls ? shown.record : await this.companion(table, cls, shown.record);
    return record ? this.written(record[field], typeOf(api), row) : asText(withoutMetrics[name] ?? absent);
  }
  async text(row: FieldRow, shown: Shown, table: ClassTable): Promise<string> {
    return (await this.rendered(row, shown, table)).text;
  }
  private async called(method: string, { ref }: Shown, row: FieldRow): Promise<Rendered> {
    const value = await this.api.call(method, ref).catch(() => absent);
    const result = Array.isArray(value) ? await Promise.all(value.map((v) => this.uuidAnywhere(v))) : value;
    return this.written(result, undefined, ['', '', row[2]]);
  }
  private async uuidAnywhere(value: unknown): Promise<unknown> {
    if (!isRef(value)) return value;
    return (await this.one('host', value))?.['uuid'] ?? value;
  }
  private async companion(table: ClassTable, cls: string, record: AnyRecord): Promise<AnyRecord | undefined> {
    const fields = isClassName(table.cls) ? Object.entries(classNamed(table.cls).fields) : [];
    const own = fields.find(([, f]) => f.type.kind === 'ref' && f.type.cls === cls)?.[0];
    const ref = own === undefined ? undefined : record[own];
    return isRef(ref) ? this.one(cls, ref) : undefined;
  }

  /** A value of the API in the words of the command line. */
  private async written(value: unknown, type: Type | undefined, row: FieldRow): Promise<Rendered> {
    const shown = row[3]?.shown;
    const each = (values: readonly unknown[], of: Type | undefined): Promise<string[]> =>
      Promise.all(values.map((v) => this.element(v, of, shown)));
    if (Array.isArray(value)) return asSet(await each(value, type?.of), shown === 'commas' ? ', ' : '; ');
    if (typeof value !== 'object' || value === null) return asText(await this.element(value, type, shown));
    const operations = type?.of?.kind === 'enum' && type.key?.kind === 'string';
    if (operations) return asSet(await each(Object.values(value), type?.of), '; ');
    return asMap(await Promise.all(Object.entries(value).map((entry) => this.entry(entry, type, shown))));
  }
  private async entry(
    [key, value]: [string, unknown],
    type: Type | undefined,
    shown: string | undefined,
  ): Promise<[string, string]> {
    return [await this.element(key, type?.key, shown), await this.element(value, type?.of, undefined)];
  }
  private async element(value: unknown, type: Type | undefined, shown: string | undefined): Promise<string> {
    if (type?.kind === 'ref') return this.named(type.cls ?? '', String(value), shown === 'name');
    if (value === nullRefText) return absent;
    if (type?.kind === 'float' && typeof value === 'number') return thousandths(value);
    const text = String(value ?? '');
    if (shown === 'lower') return text.toLowerCase();
    return shownAs[shown ?? '']?.[text] ?? text;
  }
  private async named(cls: string, ref: string, byName: boolean): Promise<string> {
    const record = isRef(ref) ? await this.one(cls, ref) : undefined;
    if (!record) return absent;
    return String((byName ? (record['name_label'] ?? record['uuid']) : record['uuid']) ?? '');
  }
}

/** In lists a field that is too dear to work out for all objects only says so. */
export async function fieldCells(
  objects: Objects,
  table: ClassTable,
  fields: readonly FieldRow[],
  shown: Shown,
  spare: boolean,
): Promise<Cell[]> {
  return Promise.all(
    fields.map(async (field) => ({
      name: field[0],
      access: field[3]?.printed ?? field[2],
      deprecated: field[3]?.deprecated ?? false,
      value: spare && field[3]?.expensive ? '<expensive field>' : await objects.text(field, shown, table),
    })),
  );
}
/** Fields in the order of the class, whatever the order asked for; a name that is none asks for nothing. */
export const selected = (table: ClassTable, wanted: readonly string[] | 'all'): readonly FieldRow[] =>
  table.fields.filter(([name, , , notes]) => !notes?.hidden && (wanted === 'all' || wanted.includes(name)));

/** A record as lines: the first name at the left, the others to the right, access in parentheses, values behind a colon. */
export function lines(cells: readonly Cell[]): string {
  const head = ({ name, access, deprecated }: Cell): string =>
    access === undefined ? name : `${name} (${access.padStart(3)})${deprecated ? ' [DEPRECATED]' : ''}`;
  const width = 4 + Math.max(0, ...cells.map((c) => head(c).length));
  return cells
    .map((cell, i) => `${i === 0 ? head(cell).padEnd(width) : head(cell).padStart(width)}: ${cell.value}`)
    .join('\n');
}
/** For scripts: values in one line, commas in them escaped. */
export const minimal = (values: readonly string[]): string =>
  values.map((v) => v.replace(/[\\,]/g, '\\$&')).join(',');
