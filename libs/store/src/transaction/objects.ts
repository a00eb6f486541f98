/** The store inside a transaction: the objects of the model by class and reference, and SQL where that says it better. */
import { XenError, type ClassName, type Ref, type StoredRecord } from '@xenplane/model';
import type { Link, Outcome } from './link';
import { statement, type Statement } from './statement';
import { sqlOf, type TableSql } from './table-sql';
import type { Row } from '../schema/tables';
import { updateManySql, type Patch } from './update-many';

export type { Row };
/** One object of several to insert. */
export type Inserted<N extends ClassName> = { readonly ref: Ref<N> } & Partial<StoredRecord<N>>;
/** One object of several to update. */
export type Patched<N extends ClassName> = { readonly ref: Ref<N> } & Partial<StoredRecord<N>>;
type Loose = Readonly<Record<string, unknown>>;

const begin: Readonly<Record<'write' | 'read', Statement>> = {
  write: statement('BEGIN'),
  read: statement('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'),
};

/** How Postgres refuses each statement after one that failed. */
export const inFailedTransaction = '25P02';

interface TxState {
  readonly begun: boolean;
  readonly announced: boolean;
  readonly left: readonly Promise<void>[];
  readonly effects: readonly (() => void)[];
  /** Of the first statement that failed. */
  readonly failure: unknown;
}

export class Tx {
  private failure: unknown;
  private begun = false;
  private over = false;
  private isAnnounced = false;
  private readonly after: (() => void)[] = [];
  private readonly left: Promise<void>[] = [];

  constructor(
    private readonly link: Link,
    private readonly kind: 'write' | 'read' = 'write',
  ) {}

  /** Runs SQL; rows as objects, references that point at nothing as null. */
  async query<R = Loose>(sql: string, params: readonly unknown[] = []): Promise<R[]> {
    const { rows } = await this.send(statement(sql), () => this.link.objects<R>(statement(sql), params));
    return rows;
  }

  /**
   * SQL whose answer nothing of this transaction depends on: it goes out with the commit and makes it fail when it fails.
   * With `missed` it must also find a row, or the transaction is undone with that error.
   */
  leave(sql: string, params: readonly unknown[] = [], missed?: () => Error): void {
    const text = statement(missed ? `WITH found AS (${sql}) SELECT 1 / count(*) AS some FROM found` : sql);
    this.leaveRun(text, params, missed);
  }

  /** The object as it is now; HANDLE_INVALID when there is none. */
  async get<N extends ClassName>(cls: N, ref: Ref<N>): Promise<Row<N>> {
    const sql = sqlOf(cls);
    return this.one(cls, ref, await this.rows<N>(sql, sql.get, [ref]));
  }
  /** `get`, and nobody else changes it before this transaction ends. */
  async lock<N extends ClassName>(cls: N, ref: Ref<N>): Promise<Row<N>> {
    const sql = sqlOf(cls);
    return this.one(cls, ref, await this.rows<N>(sql, sql.lock, [ref]));
  }
  /** Every object whose fields have these values, ordered by reference. */
  async find<N extends ClassName>(cls: N, where: Partial<StoredRecord<N>>): Promise<Row<N>[]> {
    const sql = sqlOf(cls);
    return this.rows<N>(sql, ...sql.find(where));
  }
  /** Those that exist of these objects, in the order asked. */
  async getMany<N extends ClassName>(cls: N, refs: readonly string[]): Promise<Row<N>[]> {
    if (refs.length === 0) return [];
    const sql = sqlOf(cls);
    const found = new Map<string, Row<N>>(
      (await this.rows<N>(sql, sql.many, [refs])).map((row) => [row.ref, row]),
    );
    return refs.flatMap((ref) => found.get(ref) ?? []);
  }

