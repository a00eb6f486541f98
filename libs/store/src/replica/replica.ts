/**
 * The objects of all classes in memory, always as the database has them. Reads are answered and events are made from the same
 * objects: the event of one object never shows a newer state than the events of the others.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { classNames, type ClassName, type Ref, type XenRecord } from '@xenplane/model';
import type { Derivations } from './derivations';
import {
  coalesce,
  everything,
  oldChanges,
  oldNets,
  Ring,
  silent,
  type Change,
  type Changes,
  type Logged,
  type Scope,
  type Wants,
} from './events';
import type { Link } from '../transaction/link';
import { beginning, knows, ofSnapshot, union, type Position } from './position';
import { Feed } from './feed';
import { Objects, type Entry, type Pointer } from './object-index';
import { DerivedChanges, type ChangedObject } from './derived-changes';
import { planOf, rowsInSlice } from './pull-plan';
import { endedHere, fetchRows, loadAll, pullRows, type Fetched } from './rows';
import { Texts, type JsonText } from './record-text';
import { inSlices, slices } from './slices';
import type { Store } from '../store';
import { isStored, tables, type Row } from '../schema/tables';
import { Waiters } from './waiters';

type Loose = Readonly<Record<string, unknown>>;
export interface ReplicaOptions {
  readonly derivations?: Derivations<Replica>;
  /** The JSON text of a record; injected, since the store knows no wire. */
  readonly encode: (cls: ClassName, record: Loose) => string;
  /** For a process that answers no reads: nothing is loaded and nothing followed. */
  readonly idle?: boolean;
  /** How many recent changes are kept at hand for events. */
  readonly recent?: number;
}
const defaultRecent = 100_000;
/** So much of an answer is made before others have their turn. */
const firstMs = 1;
const mostRecentRecords = 2_000;

export class Replica {
  private objects = new Objects();
  private texts = new Texts((entry) => this.encode(entry));
  private readonly ring: Ring;
  private readonly waiters = new Waiters();
  private readonly movers = new Waiters();
  /** How often anything was taken in. */
  private moves = 0;
  private readonly feed: Feed;
  /** Visible already, but a transaction that began long before is still under way: no position can name it yet. */
  private pending: Logged[] = [];
  /** The position of the last pull; none before the first load. */
  private snapshot: string | undefined;
  private reached = beginning;
  /** Full records that were asked for lately: many subscribers ask for the same. */
  private readonly records = new Map<Entry, Loose>();
  private readonly looks: DerivedChanges<Replica>;

  private constructor(
    private readonly store: Store,
    private readonly options: ReplicaOptions,
  ) {
    this.ring = new Ring(options.recent ?? defaultRecent);
    this.feed = new Feed(store, this);
    this.looks = new DerivedChanges<Replica>(options.derivations ?? {}, this);
  }

  static async start(store: Store, options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(store, options);
    if (!options.idle) await replica.feed.start();
    return replica;
  }
  async stop(): Promise<void> {
    await this.feed.stop();
    this.waiters.release();
    this.movers.release();
  }

  // Reading.

  /** Resolves when everything that was committed before the call, by anyone, is here. */
  fresh(): Promise<void> {
    return this.options.idle ? Promise.reject(new Error('this process keeps no replica')) : this.feed.fresh();
  }
  /** The same for reads, which may wait for one another while changes take long to come in. */
  freshForReaders(): Promise<void> {
    return this.options.idle ? this.fresh() : this.feed.freshForReaders();
  }
  has(cls: ClassName, ref: string): boolean {
    return this.objects.has(cls, ref);
  }
  refs<N extends ClassName>(cls: N): IterableIterator<Ref<N>> {
    return this.objects.refs(cls);
  }
  count(cls: ClassName): number {
    return this.objects.count(cls);
  }
  /** How many objects each table has, by the class's name in lower case. */
  counts(): Record<string, number> {
    return Object.fromEntries(tables.map(({ cls, name }) => [name, this.objects.count(cls)]));
  }
  byUuid<N extends ClassName>(cls: N, uuid: string): Ref<N> | undefined {
    return this.objects.byUuid(cls, uuid);
  }
  byNameLabel<N extends ClassName>(cls: N, label: string): readonly Ref<N>[] {
    return this.objects.byLabel(cls, label);
  }
  /** The stored fields. */
  stored<N extends ClassName>(cls: N, ref: string): Readonly<Row<N>> | undefined {
    return this.objects.stored(cls, ref);
  }
  /** The objects that point at an object; `source` is `Class.field`, a field that a set is computed from or that a foreign key keeps. */
  pointingAt(source: string, target: string): readonly string[] {
    return this.objects.pointingAt(source, target);
  }
  /** The whole record, with computed sets and derived fields. Nobody may write into it. */
  record<N extends ClassName>(cls: N, ref: Ref<N>): Readonly<XenRecord<N>> | undefined {
    const entry = this.objects.entry(cls, ref);
    if (!entry) return undefined;
    const kept = this.records.get(entry);
    if (kept) return kept as Readonly<XenRecord<N>>;
    const made = this.whole(cls, ref);
    if (made) this.keep(entry, made);
    return made;
  }
  private whole<N extends ClassName>(cls: N, ref: string): XenRecord<N> | undefined {
    const record = this.objects.related(cls, ref),
      derive = this.options.derivations?.[cls]?.derive;
    return record && derive ? { ...record, ...derive(record, ref, this) } : record;
  }
  private keep(entry: Entry, record: Loose): void {
    const [oldest] = this.records.size >= mostRecentRecords ? this.records.keys() : [];
    if (oldest) this.records.delete(oldest);
    this.records.set(entry, record);
  }

