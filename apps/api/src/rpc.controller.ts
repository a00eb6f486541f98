/** Bytes to a call and an answer to bytes, for both wires; nothing else. */
import { Controller, Get, Inject, Options, Post, Req, Res } from '@nestjs/common';
import type { ApiSettings } from '@xenplane/config';
import { Dispatcher, errorOf, type Answer, type TaskHead, type RequestOrigin } from '@xenplane/xapi';
import * as wire from '@xenplane/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from './adapter';
import { sendBody, type Body } from './body';
import { Refusal } from './handlers/exchange/refusal';
import { page } from './page';
import { taskHead } from './task-head';
import { settingsToken } from './tokens';
import { TrustedProxies, requestOrigin } from './request-origin';

const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'X-Requested-With' };
const noCache = { 'cache-control': 'no-cache, no-store', ...cors };

@Controller()
export class RpcController {
  private readonly proxies: TrustedProxies;

  constructor(
    private readonly dispatcher: Dispatcher,
    @Inject(settingsToken) { trustedProxies }: ApiSettings,
  ) {
    this.proxies = new TrustedProxies(trustedProxies);
  }

  @Post(['jsonrpc', 'jsonrpc/*'])
  async json(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const call = readable(reply, () => wire.parseJsonCall(bodyOf(request)));
    if (!call) return;
    const signal = abortedWith(reply);
    try {
      const answer = await this.dispatcher.call({
        method: call.method,
        params: call.params,
        signal,
        ...this.cameBy(request),
      });
      await send(reply, 'application/json', jsonBody(call, answer));
    } catch (error) {
      await send(reply, 'application/json', { pieces: [wire.jsonFailure(call, errorOf(error).description)] });
    }
  }

  /** XML-RPC is answered on every path that nothing else answers. */
  @Post('*')
  async xml(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const call = readable(reply, () => wire.parseCall(bodyOf(request)));
    if (!call) return;
    try {
      const answer = await this.dispatcher.call({
        method: call.method,
        params: call.params,
        signal: abortedWith(reply),
        ...this.cameBy(request),
      });
      await send(reply, 'text/xml', xmlBody(call, answer));
    } catch (error) {
      await send(reply, 'text/xml', { pieces: [wire.xmlFailure(errorOf(error).description)] });
    }
  }

  /** The parts of a request's head that matter for the call. */
  private cameBy({ raw, headers }: FastifyRequest): { way: RequestOrigin; head: TaskHead } {
    return { way: requestOrigin(raw, this.proxies), head: taskHead(headers) };
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

/** Longer bodies would take too long to read. */
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

/** The call, or undefined for what is none, which is answered at once. */
function readable<T>(reply: FastifyReply, parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof wire.MalformedCall)) throw error;
    refuse(reply, malformed());
    return undefined;
  }
}
const malformed = (): Refusal => new Refusal(500, 'The request is not a well-formed call.', cors);

/** The length is known where all is ready. */
function jsonBody(call: wire.JsonCall, answer: Answer): Body {
  const [head, tail] = wire.jsonSuccessAround(call);
  if ('value' in answer) return { pieces: around([head, tail], wire.jsonPieces(answer.type, answer.value)) };
  const length = Buffer.byteLength(head) + wire.lengthOfBlocks(answer.blocks) + Buffer.byteLength(tail);
  return { length, pieces: around([head, tail], wire.jsonOfBlocks(answer.blocks)) };
}
function xmlBody(call: wire.XmlCall, answer: Answer): Body {
  const pieces =
    'value' in answer
      ? wire.xmlPieces(answer.type, answer.value)
      : wire.xmlOfBlocks(answer.type, answer.blocks);
  // The list of methods alone comes without an envelope.
  return {
    pieces: around(
      call.method === 'system.listMethods' ? wire.xmlPlainAround : wire.xmlSuccessAround,
      pieces,
    ),
  };
}
function* around(
  [head = '', tail = '']: readonly string[],
  pieces: Iterable<wire.Piece>,
): Generator<wire.Piece> {
  yield head;
  yield* pieces;
  yield tail;
}

const send = (reply: FastifyReply, type: string, body: Body): Promise<void> =>
  sendBody(reply, { ...noCache, 'content-type': type }, body);
