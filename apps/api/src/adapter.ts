/** The framework's server, which answers what nobody serves in the form of the interface. */
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { BodyRefused } from '@xenplane/http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { closeLater, reasonOf, Refusal, refused, refusedBytes } from './handlers/exchange/refusal';

/** The methods that the interface has; of another none is served, whatever the path. */
const known = new Set(['GET', 'POST', 'PUT', 'CONNECT', 'OPTIONS']);

function refusalOf(method: string): Refusal {
  if (!known.has(method)) return new Refusal(501, `${method} is not implemented`);
  return method === 'GET'
    ? new Refusal(404, 'There is no such file')
    : new Refusal(403, 'There is no such handler');
}

export function refuse(reply: FastifyReply, refusal: Refusal): void {
  const { headers, body } = refused(refusal);
  reply.raw.statusMessage = reasonOf(refusal.status);
  void reply.code(refusal.status).headers(headers).send(body);
}

/** The answer to a request whose body is still to come. */
export function refuseUnread(reply: FastifyReply, refusal: Refusal): void {
  const { raw } = reply.hijack().request;
  raw.resume();
  raw.socket.end(refusedBytes(refusal));
  closeLater(raw.socket);
}

export class XapiAdapter extends FastifyAdapter {
  /** Refusals by the server itself before a handler has the request, such as a body that is too large. */
  override setErrorHandler(
    handler: Parameters<FastifyAdapter['setErrorHandler']>[0],
  ): ReturnType<FastifyAdapter['setErrorHandler']> {
    return this.instance.setErrorHandler(
      (error: FastifyError | BodyRefused, request: FastifyRequest, reply: FastifyReply) => {
        if (error instanceof BodyRefused)
          return refuseUnread(reply, new Refusal(error.status, error.message));
        if (!error.code?.startsWith('FST_')) return handler.call(this.instance, error, request, reply);
        refuseUnread(reply, new Refusal(error.statusCode ?? 500, error.message));
      },
    );
  }

  override setNotFoundHandler(): ReturnType<FastifyAdapter['setNotFoundHandler']> {
    return this.instance.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) =>
      refuse(reply, refusalOf(request.method)),
    );
  }
}
