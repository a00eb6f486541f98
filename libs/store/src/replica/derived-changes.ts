/**
 * A derived field changes with the objects that it looks at, and no row of its own is written then. So each object that looks
 * at a changed one is given a change as well, under the number of the same transaction: every replica finds the same ones from
 * its index, whoever resumes from a token is shown them, and a start of a VM writes nothing more for its devices.
 *
 * The index after the change is enough to find them: where a reference on the way has gone meanwhile, its own change leads to
 * the object at its other end.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { ClassName } from '@xenplane/model';
import type { Derivations, Look } from './derivations';
import type { Logged } from './events';

type Loose = Readonly<Record<string, unknown>>;
/** The objects of the replica. */
interface Objects {
  has(cls: ClassName, ref: string): boolean;
  stored(cls: ClassName, ref: string): Loose | undefined;
}
/** One object before and after the changes of one pull. */
export interface ChangedObject {
  readonly cls: ClassName;
  readonly ref: string;
  readonly was: Loose | undefined;
  readonly is: Loose | undefined;
}
type Known = Pick<Logged, 'cls' | 'ref' | 'xid'>;
interface Touched {
  readonly cls: ClassName;
  readonly ref: string;
  readonly xids: Set<number>;
}

const atOnce = 500;
const keyOf = ({ cls, ref }: Pick<Logged, 'cls' | 'ref'>): string => `${cls}/${ref}`;
const isSame = (one: unknown, other: unknown): boolean =>
  one === other ||
  (typeof one === 'object' && typeof other === 'object' && JSON.stringify(one) === JSON.stringify(other));
const differs = ({ was, is }: ChangedObject, { fields }: Pick<Look<unknown>, 'fields'>): boolean =>
  !was || !is || fields.some((field) => !isSame(was[field], is[field]));

/** Changes that follow from others, each once for a transaction. */
class DerivedChangeList<View extends Objects> {
  readonly found = new Map<string, Logged>();

  constructor(private readonly view: View) {}

  add(look: Look<View>, { cls, ref, was, is }: ChangedObject, xids: Iterable<number>): void {
    const rows = [was, is].filter((row) => row !== undefined);
    const lookers = (rows.length === 0 ? [{}] : rows).flatMap((row) => look.by(row, ref, this.view));
    for (const [to, at] of lookers) {
      if (!this.view.has(to, at) || (to === cls && at === ref)) continue;
      for (const xid of xids)
        this.found.set(`${xid} ${to}/${at}`, { xid, seq: 0, cls: to, ref: at, op: 'm' });
    }
  }
}

export class DerivedChanges<View extends Objects> {
  constructor(
    private readonly derivations: Derivations<View>,
    private readonly view: View,
  ) {}

  concern(cls: ClassName): boolean {
    return this.derivations[cls]?.looks !== undefined;
  }

  /**
   * The changes that follow from those of one pull. Of an object that several transactions have changed it is not known what it was
   * between them, so that all that is looked at counts as changed by each.
   */
  async follow(turned: readonly ChangedObject[], logged: readonly Logged[]): Promise<Logged[]> {
    const touched = this.touched(logged),
      followers = new DerivedChangeList(this.view);
    for (const [i, one] of turned.entries()) {
      const xids = touched.get(keyOf(one))?.xids ?? new Set<number>();
      for (const look of this.derivations[one.cls]?.looks ?? [])
        if (differs(one, look) || (xids.size > 1 && !look.seldom)) followers.add(look, one, xids);
      if (i % atOnce === atOnce - 1) await turn();
    }
    return [...followers.found.values()];
  }

  /** The changes that may have followed from others of which only the log is left. */
  async presume(logged: readonly Known[]): Promise<Logged[]> {
    const followers = new DerivedChangeList(this.view);
    for (const [i, { cls, ref, xids }] of [...this.touched(logged).values()].entries()) {
      const one = { cls, ref, was: undefined, is: this.view.stored(cls, ref) };
      for (const look of this.derivations[cls]?.looks ?? []) if (!look.seldom) followers.add(look, one, xids);
      if (i % atOnce === atOnce - 1) await turn();
    }
    return [...followers.found.values()];
  }

  /** Each object that is looked at, with the transactions that changed it. */
  private touched(logged: readonly Known[]): Map<string, Touched> {
    const all = new Map<string, Touched>();
    for (const { cls, ref, xid } of logged) {
      if (!this.concern(cls)) continue;
      const key = keyOf({ cls, ref }),
        known = all.get(key);
      if (known) known.xids.add(xid);
      else all.set(key, { cls, ref, xids: new Set([xid]) });
    }
    return all;
  }
}
