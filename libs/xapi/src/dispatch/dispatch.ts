/**
 * The one place that every call goes through: message, parameter count, arguments, session, role, then the work itself in
 * one transaction, its task, and what an error means. Order and errors are xapi's.
 */
import {
  asRef,
  isClassName,
  messages,
  string,
  XenError,
  type Message,
  type Ref,
  type Type,
} from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import {
  assertParamCount,
  assertTexts,
  decodeArguments,
  encodeTaskResult,
  methodNames,
  methodNamesType,
  parseMethod,
  plainOf,
  sessionToken,
  type Blocks,
  type Untyped,
} from '@xenplane/wire';
import { startOperation } from '../begin/accept';
import { Trail } from '../api/audit';
import { handledMessages, outsideCalls, type Handler } from '../registry/calls';
import type { Context, Outside, Plane, Session, RequestOrigin } from '../core/context';
import { databaseError, errorOf } from '../api/error-of';
import { createPlain, read, writeField } from '../core/implied-calls';
import { isRead, AdmissionQueues } from './admission-queues';
import { assertAllowed, needsBefore } from '../people/roles';
import { OpenedDatabases } from '../recovery/foreign-database';
import { inSession, sessionRef, type Sessions } from '../api/sessions';
import { endTask, insertTask, type End, type TaskHead } from '../begin/tasks';
import type { TransferHeartbeats } from '../transfer/transfer-heartbeats';
import * as journal from '../transfer/journal';

export interface Request {
  readonly method: string;
  readonly params: readonly Untyped[];
  readonly signal: AbortSignal;
  readonly way?: RequestOrigin;
  readonly head?: TaskHead;
}
/** An answer: a value and its type, or the members of a map whose JSON the replica has ready. Void has no type. */
export type Answer =
  | { readonly type: Type | undefined; readonly value: unknown }
  | { readonly type: Type; readonly blocks: Blocks };
type Args = Readonly<Record<string, unknown>>;
interface Call {
  readonly session: Session | undefined;
  readonly token: string;
  readonly args: Args;
  /** Of a call in the background: the method as the client wrote it. */
  readonly label: string | undefined;
  readonly signal: AbortSignal;
  readonly way: RequestOrigin;
  readonly head: TaskHead;
  /** Lets the next call have its turn. */
  readonly release: () => void;
}

type InSession = Call & { readonly session: Session };
type Background = InSession & { readonly label: string };

/** A call that takes longer waits for something, and does not keep others waiting for it. */
const longestTurnMs = 1_000;
const fromWithin: RequestOrigin = { local: false, address: '' };
const taskType: Type = { kind: 'ref', cls: 'task' };

export class Dispatcher {
  readonly trail: Trail;
  readonly lanes: AdmissionQueues;
  private readonly outside: ReadonlyMap<string, Handler<Outside>>;
  private readonly databases: OpenedDatabases;

  constructor(
    private readonly plane: Plane,
    readonly sessions: Sessions,
    private readonly beats: TransferHeartbeats,
  ) {
    this.trail = new Trail(plane);
    this.lanes = new AdmissionQueues(plane);
    this.databases = new OpenedDatabases(plane, sessions);
    this.outside = outsideCalls(sessions, this.databases);
  }

  async call(request: Request): Promise<Answer> {
    try {
      return await this.answer(request);
    } catch (error) {
      throw this.asXenError(error, request.method);
    }
  }

  private async answer(request: Request): Promise<Answer> {
    const { name, async } = parseMethod(request.method);
    const message = messages.get(name);
    // An error in a secret is raised where it is read, without its value.
    if (!message?.params.some((p) => p.type.secret)) assertTexts(request.params);
    if (name === 'system.listMethods') return { type: methodNamesType, value: methodNames() };
    if (!message) return isAlive(name) ? echo(request.params) : this.unknown(name, request.params[0]);
    assertParamCount(message, request.params);
    if (message.state === 'removed') return this.removed(message, request.params);
    const { signal, way = fromWithin, head = {} } = request;
    this.lanes.assertRoom(message, this.sessions.peek(request.params[0]), way);
    const { session: token = '', args } = decodeArguments(message, request.params);
    const session = message.session ? await this.sessions.find(token) : undefined;
    if (async && !message.async)
      throw new XenError('Fault', `No async mode for this operation (rpc: ${name})`);
    const call = {
      session,
      token,
      args: hashSessionRefs(message, args),
      label: async ? request.method : undefined,
      signal,
      way,
      head,
    };
    return this.lanes.through(message, session, way, (release) =>
      this.audited(message, { ...call, release }),
    );
  }

