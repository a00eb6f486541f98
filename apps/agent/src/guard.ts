/** Commands at the door: who sends and what is named is looked at before a byte of the body is read. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageLimits, uuidPattern } from '@xenplane/hypervisor';
import { Bodies } from '@xenplane/http';
import { isCommander } from './commands.controller';
import type { Fleet } from './fleet';

const limits = {
  strangerBytes: messageLimits.bytes,
  addressBytes: 2 ** 26,
  allBytes: 2 ** 26,
  graceMs: 10_000,
  leastBytesPerSecond: 16_384,
};

export function guardCommands(fastify: FastifyInstance, fleet: Fleet): void {
  const bodies = new Bodies(limits);
  fastify.addHook('onClose', (_instance, done) => {
    bodies.stop();
    done();
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    const { host, ...names } = request.params as Readonly<Record<string, string>>;
    if (host === undefined) return done();
    if (!isCommander(fleet, host, request.headers.authorization)) return refuse(reply, 403, 'Forbidden');
    if (Object.values(names).some((name) => !uuidPattern.test(name)))
      return refuse(reply, 400, 'Everything is named by its UUID');
    done();
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', ({ raw }: FastifyRequest) =>
    bodies.take(raw, { mostBytes: messageLimits.bytes }),
  );
}

/** The body that is still to come is not waited for. */
function refuse(reply: FastifyReply, status: number, message: string): void {
  void reply.code(status).header('connection', 'close').send({ statusCode: status, message });
}
