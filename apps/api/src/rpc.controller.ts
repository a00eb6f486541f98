/** Bytes to a call and an answer to bytes, for both wires; nothing else. */
import { Controller, Get, Options, Post, Req, Res } from '@nestjs/common';
import { Dispatcher, errorOf, type Answer, type TaskHead, type Way } from '@xenplane/xapi';
import * as wire from '@xenplane/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from './adapter';
import { Refusal } from './handlers/refusal';
import { wayOf } from './local-socket';
import { page } from './page';
import { taskHead } from './task-head';

const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'X-Requested-With' };
const noCache = { 'cache-control': 'no-cache, no-store', ...cors };

@Controller()
export class RpcController {
  constructor(private readonly dispatcher: Dispatcher) {}

  @Post(['jsonrpc', 'jsonrpc/*'])
  async json(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const call = readable(() => wire.parseJsonCall(bodyOf(request)));
    if (!call) return malformed(reply);
    const signal = abortedWith(reply);
    try {
      const answer = await this.dispatcher.call({ method: call.method, params: call.params, signal, ...cameBy(request) });
      send(reply, 'application/json', wire.jsonSuccess(call, asJson(answer)));
    } catch (error) {
      send(reply, 'application/json', [Buffer.from(wire.jsonFailure(call, errorOf(error).description))]);
    }
  }

  /** XML-RPC is answered on every path that nothing else answers. */
  @Post('*')
  async xml(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const call = readable(() => wire.parseCall(bodyOf(request)));
    if (!call) return malformed(reply);
    try {
      const answer = await this.dispatcher.call({ method: call.method, params: call.params, signal: abortedWith(reply), ...cameBy(request) });
      // The list of methods alone comes without an envelope.
      const body = call.method === 'system.listMethods' ? wire.xmlPlain(asXml(answer)) : wire.xmlSuccess(asXml(answer));
      send(reply, 'text/xml', [Buffer.from(body)]);
    } catch (error) {
      send(reply, 'text/xml', [Buffer.from(wire.xmlFailure(errorOf(error).description))]);
    }
  }

  /** Whatever heads a browser asks for are allowed. */
  @Options('*')
  options(@Req() { headers }: FastifyRequest, @Res() reply: FastifyReply): void {
    const asked = headers['access-control-request-headers'];
    const allowed = [asked ?? [], cors['access-control-allow-headers']].flat().join(', ');
    void reply
      .code(200)
      .headers({ ...noCache, 'access-control-allow-headers': allowed, 'access-control-allow-methods': 'PUT' })
      .send();
  }

  @Get()
  index(@Res() reply: FastifyReply): void {
    void reply
      .code(200)
      .headers({ ...noCache, 'content-type': 'text/html' })
      .send(Buffer.from(page));
  }
}

/** What the head of a request says of the call. */
function cameBy({ raw, headers }: FastifyRequest): { way: Way; head: TaskHead } {
  return { way: wayOf(raw.socket), head: taskHead(headers) };
}
/** A call says beforehand how long it is, as xapi wants it. */
function bodyOf({ headers, body }: FastifyRequest): Buffer {
  if (headers['content-length'] === undefined) throw new wire.MalformedCall('there is no Content-Length');
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** Ends what waits when the client has gone. */
function abortedWith(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => reply.raw.writableFinished || gone.abort());
  return gone.signal;
}

function readable<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof wire.MalformedCall) return undefined;
    throw error;
  }
}

function asJson(answer: Answer): readonly (string | Buffer)[] {
  return 'prepared' in answer ? answer.prepared.chunks : [wire.encodeJson(answer.type, answer.value)];
}
function asXml(answer: Answer): string {
  if (!('prepared' in answer)) return wire.encodeXml(answer.type, answer.value);
  const text = answer.prepared.chunks.map((c) => c.toString()).join('');
  return wire.encodeXml(answer.type, JSON.parse(text));
}

function send(reply: FastifyReply, type: string, chunks: readonly (string | Uint8Array)[]): void {
  const body = chunks.length === 1 && Buffer.isBuffer(chunks[0]) ? chunks[0] : Buffer.concat(chunks.map((c) => (typeof c === 'string' ? Buffer.from(c) : c)));
  void reply
    .code(200)
    .headers({ ...noCache, 'content-type': type })
    .send(body);
}

const malformed = (reply: FastifyReply): void => refuse(reply, new Refusal(500, 'The request is not a well-formed call.', cors));
