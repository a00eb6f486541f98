/** The changes since a position. Recent ones are here in memory; older ones are in the change log. */
import { isClassName, type ClassName } from '@xenplane/model';
import { ahead, knows, type Position } from './position';
import type { Reader } from '../store';

/** The changes of one object between two positions, as one. */
export interface Change {
  readonly cls: ClassName;
  readonly ref: string;
  readonly op: 'add' | 'mod' | 'del';
  /** Of the last transaction that had to do with it. */
  readonly xid: bigint;
}
export interface Changes {
  readonly events: readonly Change[];
  readonly position: Position;
}

export type Op = 'a' | 'm' | 'd';
/** One row of the change log. */
export interface Logged {
  readonly xid: number;
  readonly seq: number;
  readonly cls: ClassName;
  readonly ref: string;
  readonly op: Op;
}
/** A subscription. Its scope says where to look, so that nothing else is looked through; it must hold all that the function says yes to. */
export interface Wants {
  (cls: ClassName, ref: string): boolean;
  readonly scope?: Scope;
}
export interface Scope {
  readonly classes: ReadonlySet<ClassName>;
  readonly objects: ReadonlyMap<ClassName, ReadonlySet<string>>;
}

/** All that happened to one object: whether it was made or deleted first and last, by row order, which for one object is commit order. */
interface Net {
  readonly cls: ClassName;
  readonly ref: string;
  xid: number;
  first: Op | undefined;
  last: Op | undefined;
  firstSeq: number;
  lastSeq: number;
}

/** Objects of these classes make no events, as in xapi: sessions and secrets are not for everybody, roles never change. */
export const silent: ReadonlySet<ClassName> = new Set<ClassName>(['session', 'secret', 'user', 'role']);
export const isOp = (text: unknown): text is Op => text === 'a' || text === 'm' || text === 'd';

/** Changes that may be sent, in the order of their transactions' numbers. */
export class Ring {
  private logged: Logged[] = [];
  /** From this transaction on nothing is missing. */
  start = 0;

  constructor(private readonly capacity: number) {}

  reset(start: number, logged: readonly Logged[]): void {
    this.logged = inOrderOfNumbers([...logged]);
    this.start = start;
  }

  /** A new entry is among the last or after them. */
  append(settled: readonly Logged[]): void {
    const first = settled.reduce((least, { xid }) => Math.min(least, xid), Infinity);
    const tail = this.logged.splice(this.indexOf(first));
    for (const one of inOrderOfNumbers([...tail, ...settled])) this.logged.push(one);
    if (this.logged.length < 2 * this.capacity) return;
    const cut = this.logged.length - this.capacity;
    // A transaction of which a part was cut off is no longer whole.
    this.start = (this.logged[cut - 1]?.xid ?? 0) + 1;
    this.logged = this.logged.slice(cut);
  }

  since(position: Position): Logged[] {
    return this.logged.slice(this.indexOf(position.base)).filter(({ xid }) => !knows(position, xid));
  }
  isAfter(position: Position): boolean {
    for (let i = this.indexOf(position.base); i < this.logged.length; i += 1)
      if (!knows(position, this.logged[i]?.xid ?? 0)) return true;
    return false;
  }
  /** Where a transaction's changes begin, or would. */
  private indexOf(xid: number): number {
    let low = 0,
      high = this.logged.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.logged[middle]?.xid ?? 0) < xid) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
const inOrderOfNumbers = (logged: Logged[]): Logged[] =>
  logged.sort((a, b) => a.xid - b.xid || a.seq - b.seq);

function netOf(logged: readonly Logged[], wants: Wants): Net[] {
  const nets = new Map<string, Net>();
  for (const { cls, ref, xid, seq, op } of logged) {
    if (!wants(cls, ref)) continue;
    const key = `${cls}/${ref}`;
    let net = nets.get(key);
    if (!net)
      nets.set(
        key,
        (net = { cls, ref, xid, first: undefined, last: undefined, firstSeq: Infinity, lastSeq: -1 }),
      );
    net.xid = Math.max(net.xid, xid);
    if (op === 'm') continue;
    if (seq < net.firstSeq) [net.first, net.firstSeq] = [op, seq];
    if (seq > net.lastSeq) [net.last, net.lastSeq] = [op, seq];
  }
  return [...nets.values()];
}

