/** Commands at the door: who sends and what is named is looked at before a byte of the body is read. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageLimits, uuidPattern } from '@xenplane/hypervisor';
import { Bodies } from '@xenplane/http';
import type { Fleet } from './fleet';
import type { HostAgent } from './host-agent';

const limits = {
  strangerBytes: messageLimits.bytes,
  addressBytes: 2 ** 26,
  allBytes: 2 ** 26,
  graceMs: 10_000,
  leastBytesPerSecond: 16_384,
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** True if the Authorization head shows the key. */
export const shows = (given: string | undefined, key: string): boolean =>
  timingSafeEqual(digest(given ?? ''), digest(`Bearer ${key}`));

/** The host, for the control plane at which it is. */
export function hostFor(
  fleet: Fleet,
  uuid: string,
  authorization: string | undefined,
): HostAgent | undefined {
  const host = fleet.hosts.get(uuid);
  return host && shows(authorization, host.commandKey) ? host : undefined;
}

/** Checks the key of a host before a byte of the command is read; true when it is good for some command of that host. */
function isCommander(fleet: Fleet, uuid: string, key: string | undefined): boolean {
  const host = fleet.hosts.get(uuid);
  const sender = host && fleet.senderKey(host);
  return hostFor(fleet, uuid, key) !== undefined || (sender !== undefined && shows(key, sender));
}

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
