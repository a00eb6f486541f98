/**
 * The one place that every call goes through: message, parameter count, arguments, session, its turn, the audit trail and the
 * role; `routes.ts` then does the work. Order and errors are xapi's.
 */
import { XenError, type Message } from '@xenplane/model';
import { parseMethod } from '@xenplane/wire';
import { Trail } from '../api/audit';
import type { Sessions } from '../api/sessions';
import type { Plane, RequestOrigin } from '../core/context';
import { assertAllowed } from '../people/roles';
import { OpenedDatabases } from '../recovery/foreign-database';
import type { TransferHeartbeats } from '../transfer/transfer-heartbeats';
import { AdmissionQueues } from './admission-queues';
import { failInBackground } from './background';
import { isBackground, isInSession, type Answer, type Call, type Request } from './call';
import { failureOfCall } from './failure';
import { messageOf, readArguments, readToken, sentToken, systemAnswer } from './read-request';
import { Routes } from './routes';

const fromWithin: RequestOrigin = { local: false, address: '' };

export class Dispatcher {
  readonly trail: Trail;
  readonly lanes: AdmissionQueues;
  private readonly routes: Routes;

  constructor(
    private readonly plane: Plane,
    readonly sessions: Sessions,
    beats: TransferHeartbeats,
  ) {
    this.trail = new Trail(plane);
    this.lanes = new AdmissionQueues(plane);
    this.routes = new Routes(plane, sessions, beats, new OpenedDatabases(plane, sessions));
  }

  /** Answers a call, or throws a XenError. */
  async call(request: Request): Promise<Answer> {
    try {
      const { name, async } = parseMethod(request.method);
      const message = messageOf(name, request);
      if (!message) return systemAnswer(name, request) ?? (await this.unknown(name, request));
      if (message.state === 'removed') return await this.removed(message, request);
      return await this.answer(message, request, async);
    } catch (error) {
      throw failureOfCall(this.plane, error, request.method);
    }
  }

  private async answer(message: Message, request: Request, async: boolean): Promise<Answer> {
    const { method, signal, way = fromWithin, head = {} } = request;
    this.lanes.assertRoom(message, this.sessions.peek(sentToken(request)), way);
    const { token, args } = readArguments(message, request);
    const session = message.session ? await this.sessions.find(token) : undefined;
    if (async && !message.async)
      throw new XenError('Fault', `No async mode for this operation (rpc: ${message.name})`);
    const label = async ? method : undefined;
    return this.lanes.through(message, session, way, (release) =>
      this.audited({ message, session, token, args, label, signal, way, head, release }),
    );
  }

  /** The audit trail has a line for the call, which ends with what became of it. */
  private async audited(call: Call): Promise<Answer> {
    const end = this.trail.begin(call.message, call.session, call.args);
    try {
      const refusal = refusalOf(call);
      const answer = await this.admitted(call, refusal);
      end(refusal);
      return answer;
    } catch (error) {
      end(error);
      throw error;
    }
  }

  /** The one role check. In the background the refusal is the task's error. */
  private async admitted(call: Call, refusal: XenError | undefined): Promise<Answer> {
    if (!refusal) return this.routes.answer(call);
    if (!isInSession(call) || !isBackground(call)) throw refusal;
    return failInBackground(this.plane, call, refusal);
  }

  /** Its arguments are not checked any more. */
  private async removed(message: Message, request: Request): Promise<never> {
    if (message.session) await this.sessions.find(readToken(request));
    throw new XenError('MESSAGE_REMOVED');
  }

  /** A method that the model does not have; a first parameter that is no live session is the first complaint. */
  private async unknown(name: string, request: Request): Promise<never> {
    const first = sentToken(request);
    if (typeof first === 'string') await this.sessions.find(first);
    throw new XenError('MESSAGE_METHOD_UNKNOWN', name);
  }
}

function refusalOf({ session, message, args }: Call): XenError | undefined {
  if (!session) return undefined;
  try {
    assertAllowed(session, message, args);
    return undefined;
  } catch (error) {
    if (error instanceof XenError) return error;
    throw error;
  }
}
