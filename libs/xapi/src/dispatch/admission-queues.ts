/**
 * The queues in which calls wait for their turn, and what calls cost there, by what they do. A read of one object costs 1; as in xapi's
 * design of rate limits a start of a VM costs 100.
 */
import { isClassName, type Message } from '@xenplane/model';
import type { Replica } from '@xenplane/store';
import { handledMessages } from '../registry/calls';
import type { Plane, Session, RequestOrigin } from '../core/context';
import { callerOf, Shares, FairTurns, type Caller } from './fair-turns';

/** Reads are answered from memory, lists are long reads, work makes transactions. What waits for others or is logged in has no queue. */
type Lane = 'read' | 'list' | 'work' | 'none';
interface Load {
  readonly lane: Lane;
  readonly cost: number;
}

const operationCost = 100;
const callCost = 20;
const writeCost = 10;
/** Records that cost as much as a read of one. */
const recordsOfOne = 100;

const free: Load = { lane: 'none', cost: 0 };
/** They wait for what others do, and do nothing meanwhile; or they end what is too much. */
const unqueued: ReadonlySet<string> = new Set([
  'event.from',
  'event.next',
  'session.logout',
  'task.cancel',
  'task.destroy',
]);
const isList = (message: Message): boolean => message.call.startsWith('get_all') && message.kind === 'object';

/** Answered from the replica. */
export const isRead = (message: Message): boolean =>
  (message.kind === 'object' || message.kind === 'field-get') && !handledMessages.has(message.name);

function loadOf(message: Message, replica: Pick<Replica, 'count'>): Load {
  if (!message.session || unqueued.has(message.name)) return free;
  if (isRead(message))
    return isList(message) ? { lane: 'list', cost: listCost(message, replica) } : { lane: 'read', cost: 1 };
  if (message.runs === 'operation') return { lane: 'work', cost: operationCost };
  return { lane: 'work', cost: message.kind === 'custom' ? callCost : writeCost };
}
function listCost({ cls: { name } }: Message, replica: Pick<Replica, 'count'>): number {
  return 1 + Math.floor((isClassName(name) ? replica.count(name) : 0) / recordsOfOne);
}

/** Reads and lists at work in one process: more at once would only keep what is under way waiting. */
const readsAtOnce = 16;
const listsAtOnce = 4;
/** A request of a handler costs as much as a call. */
const handlerCost = callCost;

export class AdmissionQueues {
  readonly turns: Readonly<Record<Exclude<Lane, 'none'>, FairTurns>>;

  /** Reads that wait until what was committed before them is in the replica: as many, and of each caller as many, as may wait for a turn. */
  private readonly behind: Shares;

  constructor(private readonly plane: Pick<Plane, 'settings' | 'replica'>) {
    const { callsAtOnce, callsWaiting } = plane.settings;
    const bounds = {
      waiting: callsWaiting,
      waitingOfOne: Math.ceil(callsWaiting / 2),
      waitingOfSession: Math.ceil(callsWaiting / 4),
    };
    const room = (inside: number): FairTurns => new FairTurns({ inside, ...bounds });
    this.behind = new Shares(bounds);
    this.turns = { work: room(callsAtOnce), read: room(readsAtOnce), list: room(listsAtOnce) };
  }

  /** Reads that wait for the replica and not yet for a turn. */
  get readsBehind(): number {
    return this.behind.waiting;
  }

  /** TOO_BUSY for a call that would not be let in to wait, before anything is done for it. */
  assertRoom(message: Message, session: Session | undefined, { address }: RequestOrigin): void {
    const { lane } = loadOf(message, this.plane.replica);
    if (!session || lane === 'none') return;
    const caller = callerOf(address, session);
    if (isRead(message)) this.behind.assertRoom(caller);
    this.turns[lane].assertRoom(caller);
  }

  /**
   * Does the work when its turn has come; calls without a session have no queue here. Reads wait until what was committed before
   * them is in the replica, all together, and then for their turn, so that each takes only as long as its answer is made.
   */
  through<T>(
    message: Message,
    session: Session | undefined,
    { address }: RequestOrigin,
    work: (release: () => void) => Promise<T>,
  ): Promise<T> {
    const { lane, cost } = loadOf(message, this.plane.replica);
    if (!session || lane === 'none') return work(() => undefined);
    const caller = callerOf(address, session);
    const inTurn = (): Promise<T> => this.turns[lane].through(caller, cost, work);
    return isRead(message) ? this.fresh(caller).then(inTurn) : inTurn();
  }
  private fresh(caller: Caller): Promise<void> {
    const leave = this.behind.enter(caller);
    return this.plane.replica.freshForReaders().finally(leave);
  }

  /** Waits for the turn of a request of a handler, which then takes as long as it takes. */
  turnOf(session: Session, { address }: RequestOrigin): Promise<void> {
    return this.turns.work.through(callerOf(address, session), handlerCost, () => Promise.resolve());
  }
}