  /** The JSON text of a record; empty when there is no such object. */
  fragment<N extends ClassName>(cls: N, ref: Ref<N>): string {
    const entry = this.objects.entry(cls, ref);
    return entry ? this.texts.of(entry) : '';
  }
  /** `"ref":{...},"ref":{...}` of all objects of a class as they are now, in blocks that later changes do not reach; between two belongs a comma. */
  allRecords(cls: ClassName): readonly Buffer[] {
    return this.texts.all(cls);
  }
  /** Makes the texts that `allRecords` needs, letting others have their turn; without it the first call makes them all at once. */
  async prepare(cls: ClassName): Promise<void> {
    const isOver = slices.allowance(firstMs);
    if (this.texts.prepareSome(cls, isOver)) return;
    do await slices.next();
    while (!this.texts.prepareSome(cls, () => slices.isOver));
  }
  /** The same for single objects. */
  async prepareAll(objects: Iterable<Pointer>): Promise<void> {
    for await (const { cls, ref } of inSlices(objects)) this.text(cls, ref);
  }
  /** The JSON text of a record as it is now, not copied where it lies ready; empty when there is no such object. */
  text(cls: ClassName, ref: string): JsonText {
    const entry = this.objects.entry(cls, ref);
    return entry ? this.texts.ready(entry) : '';
  }
  private encode({ cls, ref }: Entry): string {
    return this.options.encode(cls, this.whole(cls, ref) ?? {});
  }

  // Events.

  /** The position up to which changes have been taken in and may be sent. */
  position(): Position {
    return this.reached;
  }
  /** The changes since a position, each object once; the beginning is before everything, one from the future has nothing after it. */
  async changesSince(position: Position, wants: Wants): Promise<Changes> {
    const to = this.reached;
    return { events: await this.changesBetween(position, to, wants), position: union(position, to) };
  }
  private async changesBetween(from: Position, to: Position, wants: Wants): Promise<readonly Change[]> {
    const present = (cls: ClassName, ref: string): boolean => this.objects.has(cls, ref);
    if (from.base <= 0)
      return [...this.settled(wants)].map(([cls, ref]) => ({
        cls,
        ref,
        op: 'add',
        xid: BigInt(to.base - 1),
      }));
    if (from.base >= this.ring.start) return coalesce(this.ring.since(from), wants, present);
    const { nets, whole } = await oldNets(this.store, from, to);
    const events = oldChanges(nets, await this.looks.presume(nets), wants, present);
    return whole ? events : everything(events, this.settled(wants), BigInt(to.base - 1));
  }
  /** Objects that readers of events may know of: those whose making is settled. */
  private *settled(wants: Wants): Iterable<readonly [ClassName, string]> {
    const coming = new Set(this.pending.filter((p) => p.op === 'a').map((p) => `${p.cls}/${p.ref}`));
    for (const cls of classNames) {
      if (silent.has(cls) || !isStored(cls)) continue;
      for (const ref of this.within(cls, wants.scope))
        if (wants(cls, ref) && !coming.has(`${cls}/${ref}`)) yield [cls, ref];
    }
  }
  /** Single objects are looked up, not looked for. */
  private within(cls: ClassName, scope: Scope | undefined): Iterable<string> {
    if (!scope || scope.classes.has(cls)) return this.objects.refs(cls);
    return [...(scope.objects.get(cls) ?? [])].filter((ref) => this.objects.has(cls, ref));
  }
  /** Resolves when a subscribed change after the position may be sent, when the time is over, or when the signal says so. */
  waitForChange(position: Position, timeoutMs: number, signal?: AbortSignal, wants?: Wants): Promise<void> {
    const concerns = ({ xid, cls, ref }: Logged): boolean =>
      !knows(position, xid) && (!wants || wants(cls, ref));
    return this.waiters.wait(
      (news) => (news ? news.some(concerns) : this.ring.isAfter(position)),
      timeoutMs,
      signal,
    );
  }
  /** Resolves at the next change here, for who looks at a record and not at events. */
  waitForMove(timeoutMs: number, signal?: AbortSignal, wants?: Wants): Promise<void> {
    const { moves } = this;
    return this.movers.wait(
      (news) => this.moves > moves && (!news || !wants || news.some(({ cls, ref }) => wants(cls, ref))),
      timeoutMs,
      signal,
    );
  }

