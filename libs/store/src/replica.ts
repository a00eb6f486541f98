/** All objects of the pool in the memory of one process, as fresh as every read needs it. Lists, records and events are served from here. */
import { setImmediate as breathe } from 'node:timers/promises';
import { classNamed, isNullRef, type ClassName, type Ref, type XenRecord } from '@xenplane/model';
import { Feed, type Pulled } from './feed';
import { History, type Change, type LoggedChange, type Wants } from './history';
import { Relations } from './relations';
import { Shelf } from './shelf';
import type { Store } from './store';
import { fromSql, table, tables, type SqlRow } from './tables';

export interface Derivation {
  /** The fields that are not stored, from the record and what else is known. */
  derive(record: Readonly<Record<string, unknown>>, ref: string, view: Replica): Readonly<Record<string, unknown>>;
  /** Other objects whose derived fields follow from this one. */
  stales?(record: Readonly<Record<string, unknown>>, ref: string, view: Replica): readonly (readonly [ClassName, string])[];
}
export type Derivations = Partial<Record<ClassName, Derivation>>;
export interface ReplicaOptions {
  readonly derivations: Derivations;
  readonly encode: (cls: ClassName, record: Readonly<Record<string, unknown>>) => string;
  /** Loads and follows nothing: for processes that answer no reads. */
  readonly idle?: boolean;
}

/** Rows fetched and applied before other calls get their turn. */
const slice = 400;

export class Replica {
  private readonly shelves = new Map<ClassName, Shelf>();
  private readonly relations = new Relations();
  private readonly history = new History();
  private readonly feed: Feed;
  private readonly waiting = new Set<() => void>();

  private constructor(
    private readonly store: Store,
    private readonly options: ReplicaOptions,
  ) {
    for (const cls of tables.keys()) this.shelves.set(cls, new Shelf(cls));
    this.feed = new Feed(store, (pulled) => this.apply(pulled));
  }

  static async start(store: Store, options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(store, options);
    if (!options.idle) await replica.load();
    return replica;
  }

  stop(): Promise<void> {
    this.wakeAll();
    return this.feed.stop();
  }

