/** One table a class, derived from the model: which columns, of which SQL type, and how values go in and out of them. */
import { isNullRef, nullRefText, storedClasses, zeroOf, type ClassDef, type ClassName, type Type } from '@xenplane/model';

export interface Column {
  readonly name: string;
  readonly type: Type;
  readonly sql: string;
  /** As an SQL expression; absent for columns that may be NULL. */
  readonly default?: string;
}
export interface Table {
  readonly cls: ClassName;
  readonly name: string;
  readonly columns: readonly Column[];
  readonly byName: ReadonlyMap<string, Column>;
}

function sqlType(type: Type): string {
  switch (type.kind) {
    case 'int':
      return 'bigint';
    case 'float':
      return 'double precision';
    case 'bool':
      return 'boolean';
    case 'datetime':
      return 'timestamptz';
    case 'set':
      return type.of?.kind === 'ref' ? 'text[]' : 'jsonb';
    case 'map':
    case 'record':
    case 'anyRecord':
    case 'option':
    case 'eventBatch':
      return 'jsonb';
    default:
      return 'text';
  }
}
const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function defaultOf(type: Type, value: unknown): string | undefined {
  const given = value ?? zeroOf(type);
  switch (sqlType(type)) {
    case 'text':
      return type.kind === 'ref' ? undefined : quote(String(given ?? ''));
    case 'text[]':
      return "'{}'";
    case 'jsonb':
      return quote(JSON.stringify(given ?? null));
    case 'timestamptz':
      return quote(String(given));
    default:
      return String(given);
  }
}

function tableOf(cls: ClassDef): Table {
  const columns = Object.entries(cls.fields)
    .filter(([, field]) => !field.inverse)
    .map(([name, field]): Column => {
      const value = defaultOf(field.type, field.default);
      return { name, type: field.type, sql: sqlType(field.type), ...(value === undefined ? {} : { default: value }) };
    });
  return { cls: cls.name as ClassName, name: cls.name.toLowerCase(), columns, byName: new Map(columns.map((c) => [c.name, c])) };
}

export const tables: ReadonlyMap<ClassName, Table> = new Map(storedClasses.map((c) => [c.name as ClassName, tableOf(c)]));
export function table(cls: ClassName): Table {
  const found = tables.get(cls);
  if (!found) throw new Error(`class ${cls} has no table`);
  return found;
}

/** Numbers beyond 2^53 are written digit by digit: their shortest decimal form is not their value. */
const asInteger = (value: number): string | number => (Number.isSafeInteger(value) ? value : BigInt(Math.trunc(value)).toString());

/** A value as a parameter of a statement. */
export function toSql(column: Column, value: unknown): unknown {
  switch (column.sql) {
    case 'bigint':
      return asInteger(Number(value));
    case 'jsonb':
      return JSON.stringify(value);
    case 'text[]':
      return value;
    case 'text':
      return column.type.kind === 'ref' && isNullRef(String(value)) ? null : value;
    default:
      return value;
  }
}

export type SqlRow = Readonly<Record<string, unknown>>;
/** A row as a record; columns that are NULL are references to nothing. */
export function fromSql(columns: readonly Column[], row: SqlRow): Record<string, unknown> {
  const record: Record<string, unknown> = { ref: row['ref'] };
  for (const { name, type } of columns) record[name] = row[name] === null && type.kind === 'ref' ? nullRefText : row[name];
  return record;
}