  async insert<N extends ClassName>(cls: N, ref: Ref<N>, record: StoredRecord<N>): Promise<void> {
    await this.run(...sqlOf(cls).insert(ref, record));
  }
  async insertAll<N extends ClassName>(cls: N, objects: readonly Inserted<N>[]): Promise<void> {
    if (objects.length === 0) return;
    const sql = sqlOf(cls);
    await this.run(sql.insertAll, [`[${objects.map((o) => sql.json(o.ref, o)).join()}]`]);
  }
  /** HANDLE_INVALID when there is no such object. */
  async update<N extends ClassName>(cls: N, ref: Ref<N>, patch: Partial<StoredRecord<N>>): Promise<void> {
    const sql = sqlOf(cls).update(ref, patch);
    if (!sql) return;
    const { rowCount } = await this.run(...sql);
    if (rowCount === 0) throw new XenError('HANDLE_INVALID', cls, ref);
  }
  /** `update` that is not waited for; of an object that is gone it does nothing. */
  leaveUpdate<N extends ClassName>(cls: N, ref: Ref<N>, patch: Partial<StoredRecord<N>>): void {
    const sql = sqlOf(cls).update(ref, patch);
    if (sql) this.leaveRun(...sql);
  }
  /** In one statement for each set of fields, rows locked in the order of their references. */
  async updateMany<N extends ClassName>(cls: N, patches: readonly Patched<N>[]): Promise<void> {
    const present: Patch[] = patches.map((p) => ({ ...p }));
    for (const { sql, values, refs } of updateManySql(sqlOf(cls), present)) {
      const { rows } = await this.run(sql, values);
      if (rows.length < refs.length) throw new XenError('HANDLE_INVALID', cls, missing(refs, rows));
    }
  }
  /** HANDLE_INVALID when there is no such object. */
  async remove<N extends ClassName>(cls: N, ref: Ref<N>): Promise<void> {
    const { rowCount } = await this.run(sqlOf(cls).remove, [ref]);
    if (rowCount === 0) throw new XenError('HANDLE_INVALID', cls, ref);
  }

  /** Done once, after the commit; not when the transaction fails or is restarted. */
  afterCommit(effect: () => void): void {
    this.after.push(effect);
  }

  /** @internal For `inTransaction`. */
  get state(): TxState {
    return {
      begun: this.begun,
      announced: this.isAnnounced,
      left: this.left,
      effects: this.after,
      failure: this.failure,
    };
  }
  /** @internal Nothing may be sent any more. */
  end(): void {
    this.over = true;
  }

  private async rows<N extends ClassName>(
    sql: TableSql,
    text: Statement,
    values: readonly unknown[],
  ): Promise<Row<N>[]> {
    const { rows } = await this.send(text, () => this.link.arrays(text, values));
    return rows.map((values) => sql.row(values) as Row<N>);
  }
  private run(text: Statement, values: readonly unknown[]): Promise<Outcome<unknown[]>> {
    return this.send(text, () => this.link.arrays(text, values));
  }
  private leaveRun(text: Statement, values: readonly unknown[], missed?: () => Error): void {
    const left = this.run(text, values).then(
      () => undefined,
      (error: unknown) => Promise.reject(missed && isNone(error) ? missed() : error),
    );
    left.catch(() => undefined);
    this.left.push(left);
  }
  private one<N extends ClassName>(cls: N, ref: Ref<N>, rows: readonly Row<N>[]): Row<N> {
    const [row] = rows;
    if (!row) throw new XenError('HANDLE_INVALID', cls, ref);
    return row;
  }

  /** BEGIN goes out together with the first statement: it costs no round trip of its own. */
  private send<T>(text: Statement, query: () => Promise<T>): Promise<T> {
    if (this.over) throw new Error('the transaction is over');
    if (text.announced) this.isAnnounced = true;
    // Whatever makes BEGIN fail, a lost connection, fails the statement behind it too, and that is waited for.
    if (!this.begun) this.link.objects(begin[this.kind]).catch(() => undefined);
    this.begun = true;
    const sent = query();
    sent.catch((error: unknown) => this.failed(error));
    return sent;
  }
  private failed(error: unknown): void {
    const isRefusal = error instanceof Error && 'code' in error && error.code === inFailedTransaction;
    if (!isRefusal) this.failure ??= error;
  }
}

/** Division by zero: how a statement that found nothing fails. */
const isNone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '22012';

function missing(refs: readonly string[], rows: readonly unknown[][]): string {
  const found = new Set(rows.map(([ref]) => ref));
  return refs.find((ref) => !found.has(ref)) ?? '';
}