  /** The position first, then the rows: what changes in between is in the log and is applied again. */
  private async load(): Promise<void> {
    const [start] = await this.store.query<{ horizon: string; floor: string | null }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon, (SELECT min(xid)::text FROM change) AS floor',
    );
    const horizon = BigInt(start?.horizon ?? 0);
    this.history.startAt(BigInt(start?.floor ?? horizon));
    const past = await this.store.query<{ xid: string; cls: ClassName; ref: string; op: LoggedChange['op'] }>(
      'SELECT xid::text AS xid, cls, ref, op FROM change WHERE xid < $1::xid8 ORDER BY change.xid, change.seq',
      [String(horizon)],
    );
    this.history.append(past.map((c) => ({ ...c, xid: BigInt(c.xid) })));
    for (const cls of tables.keys()) await this.fetch(cls, undefined);
    await this.feed.start(horizon);
  }

  // ---- what is known

  /** Resolves when all that was committed before the call can be read here. */
  fresh(): Promise<void> {
    return this.feed.caughtUp();
  }
  has(cls: ClassName, ref: string): boolean {
    return this.shelf(cls).rows.has(ref);
  }
  refs<N extends ClassName>(cls: N): Iterable<Ref<N>> {
    return this.shelf(cls).rows.keys() as Iterable<Ref<N>>;
  }
  count(cls: ClassName): number {
    return this.shelf(cls).rows.size;
  }
  /** Objects by class, names in lower case, as event.from tells them. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.shelves].map(([cls, { rows }]) => [cls.toLowerCase(), rows.size]));
  }
  byUuid<N extends ClassName>(cls: N, uuid: string): Ref<N> | undefined {
    return this.shelf(cls).byUuid(uuid) as Ref<N> | undefined;
  }
  byNameLabel<N extends ClassName>(cls: N, label: string): readonly Ref<N>[] {
    return this.shelf(cls).byLabel(label) as readonly Ref<N>[];
  }
  /** What is stored of an object; computed and derived fields are not in it. */
  stored<N extends ClassName>(cls: N, ref: string): XenRecord<N> | undefined {
    return this.shelf(cls).rows.get(ref) as XenRecord<N> | undefined;
  }
  /** Who points at the target; `source` is `Class.field`. */
  pointingAt(source: string, target: string): readonly string[] {
    return this.relations.pointingAt(source, target);
  }

  /** The whole record: stored fields, computed sets, derived fields. */
  record<N extends ClassName>(cls: N, ref: Ref<N>): XenRecord<N> | undefined {
    const row = this.shelf(cls).rows.get(ref);
    if (!row) return undefined;
    const record: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(classNamed(cls).fields))
      record[name] = field.inverse ? this.relations.pointingAt(field.inverse, ref) : row[name];
    return { ...record, ...this.options.derivations[cls]?.derive(row, ref, this) } as XenRecord<N>;
  }
  /** The record's JSON. The object must be there. */
  fragment<N extends ClassName>(cls: N, ref: Ref<N>): string {
    return this.shelf(cls).fragment(ref, () => this.options.encode(cls, this.record(cls, ref) ?? {}));
  }
  /** The members of a JSON object with every record of the class, in parts. */
  allRecords(cls: ClassName): string[] {
    const chunks: string[] = [];
    for (const ref of this.refs(cls)) chunks.push(`${chunks.length === 0 ? '' : ','}"${ref}":`, this.fragment(cls, ref));
    return chunks;
  }

  // ---- what has happened

  /** All that was settled before it is below; every later change is told at or above it. */
  position(): bigint {
    return this.feed.horizon;
  }

  /** What happened since a position, one change an object, and where to go on. Position 0, or one that is older than what is kept: everything there is. */
  async changesSince(position: bigint, wants: Wants): Promise<{ events: readonly Change[]; position: bigint }> {
    const until = this.feed.horizon;
    if (position > until) return { events: [], position };
    const events = position > 0n && this.history.knows(position) ? this.history.since(position, wants) : this.everything(wants, until);
    return { events, position: until };
  }

  /** Resolves when something was settled at or after the position, or the time is over. */
  async waitForChange(position: bigint, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.history.last < position && performance.now() < deadline && !signal?.aborted) await this.waitForMove(deadline - performance.now(), signal);
  }

  /** Resolves at the next change of anything here, settled or not, or when the time is over. */
  waitForMove(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, timeoutMs));
      this.waiting.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Single objects are looked up, not looked for. */
  private everything({ everything, classes, objects }: Wants, xid: bigint): Change[] {
    const found: Change[] = [];
    for (const [cls, { rows }] of this.shelves) {
      const refs = everything || classes.has(cls) ? rows.keys() : (objects.get(cls) ?? []);
      for (const ref of refs) if (rows.has(ref)) found.push({ cls, ref, op: 'add', xid });
    }
    return found;
  }

  // ---- how it follows

  private async apply({ fresh, settled }: Pulled): Promise<void> {
    const changed = new Map<ClassName, Set<string>>();
    for (const { cls, ref } of fresh) {
      const refs = changed.get(cls) ?? new Set<string>();
      refs.add(ref);
      changed.set(cls, refs);
    }
    await Promise.all([...changed].map(([cls, refs]) => this.refetch(cls, [...refs])));
    this.history.append(settled);
    if (fresh.length > 0 || settled.length > 0) this.wakeAll();
  }

  private async refetch(cls: ClassName, refs: readonly string[]): Promise<void> {
    for (let at = 0; at < refs.length; at += slice) {
      if (at > 0) await breathe();
      await this.fetch(cls, refs.slice(at, at + slice));
    }
  }

  /** Takes the rows as they are now; those that were asked for and are gone go. */
  private async fetch(cls: ClassName, refs: readonly string[] | undefined): Promise<void> {
    const { name, columns } = table(cls);
    const where = refs ? ' WHERE ref = ANY($1)' : '';
    const rows = await this.store.query<SqlRow>(`SELECT * FROM "${name}"${where}`, refs ? [refs] : []);
    const present = new Set<string>();
    for (const row of rows) {
      const record = fromSql(columns, row);
      present.add(String(record['ref']));
      this.put(cls, String(record['ref']), record);
    }
    for (const ref of refs ?? []) if (!present.has(ref)) this.drop(cls, ref);
  }

  private put(cls: ClassName, ref: string, { ref: _ref, ...row }: SqlRow): void {
    const before = this.shelf(cls).put(ref, row);
    this.spread(cls, ref, before, row);
  }
  private drop(cls: ClassName, ref: string): void {
    const before = this.shelf(cls).delete(ref);
    if (before) this.spread(cls, ref, before, undefined);
  }

  /** Texts of other objects that this change has made old. */
  private spread(cls: ClassName, ref: string, before: SqlRow | undefined, after: SqlRow | undefined): void {
    for (const [owner, target] of this.relations.move(cls, ref, before, after)) this.shelf(owner).stale(target);
    const row = after ?? before;
    if (!row) return;
    for (const [owner, target] of this.options.derivations[cls]?.stales?.(row, ref, this) ?? []) if (!isNullRef(target)) this.shelf(owner).stale(target);
  }

  private wakeAll(): void {
    for (const done of [...this.waiting]) done();
  }
  private shelf(cls: ClassName): Shelf {
    const shelf = this.shelves.get(cls);
    if (!shelf) throw new Error(`class ${cls} is not kept`);
    return shelf;
  }
}
