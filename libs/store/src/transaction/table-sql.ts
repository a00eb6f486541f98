/** The statements on one table, each text made once. */
import type { ClassName } from '@xenplane/model';
import { fromColumn, type Column, type Parameter } from '../schema/columns';
import { statement, type Statement } from './statement';
import { quote, tableOf, tables, type Table } from '../schema/tables';

export class TableSql {
  readonly names: readonly string[];
  private readonly selected: string;
  readonly get: Statement;
  readonly lock: Statement;
  readonly many: Statement;
  readonly all: Statement;
  readonly insertAll: Statement;
  readonly remove: Statement;

  constructor(readonly table: Table) {
    const name = quote(table.name);
    this.names = ['ref', ...table.columns.map((c) => c.name)];
    this.selected = `SELECT ${this.names.map(quote).join(', ')} FROM ${name}`;
    this.get = statement(`${this.selected} WHERE ref = $1`);
    // Not FOR UPDATE: that would also keep out the foreign keys of rows that merely point here.
    this.lock = statement(`${this.selected} WHERE ref = $1 FOR NO KEY UPDATE`);
    this.many = statement(`${this.selected} WHERE ref = ANY($1)`);
    this.all = statement(this.selected);
    const typed = table.columns.map((c) => `${quote(c.name)} ${c.type}`);
    this.insertAll = statement(
      `INSERT INTO ${name} (${this.names.map(quote).join(', ')}) SELECT * FROM json_to_recordset($1) AS r(ref text, ${typed.join(', ')})`,
    );
    this.remove = statement(`DELETE FROM ${name} WHERE ref = $1 RETURNING ref`);
  }

  /** One row as the driver gives it, in the order of `names`. */
  row(values: readonly unknown[]): Record<string, unknown> {
    const row: Record<string, unknown> = { ref: values[0] };
    this.table.columns.forEach((column, i) => (row[column.name] = fromColumn(column, values[i + 1])));
    return row;
  }

  private column(name: string): Column {
    const column = this.table.column.get(name);
    if (!column) throw new Error(`${this.table.cls} keeps no ${name}`);
    return column;
  }

  /** One object as JSON; what it does not say has its initial value. */
  json(ref: string, record: Readonly<Record<string, unknown>>): string {
    const fields = this.table.columns.map(
      (c) => `${JSON.stringify(c.name)}:${c.json(record[c.name] ?? c.initial)}`,
    );
    return `{"ref":${JSON.stringify(ref)},${fields.join()}}`;
  }

  /** Columns of a patch in the order of the table, so that the order of the keys makes no second statement. */
  private given(patch: Readonly<Record<string, unknown>>): Column[] {
    for (const name of Object.keys(patch)) this.column(name);
    return this.table.columns.filter((c) => patch[c.name] !== undefined);
  }

  insert(ref: string, record: Readonly<Record<string, unknown>>): [Statement, Parameter[]] {
    const columns = this.table.columns.map((c): Parameter => c.parameter(record[c.name] ?? c.initial));
    return [this.insertOne, [ref, ...columns]];
  }
  private get insertOne(): Statement {
    const holders = this.names.map((_, i) => `$${i + 1}`).join(', ');
    return statement(
      `INSERT INTO ${quote(this.table.name)} (${this.names.map(quote).join(', ')}) VALUES (${holders})`,
    );
  }

  update(ref: string, patch: Readonly<Record<string, unknown>>): [Statement, Parameter[]] | undefined {
    const columns = this.given(patch);
    if (columns.length === 0) return undefined;
    const sets = columns.map((c, i) => `${quote(c.name)} = $${i + 2}`).join(', ');
    return [
      statement(`UPDATE ${quote(this.table.name)} SET ${sets} WHERE ref = $1 RETURNING ref`),
      [ref, ...columns.map((c) => c.parameter(patch[c.name]))],
    ];
  }

  find(where: Readonly<Record<string, unknown>>): [Statement, Parameter[]] {
    const columns = this.given(where),
      parameters: Parameter[] = [];
    const terms = columns.map((c) => {
      const value = c.parameter(where[c.name]);
      if (value === null) return `${quote(c.name)} IS NULL`;
      return `${quote(c.name)} = $${parameters.push(value)}`;
    });
    return [
      statement(`${this.selected}${terms.length > 0 ? ` WHERE ${terms.join(' AND ')}` : ''} ORDER BY ref`),
      parameters,
    ];
  }
}

const byClass = new Map<ClassName, TableSql>(tables.map((t) => [t.cls, new TableSql(t)]));
export const sqlOf = (cls: ClassName): TableSql => byClass.get(cls) ?? new TableSql(tableOf(cls));
