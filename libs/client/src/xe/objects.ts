/** Objects as `xe` shows them: fields by their names on the command line, references as uuids or names. */
import { isRef, type Api } from '../api';
import { Misuse } from './arguments';
import { tables, type Access, type ClassTable, type FieldRow } from './tables/fields';

type AnyRecord = Readonly<Record<string, unknown>>;
export interface Shown {
  readonly ref: string;
  readonly record: AnyRecord;
}
export interface Cell {
  readonly name: string;
  readonly access: Access;
  readonly value: string;
}

export function tableNamed(cli: string): ClassTable {
  const table = tables[cli];
  if (!table) throw new Misuse(`Unknown class: ${cli}`);
  return table;
}

/** Every single permission is a role too; what people call roles are those made of others. */
const hasParts = (record: AnyRecord): boolean => Array.isArray(record['subroles']) && record['subroles'].length > 0;

/** All records of a class, and each other class's records at most once, when a reference to it must be shown. */
export class Objects {
  private readonly known = new Map<string, Promise<Readonly<Record<string, AnyRecord>>>>();
  constructor(readonly api: Api) {}

  all(cls: string): Promise<Readonly<Record<string, AnyRecord>>> {
    const present = this.known.get(cls);
    if (present) return present;
    const fetched = this.api.call<Readonly<Record<string, AnyRecord>>>(`${cls}.get_all_records`);
    this.known.set(cls, fetched);
    return fetched;
  }

  async list(table: ClassTable): Promise<Shown[]> {
    const shown = Object.entries(await this.all(table.cls)).map(([ref, record]) => ({ ref, record }));
    return table.cls === 'role' ? shown.filter(({ record }) => hasParts(record)) : shown;
  }

  /** The value of one field as text; a field that the record does not have is its metrics' or another companion's. */
  async text([name, api]: FieldRow, { record }: Shown): Promise<string> {
    const [cls = '', field = ''] = api.split('.');
    const value = api === '' ? '' : field in record ? record[field] : await this.companion(cls, field, record);
    if (field === 'power_state') return String(value).toLowerCase();
    if (isRef(value)) return (await this.named(value, name.endsWith('name-label') ? 'name_label' : 'uuid')) ?? '<not in database>';
    if (value === 'OpaqueRef:NULL') return '<not in database>';
    return this.plain(value, name);
  }
  private async companion(cls: string, field: string, record: AnyRecord): Promise<unknown> {
    const companions = await this.all(cls);
    const ref = Object.values(record).find((v): v is string => isRef(v) && v in companions);
    return ref === undefined ? '<not in database>' : companions[ref]?.[field];
  }
  private async plain(value: unknown, name: string): Promise<string> {
    if (Array.isArray(value)) return (await Promise.all(value.map((v) => this.element(v)))).join('; ');
    if (typeof value !== 'object' || value === null) return String(value ?? '');
    const entries = Object.entries(value);
    if (name === 'current-operations') return entries.map(([, op]) => String(op)).join('; ');
    return (await Promise.all(entries.map(async ([k, v]) => `${await this.element(k)}: ${await this.element(v)}`))).join('; ');
  }
  private async element(value: unknown): Promise<string> {
    return isRef(value) ? ((await this.named(value, 'uuid')) ?? '<not in database>') : String(value);
  }

  /** A field of the object that a reference stands for, of whatever class it is. */
  private async named(ref: string, field: string): Promise<string | undefined> {
    for (const cls of [
      'VM',
      'host',
      'SR',
      'VDI',
      'network',
      'PIF',
      'VBD',
      'VIF',
      'PBD',
      'pool',
      'VM_metrics',
      'VM_guest_metrics',
      'host_metrics',
      'console',
      'task',
      'SM',
      'role',
    ]) {
      const found = (await this.all(cls))[ref];
      if (found) return String(found[field] ?? found['uuid'] ?? '');
    }
    return undefined;
  }
}

export const selected = (table: ClassTable, wanted: readonly string[] | 'all'): readonly FieldRow[] => {
  if (wanted === 'all') return table.fields;
  const unknown = wanted.find((name) => !table.fields.some(([n]) => n === name));
  if (unknown !== undefined) throw new Misuse(`Unknown field '${unknown}'`);
  return table.fields.filter(([n]) => wanted.includes(n));
};

/** A record as lines: the first name at the left, the others to the right, access in parentheses, values behind a colon. */
export function lines(cells: readonly Cell[]): string {
  const head = ({ name, access }: Cell): string => `${name} (${access.padStart(3)})`;
  const width = 4 + Math.max(...cells.map((c) => head(c).length));
  return cells.map((cell, i) => `${i === 0 ? head(cell).padEnd(width) : head(cell).padStart(width)}: ${cell.value}`).join('\n');
}
/** For scripts: values in one line, commas in them escaped. */
export const minimal = (values: readonly string[]): string => values.map((v) => v.replace(/[\\,]/g, '\\$&')).join(',');
