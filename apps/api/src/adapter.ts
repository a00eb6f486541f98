/** The framework's server, which answers what nobody serves in the form of the interface. */
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { reasonOf, Refusal, refused } from './handlers/refusal';

/** The methods that the interface has; of another none is served, whatever the path. */
const known = new Set(['GET', 'POST', 'PUT', 'CONNECT', 'OPTIONS']);

function refusalOf(method: string): Refusal {
  if (!known.has(method)) return new Refusal(501, `${method} is not implemented`);
  return method === 'GET' ? new Refusal(404, 'There is no such file') : new Refusal(403, 'There is no such handler');
}

export function refuse(reply: FastifyReply, refusal: Refusal): void {
  const { headers, body } = refused(refusal);
  reply.raw.statusMessage = reasonOf(refusal.status);
  void reply.code(refusal.status).headers(headers).send(body);
}

export class XapiAdapter extends FastifyAdapter {
  override setNotFoundHandler(): ReturnType<FastifyAdapter['setNotFoundHandler']> {
    return this.instance.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => refuse(reply, refusalOf(request.method)));
  }
}
