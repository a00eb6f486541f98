/** Settled changes in commit order, as far back as they are kept: what happened since a position. */
import type { ClassName } from '@xenplane/model';

export interface LoggedChange {
  readonly xid: bigint;
  readonly cls: ClassName;
  readonly ref: string;
  readonly op: 'a' | 'm' | 'd';
}
export interface Change {
  readonly cls: ClassName;
  readonly ref: string;
  readonly op: 'add' | 'mod' | 'del';
  readonly xid: bigint;
}

/** What somebody wants to hear of: everything, whole classes, single objects. */
export interface Wants {
  readonly everything: boolean;
  readonly classes: ReadonlySet<ClassName>;
  readonly objects: ReadonlyMap<ClassName, ReadonlySet<string>>;
}
export const isWanted = (wants: Wants, cls: ClassName, ref: string): boolean =>
  wants.everything || wants.classes.has(cls) || wants.objects.get(cls)?.has(ref) === true;

const mostKept = 200_000;

export class History {
  private entries: LoggedChange[] = [];
  /** Changes below it are not known here. */
  private floor = 0n;

  /** From here on every change is told. */
  startAt(floor: bigint): void {
    this.floor = floor;
  }
  append(changes: readonly LoggedChange[]): void {
    for (const change of changes) this.entries.push(change);
    if (this.entries.length < 2 * mostKept) return;
    this.entries = this.entries.slice(-mostKept);
    this.floor = this.entries[0]?.xid ?? this.floor;
  }
  knows(position: bigint): boolean {
    return position >= this.floor;
  }
  get last(): bigint {
    return this.entries[this.entries.length - 1]?.xid ?? -1n;
  }

  /** One change an object: created since then is an add, deleted since then a del unless it was also created since then. */
  since(position: bigint, wants: Wants): Change[] {
    const found = new Map<string, { first: LoggedChange; last: LoggedChange }>();
    for (let i = this.firstAt(position); i < this.entries.length; i += 1) {
      const entry = this.entries[i];
      if (!entry || !isWanted(wants, entry.cls, entry.ref)) continue;
      const key = `${entry.cls} ${entry.ref}`;
      const seen = found.get(key);
      if (seen) seen.last = later(seen.last, entry);
      else found.set(key, { first: entry, last: entry });
      if (seen && entry.op === 'a') seen.first = entry;
    }
    return inOrder([...found.values()].flatMap(({ first, last }) => coalesced(first, last)));
  }

  private firstAt(position: bigint): number {
    let low = 0,
      high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.entries[middle]?.xid ?? 0n) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A deletion is the end whatever follows it in the numbering: references are never used again. */
const later = (a: LoggedChange, b: LoggedChange): LoggedChange => (a.op === 'd' ? { ...a, xid: b.xid } : b);

function coalesced(first: LoggedChange, last: LoggedChange): Change[] {
  const { cls, ref, xid } = last;
  if (last.op === 'd') return first.op === 'a' ? [] : [{ cls, ref, xid, op: 'del' }];
  return [{ cls, ref, xid, op: first.op === 'a' ? 'add' : 'mod' }];
}

const rank = { add: 0, mod: 1, del: 2 };
const inOrder = (changes: Change[]): Change[] => changes.sort((a, b) => rank[a.op] - rank[b.op] || (a.xid < b.xid ? -1 : a.xid > b.xid ? 1 : 0));