  private async audited(message: Message, call: Call): Promise<Answer> {
    const { session, args, label } = call;
    const told = this.trail.begin(message, session, args);
    try {
      const value = await this.route(message, call);
      told(label !== undefined && session ? this.refusalOf(message, session, args) : undefined);
      return value;
    } catch (error) {
      told(error);
      throw error;
    }
  }

  private async route(message: Message, call: Call): Promise<Answer> {
    const { session, args, label } = call;
    const run = this.outside.get(message.name);
    if (!session) {
      if (!run) throw new XenError('SESSION_INVALID', call.token);
      return this.callOutside(message, call, run);
    }
    if (session.foreign && !isAboutUs(message)) return this.callForeign(message, { ...call, session });
    if (message.runs === 'planned') assertBuilt(message, session, args);
    if (run && label === undefined && message.cls.name !== 'event') await this.sessions.findNow(call.token);
    if (run)
      return label === undefined
        ? this.callOutside(message, call, run)
        : this.inBackground(message, { ...call, session, label }, (lost) =>
            this.callOutside(message, { ...call, signal: AbortSignal.any([call.signal, lost]) }, run),
          );
    return label === undefined
      ? this.callSync(message, { ...call, session })
      : this.callAsync(message, { ...call, session, label });
  }

  /** In the background the role's refusal is the task's error; here it goes to the audit trail. */
  private refusalOf(message: Message, session: Session, args: Args): unknown {
    try {
      return void assertAllowed(session, message, args);
    } catch (error) {
      return error;
    }
  }

  /** Its arguments are not checked any more. */
  private async removed(message: Message, [token]: readonly Untyped[]): Promise<never> {
    if (message.session) await this.sessions.find(sessionToken(token));
    throw new XenError('MESSAGE_REMOVED');
  }

  /** A method that the model does not have; a first parameter that is no live session is the first complaint. */
  private async unknown(name: string, first: unknown): Promise<never> {
    if (typeof first === 'string') await this.sessions.find(first);
    throw new XenError('MESSAGE_METHOD_UNKNOWN', name);
  }

  private async callOutside(
    message: Message,
    { session, token, args, signal, way, release }: Call,
    run: Handler<Outside>,
  ): Promise<Answer & { readonly value: unknown }> {
    if (session) assertAllowed(session, message, args);
    // It may wait for others for a long time.
    const waits = setTimeout(release, longestTurnMs);
    try {
      return {
        type: message.result,
        value: await run({ plane: this.plane, session, token, signal, origin: way }, args),
      };
    } finally {
      clearTimeout(waits);
    }
  }

  /**
   * Work that makes transactions of its own, under a task that the caller is given at once. Should this process die, the sweeper
   * ends the task as it does that of a transfer.
   */
  private async inBackground(
    message: Message,
    { label, head, ...bearer }: Background,
    run: (lost: AbortSignal) => Promise<{ readonly value: unknown }>,
  ): Promise<Answer> {
    const work = { id: this.plane.ids.uuid(), task: asRef<'task'>(`OpaqueRef:${this.plane.ids.uuid()}`) };
    const lost = new AbortController();
    await inSession(this.plane, bearer, async (tx) => {
      await insertTask(tx, { ref: work.task, label, session: bearer.session, ...head });
      await journal.beginTransfer(tx, work);
    });
    this.beats.carry(work.id, () => lost.abort());
    const end = async (how: End): Promise<void> => {
      this.beats.drop(work.id);
      await inTransaction(this.plane.store, (tx) => journal.endTransfer(tx, work, async () => how));
    };
    void run(lost.signal)
      .then(({ value }) => end({ status: 'success', result: encodeTaskResult(message.result, value) }))
      .catch((error: unknown) => end({ status: 'failure', error: this.asXenError(error, label).description }))
      .catch((error: unknown) => this.plane.log.error({ error, label }, 'task not ended'));
    return { type: taskType, value: work.task };
  }

  private async callSync(message: Message, call: InSession): Promise<Answer> {
    const { session, args, signal, head, token, release } = call;
    if (isRead(message)) return this.callRead(message, session, args, token);
    if (message.runs === 'operation')
      return {
        type: message.result,
        value: await startOperation(this.plane, {
          message,
          session,
          token,
          args,
          label: message.name,
          signal,
          head,
          accepted: release,
        }),
      };
    const value = await inSession(this.plane, call, (tx) =>
      this.perform(message, args, { plane: this.plane, session, tx, task: undefined }),
    );
    return { type: message.result, value };
  }

