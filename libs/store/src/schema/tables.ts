/** One table a stored class, derived from the model: for our own SQL as columns, for TypeORM as an EntitySchema. */
import {
  classNamed,
  storedClasses,
  storedFields,
  type ClassDef,
  type ClassName,
  type StoredRecord,
  type Ref,
} from '@xenplane/model';
import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { columnOf, type Column } from './columns';
import { nameOf, relationsFrom } from './relations';

export type Row<N extends ClassName> = { readonly ref: Ref<N> } & StoredRecord<N>;

export interface Table {
  readonly cls: ClassName;
  /** In SQL, without quotes: the class's name in lower case. */
  readonly name: string;
  /** All but `ref`, the primary key, in the order of the model. */
  readonly columns: readonly Column[];
  readonly column: ReadonlyMap<string, Column>;
  readonly indexes: readonly Index[];
}
export interface Index {
  readonly name: string;
  readonly column: string;
  readonly unique: boolean;
  /** Rows that point at nothing are not looked for. */ readonly where: string | undefined;
}

export const quote = (name: string): string => `"${name}"`;

/** Of short texts alone: what a client may make as long as it likes fits into no index, and who looks for a label asks the replica. */
function indexesOf(cls: ClassName, name: string, columns: readonly Column[]): Index[] {
  const pointing = relationsFrom(cls)
    .filter((r) => !r.many)
    .map((r) => r.field);
  const has = (column: string): boolean => columns.some((c) => c.name === column);
  const index = (column: string, unique: boolean, where?: string): Index => ({
    name: `${name}_${column}_idx`,
    column,
    unique,
    where,
  });
  return [
    ...(has('uuid') ? [index('uuid', true)] : []),
    ...[...new Set(pointing)].map((field) => index(field, false, `${quote(field)} IS NOT NULL`)),
  ];
}

function tableFor(cls: ClassDef): Table {
  const columns = storedFields(cls).flatMap((field) => {
    const def = cls.fields[field];
    return def ? [columnOf(field, def)] : [];
  });
  const name = cls.name.toLowerCase();
  return {
    cls: nameOf(cls),
    name,
    columns,
    column: new Map(columns.map((c) => [c.name, c])),
    indexes: indexesOf(nameOf(cls), name, columns),
  };
}

export const tables: readonly Table[] = storedClasses.map(tableFor);
const byClass = new Map(tables.map((t) => [t.cls, t]));
export function tableOf(cls: ClassName): Table {
  const table = byClass.get(cls);
  if (!table) throw new Error(`${classNamed(cls).name} has no table`);
  return table;
}
export const isStored = (cls: ClassName): boolean => byClass.has(cls);

function entityColumn({ name, type, reference, default: value }: Column): EntitySchemaColumnOptions {
  const array = type === 'text[]';
  return {
    name,
    type: array ? 'text' : type,
    array,
    nullable: reference,
    default: value === undefined ? undefined : () => value,
  };
}
function entityFor(table: Table): EntitySchema<Record<string, unknown>> {
  return new EntitySchema({
    name: table.cls,
    tableName: table.name,
    columns: {
      ref: { type: 'text', primary: true },
      ...Object.fromEntries(table.columns.map((c) => [c.name, entityColumn(c)])),
    },
    indices: table.indexes.map(({ name, column, unique, where }) => ({
      name,
      columns: [column],
      unique,
      where,
    })),
  });
}
export const entities: readonly EntitySchema<Record<string, unknown>>[] = tables.map(entityFor);