/** An object that was made and deleted again never was; one that is gone already, though its end is not settled, is sent when it is. */
function opOf({ first, last }: Pick<OldNet, 'first' | 'last'>, present: boolean): Change['op'] | undefined {
  const existed = first !== 'a',
    exists = last !== 'd';
  if (!exists) return existed ? 'del' : undefined;
  if (!present) return undefined;
  return existed ? 'mod' : 'add';
}
const rank: Readonly<Record<Change['op'], number>> = { add: 0, mod: 1, del: 2 };
const inOrder = (changes: Change[]): Change[] =>
  changes.sort((a, b) => rank[a.op] - rank[b.op] || Number(a.xid - b.xid));

export function coalesce(logged: readonly Logged[], wants: Wants, present: Wants): Change[] {
  return inOrder(netOf(logged, wants).flatMap((net) => changeOf(net, present)));
}
function changeOf(net: OldNet, present: Wants): Change[] {
  const op = opOf(net, present(net.cls, net.ref));
  return op ? [{ cls: net.cls, ref: net.ref, op, xid: BigInt(net.xid) }] : [];
}

export type OldNet = Readonly<Pick<Net, 'cls' | 'ref' | 'xid' | 'first' | 'last'>>;

interface OldRow {
  readonly cls: string;
  readonly ref: string;
  readonly xid: number;
  readonly first: string | null;
  readonly last: string | null;
  readonly floor: number;
}
const oldSql = `
SELECT c.cls, c.ref, c.xid, c.first, c.last, coalesce((SELECT (value #>> '{}')::bigint FROM setting WHERE key = 'change_floor'), 0) AS floor
FROM (SELECT 1) one LEFT JOIN (
  SELECT cls, ref, max(xid::text::bigint) AS xid, (array_agg(op ORDER BY seq) FILTER (WHERE op <> 'm'))[1] AS first, (array_agg(op ORDER BY seq DESC) FILTER (WHERE op <> 'm'))[1] AS last
  FROM change WHERE xid >= $1::text::xid8 AND xid <> ALL ($2::text[]::xid8[]) AND (xid < $3::text::xid8 OR xid = ANY ($4::text[]::xid8[])) GROUP BY cls, ref) c ON true`;

/** The changes of each object before the ring began, and whether the log still has all of them. */
export async function oldNets(
  reader: Reader,
  from: Position,
  to: Position,
): Promise<{ nets: OldNet[]; whole: boolean }> {
  const rows = await reader.query<OldRow>(oldSql, [
    String(from.base),
    ahead(from).map(String),
    String(to.base),
    ahead(to).map(String),
  ]);
  const nets = rows.flatMap(({ cls, ref, xid, first, last }) =>
    isClassName(cls) && !silent.has(cls)
      ? [{ cls, ref, xid, first: isOp(first) ? first : undefined, last: isOp(last) ? last : undefined }]
      : [],
  );
  return { nets, whole: from.base >= (rows[0]?.floor ?? 0) };
}
/** The same as changes, together with those that follow from them. */
export function oldChanges(
  nets: readonly OldNet[],
  followers: readonly Logged[],
  wants: Wants,
  present: Wants,
): Change[] {
  const merged = new Map<string, OldNet>(nets.map((net) => [`${net.cls}/${net.ref}`, net]));
  for (const { cls, ref, xid } of followers) {
    const net = merged.get(`${cls}/${ref}`);
    merged.set(`${cls}/${ref}`, {
      cls,
      ref,
      first: net?.first,
      last: net?.last,
      xid: Math.max(xid, net?.xid ?? 0),
    });
  }
  return inOrder(
    [...merged.values()].flatMap((net) => (wants(net.cls, net.ref) ? changeOf(net, present) : [])),
  );
}

/** For one who was away longer than the log is kept: every object may have changed. */
export function everything(
  known: readonly Change[],
  objects: Iterable<readonly [ClassName, string]>,
  xid: bigint,
): Change[] {
  const told = new Map(known.map((c) => [`${c.cls}/${c.ref}`, c]));
  for (const [cls, ref] of objects)
    if (!told.has(`${cls}/${ref}`)) told.set(`${cls}/${ref}`, { cls, ref, op: 'mod', xid });
  return inOrder([...told.values()]);
}
