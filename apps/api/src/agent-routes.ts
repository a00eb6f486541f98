/** The routes of agents and other control planes: who sends is asked before a byte of the message is read. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { uuidPattern } from '@xenplane/hypervisor';
import { XenError } from '@xenplane/model';
import { AgentAuthorization, type Dispatcher, type Plane } from '@xenplane/xapi';
import { refuseUnread } from './adapter';
import { Refusal } from './handlers/exchange/refusal';

const routes = '/agent/v1/';
const invitations = `${routes}invitations`;
/** By the route, not by the address: one route has many addresses, since escapes are read before it is looked for. */
export const isAgentRoute = ({ routeOptions: { url = '' } }: FastifyRequest): boolean =>
  url.startsWith(routes);

const stranger = new Refusal(401, 'Messages of agents need a credential');

interface Guards {
  readonly plane: Plane;
  readonly dispatcher: Dispatcher;
}

/** Of the session that another control plane sends along. */
export const tokenIn = (header: string | undefined): string => /^Session (.+)$/.exec(header ?? '')?.[1] ?? '';

export function guardAgentRoutes(
  fastify: Pick<FastifyInstance, 'addHook'>,
  { plane, dispatcher }: Guards,
): void {
  const door = new AgentAuthorization(plane);
  /** Between control planes refusals are errors of the XenAPI. */
  const invited = async ({ headers, params }: FastifyRequest, reply: FastifyReply): Promise<boolean> => {
    const refuse = (status: number, error: readonly string[]): void =>
      void reply.code(status).header('connection', 'close').send({ error });
    const { host } = params as { readonly host?: string };
    try {
      await dispatcher.sessions.findNow(tokenIn(headers.authorization));
      if (host !== undefined && !uuidPattern.test(host)) throw new XenError('UUID_INVALID', 'host', host);
      return true;
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      refuse(error.code === 'UUID_INVALID' ? 400 : 403, error.description);
      return false;
    }
  };
  const admitted = async (request: FastifyRequest, reply: FastifyReply): Promise<boolean> => {
    if (request.routeOptions.url?.startsWith(invitations)) return invited(request, reply);
    const known = await door.admits(request.headers.authorization);
    if (!known) refuseUnread(reply, stranger);
    return known;
  };
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!isAgentRoute(request)) return done();
    admitted(request, reply).then(
      (known) => (known ? done() : undefined),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  });
}
