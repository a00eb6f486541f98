/** Events, served from the replica: waiting costs nothing, and a token is a position in it. */
import {
  asRef,
  classNames,
  isClassName,
  XenError,
  type AnyRecord,
  type CallsOf,
  type ClassName,
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
  type Wants,
} from '@xenplane/store';
import { textOf } from '@xenplane/wire';
import type { Outside, Plane, Session } from '../core/context';
import type { Sessions } from './sessions';

/** Longest that one call may wait; clients ask for 60 s or less. */
const longestWaitSeconds = 3600;
const mostClasses = 1000;

const byLowerCase = new Map(classNames.map((name) => [name.toLowerCase(), name]));

/** The subscription that a list of `*`, `class` and `class/ref` means; a class that does not exist matches nothing. */
export function subscription(texts: readonly string[]): Wants {
  if (texts.length > mostClasses)
    throw new XenError('EVENT_SUBSCRIPTION_PARSE_FAILURE', `more than ${mostClasses} subscriptions`);
  const wanted = new Set<ClassName>(),
    objects = new Map<ClassName, Set<string>>();
  for (const text of texts) {
    const [cls = '', ...rest] = text.split('/');
    const name = byLowerCase.get(cls.toLowerCase());
    if (!name) continue;
    if (rest.length === 0) wanted.add(name);
    else objects.set(name, (objects.get(name) ?? new Set<string>()).add(rest.join('/')));
  }
  if (texts.includes('*')) return () => true;
  const wants = (cls: ClassName, ref: string): boolean =>
    wanted.has(cls) || objects.get(cls)?.has(ref) === true;
  return Object.assign(wants, { scope: { classes: wanted, objects } });
}

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

interface Waiting {
  readonly position: Position;
  readonly wants: Wants;
  readonly seconds: number;
}

/** Waits until something that is wanted has changed since the position, or the time is over. */
async function nextChanges(
  { plane, signal }: Outside,
  { position, wants, seconds }: Waiting,
): Promise<Changes> {
  const { replica, clock } = plane;
  const deadline = clock.monotonic() + Math.min(Math.max(seconds, 0), longestWaitSeconds) * 1000;
  for (let from = position; ;) {
    const found = await replica.changesSince(from, wants);
    const left = deadline - clock.monotonic();
    if (found.events.length > 0 || left <= 0 || signal.aborted) return found;
    from = found.position;
    await replica.waitForChange(from, left, signal, wants);
  }
}

/** A batch of more is made ready in slices. */
const mostAtOnce = 100;
/** The changes after a position, with their records' texts ready: all are as they are at one moment. */
async function readyChanges(outside: Outside, waiting: Waiting): Promise<Changes> {
  const found = await nextChanges(outside, waiting);
  if (found.events.length <= mostAtOnce) return found;
  const { replica } = outside.plane;
  await replica.prepareAll(found.events);
  return replica.changesSince(waiting.position, waiting.wants);
}

/** Runs a wait that ends early, with SESSION_INVALID, when its session is closed. What was done before by anybody is in the answer, a logout too. */
async function whileOpen<T>(
  outside: Outside,
  sessions: Sessions,
  wait: (outside: Outside) => Promise<T>,
): Promise<T> {
  const closed = new AbortController();
  const forget = outside.session
    ? sessions.onClose(outside.session.ref, () => closed.abort())
    : () => undefined;
  try {
    await outside.plane.replica.fresh();
    const answer = await wait({ ...outside, signal: AbortSignal.any([outside.signal, closed.signal]) });
    if (closed.signal.aborted) throw new XenError('SESSION_INVALID', outside.token);
    sessions.assertOpen(own(outside), outside.token);
    return answer;
  } finally {
    forget();
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
async function registered(plane: Plane, session: Session): Promise<Registered | undefined> {
  const [row] = await plane.store.query<{ registered_classes: Registered | null }>(
    'SELECT registered_classes FROM session_state WHERE session = $1',
    [session.ref],
  );
  return row?.registered_classes ?? undefined;
}
const keep = (plane: Plane, session: Session, value: Registered): Promise<unknown> =>
  plane.store.query('UPDATE session_state SET registered_classes = $2 WHERE session = $1', [
    session.ref,
    JSON.stringify(value),
  ]);

const own = (outside: Outside): Session => {
  if (!outside.session) throw new XenError('SESSION_INVALID', outside.token);
  return outside.session;
};

async function registerFor(
  outside: Outside,
  more: readonly string[],
  less: readonly string[],
): Promise<void> {
  subscription(more);
  const session = own(outside),
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
  const session = own(outside),
    state = await registered(outside.plane, session);
  if (!state || state.classes.length === 0) throw new XenError('SESSION_NOT_REGISTERED', outside.token);
  const found = await readyChanges(outside, {
    // Sessions that registered with an earlier version have a bare number.
    position: ofToken(state.position) ?? { base: Number(state.position), seen: 0n },
    wants: subscription(state.classes),
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
        wants: subscription(texts),
        seconds: seconds(timeout),
      });
      return batches.of(open.plane.replica, found, [token, ...texts]);
    }),
  inject: ({ plane }, { class: cls, ref }) => inject(plane, cls, ref),
  get_current_id: async ({ plane }) => plane.replica.position().base,
});
