/** Records by class and reference inside one transaction. */
import { XenError, type ClassName, type Ref, type StoredRecord } from '@xenplane/model';
import type { PoolClient } from 'pg';
import { statementName, type Params } from './store';
import { fromSql, table, toSql, type SqlRow } from './tables';

export type Row<N extends ClassName> = StoredRecord<N> & { readonly ref: Ref<N> };

export class Tx {
  private readonly committed: (() => void)[] = [];

  constructor(private readonly client: PoolClient) {}

  async query<R extends object = Record<string, unknown>>(text: string, params: Params = []): Promise<R[]> {
    const { rows } = await this.client.query<R>({ name: statementName(text), text, values: [...params] });
    return rows;
  }

  /** HANDLE_INVALID [class, ref] when there is none. */
  get<N extends ClassName>(cls: N, ref: Ref<N>): Promise<Row<N>> {
    return this.one(cls, ref, '');
  }
  /** `get`, and nobody else changes it until this transaction ends. */
  lock<N extends ClassName>(cls: N, ref: Ref<N>): Promise<Row<N>> {
    return this.one(cls, ref, ' FOR UPDATE');
  }
  private async one<N extends ClassName>(cls: N, ref: Ref<N>, suffix: string): Promise<Row<N>> {
    const [row] = await this.query<SqlRow>(`SELECT * FROM "${table(cls).name}" WHERE ref = $1${suffix}`, [ref]);
    if (!row) throw new XenError('HANDLE_INVALID', cls, ref);
    return asRow(cls, row);
  }

  async getMany<N extends ClassName>(cls: N, refs: readonly string[]): Promise<Row<N>[]> {
    if (refs.length === 0) return [];
    const rows = await this.query<SqlRow>(`SELECT * FROM "${table(cls).name}" WHERE ref = ANY($1)`, [[...refs]]);
    return rows.map((row) => asRow(cls, row));
  }

  /** Those whose fields equal what is given; all for an empty `where`. */
  async find<N extends ClassName>(cls: N, where: Partial<StoredRecord<N>>): Promise<Row<N>[]> {
    const { name, byName } = table(cls);
    const given = Object.entries(where);
    const conditions = given.map(([field], i) => `"${field}" = $${i + 1}`);
    const text = `SELECT * FROM "${name}"${conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''}`;
    const values = given.map(([field, value]) => {
      const column = byName.get(field);
      return column ? toSql(column, value) : value;
    });
    return (await this.query<SqlRow>(text, values)).map((row) => asRow(cls, row));
  }

  async insert<N extends ClassName>(cls: N, ref: Ref<N>, record: object): Promise<void> {
    await this.insertAll(cls, [{ ref, ...record }]);
  }

  /** All in one statement. Fields that are not given have their column's default. */
  async insertAll(cls: ClassName, rows: readonly ({ readonly ref: string } & object)[]): Promise<void> {
    const [first] = rows;
    if (!first) return;
    const { name, columns } = table(cls);
    const used = columns.filter((c) => c.name in first);
    const width = used.length + 1;
    const tuples = rows.map((_, r) => `(${Array.from({ length: width }, (__, c) => `$${r * width + c + 1}`).join(', ')})`);
    const values = rows.flatMap((row) => [row.ref, ...used.map((c) => toSql(c, (row as SqlRow)[c.name]))]);
    await this.query(`INSERT INTO "${name}"(ref${used.map((c) => `, "${c.name}"`).join('')}) VALUES ${tuples.join(', ')}`, values);
  }

  /** HANDLE_INVALID [class, ref] when there is none. Fields that are not columns are refused. */
  async update<N extends ClassName>(cls: N, ref: Ref<N>, patch: object): Promise<void> {
    const { name, byName } = table(cls);
    const given = Object.entries(patch).filter(([, value]) => value !== undefined);
    if (given.length === 0) return;
    const values = given.map(([field, value]) => {
      const column = byName.get(field);
      if (!column) throw new Error(`${cls} has no column ${field}`);
      return toSql(column, value);
    });
    const { rowCount } = await this.run(`UPDATE "${name}" SET ${given.map(([field], i) => `"${field}" = $${i + 2}`).join(', ')} WHERE ref = $1`, [
      ref,
      ...values,
    ]);
    if (rowCount === 0) throw new XenError('HANDLE_INVALID', cls, ref);
  }

  async remove<N extends ClassName>(cls: N, ref: Ref<N>): Promise<void> {
    const { rowCount } = await this.run(`DELETE FROM "${table(cls).name}" WHERE ref = $1`, [ref]);
    if (rowCount === 0) throw new XenError('HANDLE_INVALID', cls, ref);
  }

  /** Called once this transaction is durable; not when it is rolled back. */
  afterCommit(told: () => void): void {
    this.committed.push(told);
  }
  tellCommitted(): void {
    for (const told of this.committed) told();
  }

  private run(text: string, params: Params): Promise<{ rowCount: number | null }> {
    return this.client.query({ name: statementName(text), text, values: [...params] });
  }
}

const asRow = <N extends ClassName>(cls: N, row: SqlRow): Row<N> => fromSql(table(cls).columns, row) as Row<N>;