  // Following the database: called by the feed.

  /** @internal */
  async begin(link: Link): Promise<void> {
    if (this.snapshot !== undefined && !(await this.isCut(link))) return;
    const objects = new Objects(),
      texts = new Texts((entry) => this.encode(entry));
    const load = await loadAll(link, this.options.recent ?? defaultRecent, (cls, rows) => {
      for (const values of rows) {
        const row = objects.rowOf(cls, values);
        objects.put(cls, row);
        const entry = objects.entry(cls, String(row['ref']));
        if (entry) texts.add(entry);
      }
    });
    this.objects = objects;
    this.texts = texts;
    this.records.clear();
    this.ring.reset(load.start, []);
    this.pending = [];
    this.snapshot = load.snapshot;
    this.reached = ofSnapshot(load.snapshot);
    this.settle([...load.logged, ...(await this.looks.presume(load.logged))]);
    this.waiters.notify();
  }
  /** True if the log was pruned beyond our position while this process was away. */
  private async isCut(link: Link): Promise<boolean> {
    const { rows } = await link.objects<{ floor: number }>({
      text: `SELECT coalesce((SELECT (value #>> '{}')::bigint FROM setting WHERE key = 'change_floor'), 0) AS floor`,
      name: undefined,
      announced: false,
    });
    return (rows[0]?.floor ?? 0) > this.reached.base;
  }

  /** @internal */
  async pull(link: Link): Promise<boolean> {
    // Asked before the look, so that the look sees all that had ended then.
    const ended = this.pending.length > 0 ? await endedHere(link) : 0;
    let followers: readonly Logged[] = [];
    const { snapshot, logged } = await pullRows(link, this.snapshot ?? '', async (seen) => {
      followers = await this.takeIn(link, seen);
    });
    this.snapshot = snapshot;
    this.reached = ofSnapshot(snapshot, Math.max(ended, this.reached.base));
    const news = [...logged, ...followers];
    if (news.length > 0) {
      this.moves += 1;
      this.movers.notify(news);
    }
    this.settle(news);
    return this.pending.length > 0;
  }

  /** Answers the changes that follow from those that were seen. */
  private async takeIn(link: Link, logged: readonly Logged[]): Promise<Logged[]> {
    const { gone, slices } = await planOf(logged),
      turned: ChangedObject[] = [];
    for (const slice of slices) {
      const all = await Promise.all(slice.map(({ cls, refs }) => fetchRows(link, cls, refs)));
      for (const fetched of all) turned.push(...this.takeRows(fetched));
      if (slices.length > 1) await turn();
    }
    for (const [i, { cls, ref }] of gone.entries()) {
      turned.push(...this.change(cls, ref, undefined));
      if (i % rowsInSlice === rowsInSlice - 1) await turn();
    }
    const followers = await this.looks.follow(turned, logged);
    for (const follower of followers) this.spoil(follower);
    return followers;
  }
  private takeRows({ cls, asked, rows }: Fetched): ChangedObject[] {
    const found = new Set<string>();
    const turned = rows.flatMap((values) => {
      const row = this.objects.rowOf(cls, values),
        ref = String(row['ref']);
      found.add(ref);
      return this.change(cls, ref, row);
    });
    if (found.size < asked.length)
      for (const ref of asked) if (!found.has(ref)) turned.push(...this.change(cls, ref, undefined));
    return turned;
  }

  /** One object has a new row, or none any more. Its text is stale, and so are those of the objects that it points to or pointed to. */
  private change(cls: ClassName, ref: string, row: Loose | undefined): ChangedObject[] {
    const was = this.objects.entry(cls, ref)?.row;
    if (row) {
      const isNew = !this.objects.put(cls, row),
        entry = this.objects.entry(cls, ref);
      if (entry && isNew) this.texts.add(entry);
    } else {
      const entry = this.objects.drop(cls, ref);
      if (entry) this.texts.remove(entry);
      if (entry) this.records.delete(entry);
    }
    for (const one of [was, row])
      for (const pointer of one ? this.objects.targets(cls, one) : []) this.spoil(pointer);
    this.spoil({ cls, ref });
    return this.looks.concern(cls) ? [{ cls, ref, was, is: row }] : [];
  }
  private spoil({ cls, ref }: Pointer): void {
    const entry = this.objects.entry(cls, ref);
    if (!entry) return;
    this.texts.spoil(entry);
    this.records.delete(entry);
  }

  private settle(logged: readonly Logged[]): void {
    const all = [...this.pending, ...logged.filter(({ cls }) => !silent.has(cls))],
      news = all.filter(({ xid }) => knows(this.reached, xid));
    this.pending = all.filter(({ xid }) => !knows(this.reached, xid));
    if (news.length === 0) return;
    this.ring.append(news);
    this.waiters.notify(news);
  }
}
