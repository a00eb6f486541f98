/** Events, served from the replica: waiting costs nothing, and a token is a position in it. */
import {
  asRef,
  isClassName,
  XenError,
  type AnyRecord,
  type CallsOf,
  type classes,
  type EventBatch,
  type EventRecord,
} from '@xenplane/model';
import {
  asToken,
  inTransaction,
  ofToken,
  type Change,
  type Changes,
  type Position,
  type Replica,
} from '@xenplane/store';
import { textOf } from '@xenplane/wire';
import type { Outside, Plane, Session } from '../core/context';
import type { Sessions } from './sessions';
import { longestWaitSeconds, readyChanges, sessionOf, wantsOf, whileOpen } from './subscriptions';
import { registeredClasses, setRegisteredClasses } from '../tables/sessions/sessions';

function fromToken(token: string): Position {
  const position = ofToken(token);
  if (!position) throw new XenError('EVENT_FROM_TOKEN_PARSE_FAILURE', token);
  return position;
}

function record(replica: Replica, change: Change, timestamp: string): EventRecord {
  const common = {
    id: String(change.xid),
    timestamp,
    class: change.cls.toLowerCase(),
    operation: change.op,
    ref: change.ref,
  };
  if (change.op === 'del') return common;
  const snapshot = replica.text(change.cls, change.ref);
  return snapshot.length > 0 ? { ...common, snapshot } : { ...common, operation: 'del' };
}

/** Messages come first, then what was added, changed, deleted. */
const inOrder = (changes: readonly Change[]): Change[] => [
  ...changes.filter((c) => c.cls === 'message'),
  ...changes.filter((c) => c.cls !== 'message'),
];

function batch(replica: Replica, changes: readonly Change[], position: Position): EventBatch {
  const { message: _messages, ...counts } = replica.counts();
  return {
    events: inOrder(changes).map((c) => record(replica, c, '0.0')),
    valid_ref_counts: counts,
    token: asToken(position),
  };
}

/** Events in a batch, and batches, that are kept for others. */
const mostShared = 500;
/**
 * Readers that ask the same from the same position share one batch: it is put together, and written, once for all of them.
 * The key holds every text apart from the next: a client may put any character into them.
 */
class Batches {
  private upTo = '';
  private readonly made = new Map<string, EventBatch>();

  of(replica: Replica, { events, position }: Changes, asked: readonly string[]): EventBatch {
    const upTo = [replica.position(), position].map(asToken).join(),
      key = JSON.stringify(asked);
    if (upTo !== this.upTo || this.made.size >= mostShared) this.made.clear();
    this.upTo = upTo;
    const found = this.made.get(key) ?? batch(replica, events, position);
    if (events.length <= mostShared) this.made.set(key, found);
    return found;
  }
}

function seconds(value: number): number {
  if (!Number.isFinite(value)) throw new XenError('EVENT_SUBSCRIPTION_PARSE_FAILURE', `timeout ${value}`);
  return value;
}

async function inject(plane: Plane, cls: string, ref: string): Promise<string> {
  if (!isClassName(cls)) throw new XenError('HANDLE_INVALID', cls, ref);
  await plane.replica.fresh();
  const before = plane.replica.position();
  await inTransaction(plane.store, async (tx) => {
    await tx.get(cls, asRef(ref));
    await tx.query("INSERT INTO change(cls, ref, op) VALUES ($1, $2, 'm')", [cls, ref]);
  });
  return asToken(before);
}

/** The older way: what a session has registered for is kept with it, and so is how far it has read. */
interface Registered {
  readonly classes: readonly string[];
  readonly position: string;
}
const registered = ({ store }: Plane, { ref }: Session): Promise<Registered | undefined> =>
  registeredClasses<Registered>(store, ref);
const keep = ({ store }: Plane, { ref }: Session, value: Registered): Promise<void> =>
  setRegisteredClasses(store, ref, value);

async function registerFor(
  outside: Outside,
  more: readonly string[],
  less: readonly string[],
): Promise<void> {
  wantsOf(more);
  const session = sessionOf(outside),
    before = await registered(outside.plane, session);
  const all = new Set([...(before?.classes ?? []), ...more].filter((c) => !less.includes(c)));
  await keep(outside.plane, session, {
    classes: [...all],
    position: before?.position ?? asToken(outside.plane.replica.position()),
  });
}

const legacy = ({ snapshot, id, ...event }: EventRecord): AnyRecord => ({
  ...event,
  id: Number(id),
  obj_uuid: '',
  snapshot: snapshot === undefined ? {} : (JSON.parse(textOf(snapshot)) as AnyRecord),
});

async function next(outside: Outside): Promise<AnyRecord[]> {
  const session = sessionOf(outside),
    state = await registered(outside.plane, session);
  if (!state || state.classes.length === 0) throw new XenError('SESSION_NOT_REGISTERED', outside.token);
  const found = await readyChanges(outside, {
    // Sessions that registered with an earlier version have a bare number.
    position: ofToken(state.position) ?? { base: Number(state.position), seen: 0n },
    wants: wantsOf(state.classes),
    seconds: longestWaitSeconds,
  });
  await keep(outside.plane, session, { ...state, position: asToken(found.position) });
  return inOrder(found.events).map((c) =>
    legacy(record(outside.plane.replica, c, String(outside.plane.clock.now().getTime() / 1000))),
  );
}

export const eventCalls = (
  sessions: Sessions,
  batches = new Batches(),
): CallsOf<typeof classes.event, Outside> => ({
  register: (outside, { classes: more }) => registerFor(outside, more, []),
  unregister: (outside, { classes: less }) => registerFor(outside, [], less),
  next: (outside) => whileOpen(outside, sessions, next),
  from: (outside, { classes: texts, token, timeout }) =>
    whileOpen(outside, sessions, async (open) => {
      const found = await readyChanges(open, {
        position: fromToken(token),
        wants: wantsOf(texts),
        seconds: seconds(timeout),
      });
      return batches.of(open.plane.replica, found, [token, ...texts]);
    }),
  inject: ({ plane }, { class: cls, ref }) => inject(plane, cls, ref),
  get_current_id: async ({ plane }) => plane.replica.position().base,
});
