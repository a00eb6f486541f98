/**
 * Subscriptions to changes, for whoever tells clients of them: what is wanted, waiting for it, the batch of what has changed with
 * every record's text ready, and the end of the wait when its session ends. Positions and batches are the replica's.
 */
import { classNames, XenError, type ClassName } from '@xenplane/model';
import type { Changes, Position, Wants } from '@xenplane/store';
import type { Outside, Plane, Session } from '../core/context';
import type { Sessions } from './sessions';

/** Longest that one call may wait; clients ask for 60 s or less. */
export const longestWaitSeconds = 3600;
const mostClasses = 1000;

const byLowerCase = new Map(classNames.map((name) => [name.toLowerCase(), name]));

/** The subscription that a list of `*`, `class` and `class/ref` means; a class that does not exist matches nothing. */
export function wantsOf(texts: readonly string[]): Wants {
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

export interface Subscription {
  /** What was read up to here is not answered again. */
  readonly position: Position;
  readonly wants: Wants;
  /** The longest wait; more than an hour is an hour. */
  readonly seconds: number;
}
/** The end of a wait, besides its time: whoever asked has gone. */
interface Waiting {
  readonly plane: Pick<Plane, 'replica' | 'clock'>;
  readonly signal: AbortSignal;
}

/** Waits until something that is wanted has changed since the position, or the time is over. */
async function nextChanges(
  { plane, signal }: Waiting,
  { position, wants, seconds }: Subscription,
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
export async function readyChanges(waiting: Waiting, subscription: Subscription): Promise<Changes> {
  const found = await nextChanges(waiting, subscription);
  if (found.events.length <= mostAtOnce) return found;
  const { replica } = waiting.plane;
  await replica.prepareAll(found.events);
  return replica.changesSince(subscription.position, subscription.wants);
}

/** Runs a wait that ends early, with SESSION_INVALID, when its session is closed. What was done before by anybody is in the answer, a logout too. */
export async function whileOpen<T>(
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
    sessions.assertOpen(sessionOf(outside), outside.token);
    return answer;
  } finally {
    forget();
  }
}

/** SESSION_INVALID for a call that has none. */
export function sessionOf({ session, token }: Outside): Session {
  if (!session) throw new XenError('SESSION_INVALID', token);
  return session;
}