  /** Of the database of another pool there is nothing but reads. */
  private async callForeign(message: Message, { session, token, args }: InSession): Promise<Answer> {
    assertAllowed(session, message, args);
    if (!isRead(message))
      throw new XenError('OPERATION_NOT_ALLOWED', 'This session only reads the database of another pool');
    this.sessions.assertOpen(session, token);
    return {
      type: message.result ?? { kind: 'string' },
      ...(await read(await this.databases.of(session.ref), message, args)),
    };
  }

  /** The replica is fresh: see `Lanes.through`. */
  private async callRead(message: Message, session: Session, args: Args, token: string): Promise<Answer> {
    assertAllowed(session, message, args);
    this.sessions.assertOpen(session, token);
    return { type: message.result ?? { kind: 'string' }, ...(await read(this.plane.replica, message, args)) };
  }

  /** Whatever goes wrong from here on is the task's, not the call's. */
  private async callAsync(message: Message, call: Background): Promise<Answer> {
    const { session, token, args, label, head } = call;
    if (message.runs === 'operation')
      return {
        type: taskType,
        value: await startOperation(this.plane, { message, session, token, args, label, head }),
      };
    const ref = asRef<'task'>(`OpaqueRef:${this.plane.ids.uuid()}`);
    try {
      await inSession(this.plane, call, async (tx) => {
        await insertTask(tx, { ref, label, session, ...head });
        const value = await this.perform(message, args, { plane: this.plane, session, tx, task: ref });
        await endTask(tx, ref, { status: 'success', result: encodeTaskResult(message.result, value) });
      });
    } catch (error) {
      await this.failedTask(ref, call, this.asXenError(error, label));
    }
    return { type: taskType, value: ref };
  }

  private async failedTask(ref: Ref<'task'>, call: Background, error: XenError): Promise<void> {
    const { label, session, head } = call;
    await inSession(this.plane, call, async (tx) => {
      await insertTask(tx, { ref, label, session, ...head });
      await endTask(tx, ref, { status: 'failure', error: error.description });
    });
  }

  /** Role, then the work, inside the transaction of the context. */
  private async perform(message: Message, args: Args, context: Context): Promise<unknown> {
    const { session, tx } = context;
    assertAllowed(session, message, args, await this.before(message, args, context));
    const handler = handledMessages.get(message.name);
    if (handler) return handler(context, args);
    const cls = message.cls.name;
    if (!isClassName(cls)) throw new XenError('MESSAGE_METHOD_UNKNOWN', message.name);
    if (message.kind === 'create') return createPlain(context, cls, args['args'] as Args);
    if (message.kind === 'destroy') return tx.remove(cls, asRef(String(args['self'])));
    return writeField(tx, message, args);
  }

  private async before(
    message: Message,
    args: Args,
    { tx }: Context,
  ): Promise<Record<string, string> | undefined> {
    const field = needsBefore(message);
    if (!field || !isClassName(message.cls.name)) return undefined;
    const row: Args = await tx.lock(message.cls.name, asRef(String(args['self'])));
    return row[field] as Record<string, string>;
  }

  /** Every error that leaves here has a code; what has none of its own is logged once with its cause. */
  private asXenError(error: unknown, method: string): XenError {
    if (error instanceof XenError) return error;
    const known = databaseError(error);
    if (known)
      this.plane.log.warn(
        { method, code: known.code, error: error instanceof Error ? error.message : String(error) },
        'the database did not serve',
      );
    else this.plane.log.error({ method, error }, 'call failed');
    return known ?? errorOf(error);
  }
}

/** Whoever asks so gets back what was sent, without a session. */
const isAlive = (name: string): boolean => name.startsWith('system.isAlive:');
function echo([first]: readonly Untyped[]): Answer {
  if (first === undefined) throw new XenError('INTERNAL_ERROR', 'there is nothing to send back');
  return typeof first === 'string'
    ? { type: string, value: first }
    : { type: { kind: 'anyRecord' }, value: plainOf(first) };
}

/** Calls that a session on another pool's database makes to this pool. */
const recovering: ReadonlySet<string> = new Set([
  'assert_can_be_recovered',
  'get_SRs_required_for_recovery',
  'recover',
]);
const isAboutUs = ({ cls, call }: Message): boolean =>
  cls.name === 'session' || cls.name === 'task' || recovering.has(call);

function assertBuilt(message: Message, session: Session, args: Args): never {
  assertAllowed(session, message, args);
  throw new XenError('NOT_IMPLEMENTED', message.name);
}

/** A client names sessions by their tokens; inside, only their references are known. */
function hashSessionRefs(message: Message, args: Args): Args {
  const own = message.params.filter((p) => p.type.kind === 'ref' && p.type.cls === 'session');
  if (own.length === 0) return args;
  return { ...args, ...Object.fromEntries(own.map((p) => [p.name, sessionRef(String(args[p.name]))])) };
}
