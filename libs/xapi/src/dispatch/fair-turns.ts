/**
 * Turns of calls: so many are at work at a time, the others wait. Whose turn is next is decided between addresses first, then between
 * the users of one address, then between the sessions of one user: of each the one that has been given the least work so far. So one
 * client's many calls wait for one another, and hardly anybody else for them. What does not fit into the queues is turned away at once.
 */
import { XenError } from '@xenplane/model';
import { addressBlock } from '../people/login-throttle';

/** Calls that wait, of all together, of one address or user, and of one session. */
export interface Bounds {
  readonly waiting: number;
  readonly waitingOfOne: number;
  readonly waitingOfSession: number;
}
export interface Room extends Bounds {
  /** Calls at work. */
  readonly inside: number;
}
/** The caller, from the outside in: address, user, session. */
export type Caller = readonly [address: string, user: string, session: string];
export const callerOf = (
  address: string,
  { user, ref }: { readonly user: string; readonly ref: string },
): Caller => [addressBlock(address), user, ref];

interface Counted {
  readonly waiting: number;
  readonly groups: ReadonlyMap<string, Counted>;
}
/** TOO_BUSY when all together, the caller's address, user or session have as many calls waiting as they may. */
function assertBelow(
  { waiting, waitingOfOne, waitingOfSession }: Bounds,
  all: Counted,
  caller: Caller,
): void {
  let group: Counted | undefined = all;
  for (const [i, limit] of [waiting, waitingOfOne, waitingOfOne, waitingOfSession].entries()) {
    if (!group) return;
    if (group.waiting >= limit) throw new XenError('TOO_BUSY');
    group = group.groups.get(caller[i] ?? '');
  }
}

class Count {
  readonly groups = new Map<string, Count>();
  waiting = 0;
}
/** Calls that wait all together, each address, user and session with no more than its share of the places. */
export class Shares {
  private readonly all = new Count();

  constructor(private readonly bounds: Bounds) {}

  get waiting(): number {
    return this.all.waiting;
  }
  /** TOO_BUSY when a call of this one would not be let in. */
  assertRoom(caller: Caller): void {
    assertBelow(this.bounds, this.all, caller);
  }
  /** TOO_BUSY for a call too many. What it answers gives the place back, and is called once. */
  enter(caller: Caller): () => void {
    this.assertRoom(caller);
    const path: [string, Count, Count][] = [];
    let group = this.all;
    for (const name of caller) {
      const within: Count = group.groups.get(name) ?? new Count();
      group.groups.set(name, within);
      path.push([name, group, within]);
      group = within;
      within.waiting += 1;
    }
    this.all.waiting += 1;
    return () => {
      this.all.waiting -= 1;
      for (const [name, parent, within] of path) if ((within.waiting -= 1) === 0) parent.groups.delete(name);
    };
  }
}

interface Waiting {
  readonly cost: number;
  readonly begin: () => void;
}
/** An address, a user of it, or a session of that, with the calls that wait there or further in. */
class Group {
  readonly groups = new Map<string, Group>();
  readonly calls: Waiting[] = [];
  waiting = 0;
  /** The work that it was given, counted on from where the others were when it came. */
  given = 0;

  /** The one among those that wait that was given the least. */
  next(): readonly [string, Group] | undefined {
    let found: readonly [string, Group] | undefined;
    for (const one of this.groups)
      if (one[1].waiting > 0 && (!found || one[1].given < found[1].given)) found = one;
    return found;
  }
  /** A newcomer has neither saved up nor owes anything. */
  group(name: string): Group {
    const found = this.groups.get(name);
    if (found) return found;
    const made = new Group();
    made.given = this.reached;
    this.groups.set(name, made);
    return made;
  }
  /** The cost at which the caller that was served last stood before. */
  reached = 0;

  /** Whoever has left the queue is remembered until the others have caught up, so that leaving it for a moment pays nobody. */
  settle(name: string, served: Group): void {
    if (this.waiting === 0) this.groups.clear();
    else if (served.waiting === 0) {
      this.groups.delete(name);
      this.groups.set(name, served);
      for (const [other, { waiting, given }] of this.groups) {
        if (waiting > 0 || given > this.reached) return;
        this.groups.delete(other);
      }
    }
  }
}

export class FairTurns {
  private readonly all = new Group();
  private atWork = 0;

  constructor(private readonly room: Room) {}

  get waiting(): number {
    return this.all.waiting;
  }
  get inside(): number {
    return this.atWork;
  }

  /** Does the work when its turn has come. `release` lets the next one in before the work is done. TOO_BUSY for a call too many. */
  async through<T>(caller: Caller, cost: number, work: (release: () => void) => Promise<T>): Promise<T> {
    if (this.atWork < this.room.inside) this.atWork += 1;
    else await this.wait(caller, cost);
    let held = true;
    const release = (): void => {
      if (held) this.letIn();
      held = false;
    };
    try {
      return await work(release);
    } finally {
      release();
    }
  }

  /** TOO_BUSY when a call of this one would not be let in to wait. */
  assertRoom(caller: Caller): void {
    if (this.atWork >= this.room.inside) assertBelow(this.room, this.all, caller);
  }

  private wait(caller: Caller, cost: number): Promise<void> {
    this.assertRoom(caller);
    const path = [this.all];
    for (const name of caller) path.push((path.at(-1) ?? this.all).group(name));
    for (const group of path) group.waiting += 1;
    return new Promise((begin) => path.at(-1)?.calls.push({ cost, begin }));
  }

  /** The slot goes to the next call, or is free. */
  private letIn(): void {
    const path: (readonly [string, Group])[] = [];
    for (let next = this.all.next(); next; next = next[1].next()) path.push(next);
    const call = path.at(-1)?.[1].calls.shift();
    if (!call) {
      this.atWork -= 1;
      return;
    }
    let parent = this.all;
    this.all.waiting -= 1;
    for (const [name, group] of path) {
      parent.reached = group.given;
      group.given += call.cost;
      group.waiting -= 1;
      parent.settle(name, group);
      parent = group;
    }
    call.begin();
  }
}
