/** The framework's server, which answers what nobody serves in the form of the interface. */
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { page } from './handlers/refusal';

/** The methods that the interface has; of another none is served, whatever the path. */
const known = new Set(['GET', 'POST', 'PUT', 'CONNECT', 'OPTIONS']);

function refusalOf(method: string): { readonly status: number; readonly text: string } {
  if (!known.has(method)) return { status: 501, text: 'Method not implemented' };
  return method === 'GET' ? { status: 404, text: 'There is no such file' } : { status: 403, text: 'There is no such handler' };
}

export class XapiAdapter extends FastifyAdapter {
  override setNotFoundHandler(): ReturnType<FastifyAdapter['setNotFoundHandler']> {
    return this.instance.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
      const { status, text } = refusalOf(request.method);
      void reply.code(status).headers({ 'content-type': 'text/html', connection: 'close' }).send(page(status, text));
    });
  }
}
