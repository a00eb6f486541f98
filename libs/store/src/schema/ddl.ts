/** The whole database as SQL, derived from the model; `migrations/` holds what was once derived and has been read by a person. */
import { changeTable, triggersOf } from './change-log';
import type { Column } from './columns';
import { foreignKeys, type ForeignKey } from './foreign-keys';
import { internalTables } from './internal-tables';
import { quote, tableOf, tables, type Index, type Table } from './tables';

/** Room on each page for the new version of a row: an update that touches no index stays there and costs no index. */
const fillfactor = 75;

const columnSql = ({ name, type, reference, default: value }: Column): string =>
  `  ${quote(name)} ${type}${reference ? '' : ' NOT NULL'}${value === undefined ? '' : ` DEFAULT ${value}`}`;
const tableSql = (table: Table): string =>
  `CREATE TABLE ${quote(table.name)} (\n  ref text PRIMARY KEY,\n${table.columns.map(columnSql).join(',\n')}\n) WITH (fillfactor = ${fillfactor})`;
const indexSql = (table: Table, { name, column, unique, where }: Index): string =>
  `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${quote(name)} ON ${quote(table.name)} (${quote(column)})${where ? ` WHERE ${where}` : ''}`;

/** Checked at the commit, so that the order of statements inside a transaction is free. */
function foreignKeySql({ from, field, to }: ForeignKey): string {
  const table = tableOf(from).name;
  return `ALTER TABLE ${quote(table)} ADD CONSTRAINT ${quote(`${table}_${field}_fkey`)} FOREIGN KEY (${quote(field)}) REFERENCES ${quote(tableOf(to).name)} (ref) DEFERRABLE INITIALLY DEFERRED`;
}

/** A foreign key is also followed backwards, from the object that is deleted. */
function foreignKeyIndexSql({ from, field }: ForeignKey): string[] {
  const table = tableOf(from);
  return table.indexes.some((i) => i.column === field)
    ? []
    : [
        indexSql(table, {
          name: `${table.name}_${field}_idx`,
          column: field,
          unique: false,
          where: `${quote(field)} IS NOT NULL`,
        }),
      ];
}

export function ddl(): string[] {
  return [
    changeTable,
    ...tables.flatMap((table) => [
      tableSql(table),
      ...table.indexes.map((index) => indexSql(table, index)),
      ...triggersOf(table),
    ]),
    ...foreignKeys.flatMap((key) => [foreignKeySql(key), ...foreignKeyIndexSql(key)]),
    ...internalTables,
  ];
}
