/** How a call is answered whose session may make it: from memory, in one transaction, by durable work, or by work that waits. */
import { XenError, type Message } from '@xenplane/model';
import type { Sessions } from '../api/sessions';
import { inSession } from '../api/sessions';
import { startOperation } from '../begin/accept';
import type { Outside, Plane } from '../core/context';
import { read, type Readable } from '../core/implied-calls';
import type { OpenedDatabases } from '../recovery/foreign-database';
import { outsideCalls, type Handler } from '../registry/calls';
import type { TransferHeartbeats } from '../transfer/transfer-heartbeats';
import { isRead } from './admission-queues';
import { inLongTask, inTaskTransaction, taskType } from './background';
import { isBackground, isInSession, type Answer, type Call, type InSession } from './call';
import { perform } from './perform';

/** A call that takes longer waits for something, and does not keep others waiting for it. */
const longestTurnMs = 1_000;

export class Routes {
  private readonly outside: ReadonlyMap<string, Handler<Outside>>;

  constructor(
    private readonly plane: Plane,
    private readonly sessions: Sessions,
    private readonly beats: TransferHeartbeats,
    private readonly databases: OpenedDatabases,
  ) {
    this.outside = outsideCalls(sessions, databases);
  }

  async answer(call: Call): Promise<Answer> {
    const { message } = call;
    const run = this.outside.get(message.name);
    if (!isInSession(call)) {
      if (!run) throw new XenError('SESSION_INVALID', call.token);
      return this.callOutside(call, run);
    }
    if (call.session.foreign && !isAboutUs(message)) return this.callForeign(call);
    if (message.runs === 'planned') throw new XenError('NOT_IMPLEMENTED', message.name);
    if (run) return this.inOrOutOfTask(call, run);
    if (message.runs === 'operation') return this.callOperation(call);
    return isRead(message) && !isBackground(call) ? this.callRead(call) : this.callInTransaction(call);
  }

  private async inOrOutOfTask(call: InSession, run: Handler<Outside>): Promise<Answer> {
    if (isBackground(call))
      return inLongTask(this.plane, this.beats, call, async (lost) => {
        const { value } = await this.callOutside(
          { ...call, signal: AbortSignal.any([call.signal, lost]) },
          run,
        );
        return value;
      });
    if (call.message.cls.name !== 'event') await this.sessions.findNow(call.token);
    return this.callOutside(call, run);
  }

  /** It may wait for others for a long time. */
  private async callOutside(
    { message, session, token, args, signal, way, release }: Call,
    run: Handler<Outside>,
  ): Promise<Answer & { readonly value: unknown }> {
    const waits = setTimeout(release, longestTurnMs);
    try {
      const value = await run({ plane: this.plane, session, token, signal, origin: way }, args);
      return { type: message.result, value };
    } finally {
      clearTimeout(waits);
    }
  }

  private async callOperation(call: InSession): Promise<Answer> {
    const { message, session, token, args, head } = call;
    const start = { message, session, token, args, head };
    return isBackground(call)
      ? { type: taskType, value: await startOperation(this.plane, { ...start, label: call.label }) }
      : {
          type: message.result,
          value: await startOperation(this.plane, {
            ...start,
            label: message.name,
            signal: call.signal,
            accepted: call.release,
          }),
        };
  }

  private async callInTransaction(call: InSession): Promise<Answer> {
    const { message, session, args } = call;
    const { plane } = this;
    if (isBackground(call))
      return inTaskTransaction(plane, call, (tx, task) =>
        perform(message, args, { plane, session, tx, task }),
      );
    const value = await inSession(plane, call, (tx) =>
      perform(message, args, { plane, session, tx, task: undefined }),
    );
    return { type: message.result, value };
  }

  /** The replica is fresh: see `AdmissionQueues.through`. */
  private callRead(call: InSession): Promise<Answer> {
    return this.readFrom(call, async () => this.plane.replica);
  }

  /** Of the database of another pool there is nothing but reads. */
  private callForeign(call: InSession): Promise<Answer> {
    if (!isRead(call.message))
      throw new XenError('OPERATION_NOT_ALLOWED', 'This session only reads the database of another pool');
    return this.readFrom(call, () => this.databases.of(call.session.ref));
  }

  private async readFrom(
    { message, session, token, args }: InSession,
    open: () => Promise<Readable>,
  ): Promise<Answer> {
    this.sessions.assertOpen(session, token);
    return { type: message.result ?? { kind: 'string' }, ...(await read(await open(), message, args)) };
  }
}

/** Calls that a session on another pool's database makes to this pool. */
const recovering: ReadonlySet<string> = new Set([
  'assert_can_be_recovered',
  'get_SRs_required_for_recovery',
  'recover',
]);
const isAboutUs = ({ cls, call }: Message): boolean =>
  cls.name === 'session' || cls.name === 'task' || recovering.has(call);
