/** The bytes of disks on the image server, as streams. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { XenError } from '@xenplane/model';
import { Bits, framesType, writeFrames, type Write } from '@xenplane/wire';
import type { PlaneSettings } from '../core/context';
import { withRetries, unreachable } from '../core/image-server';
import { freeingBuffers } from './free-buffers';

interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

export interface FoldAsk {
  readonly from: string;
  readonly how: 'over' | 'under';
  readonly apart: boolean;
}

/** Of a disk without layers nothing is stored. */
const nothing = '00000000-0000-0000-0000-000000000000';

export class LayerClient {
  constructor(private readonly settings: Pick<PlaneSettings, 'imagesUrl' | 'imagesSecret'>) {}

  /** Answers the bytes that the layer then takes. What came before a failure stays written. */
  async write(
    id: string,
    below: readonly string[],
    writes: AsyncIterable<Write>,
    signal?: AbortSignal,
  ): Promise<number> {
    const answer = await this.ask({
      method: 'PUT',
      path: `/layers/${id}`,
      query: { chain: below.join() },
      body: freeingBuffers(writeFrames(writes)),
      signal,
    });
    const { utilisation } = JSON.parse((await buffer(answer)).toString()) as { utilisation: number };
    return utilisation;
  }

  /** Fails unless every byte comes. */
  async *read(
    [top = nothing, ...below]: readonly string[],
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    if (length === 0) return;
    const query = { chain: below.join(), offset: String(offset), length: String(length) };
    const bytes: AsyncIterable<Uint8Array> = await this.ask({
      method: 'GET',
      path: `/layers/${top}`,
      query,
      signal,
    });
    yield* freeingBuffers(bytes);
  }

  /** The blocks that any of the chain has. */
  async present([top = nothing, ...below]: readonly string[], signal?: AbortSignal): Promise<Bits> {
    return new Bits(
      await buffer(
        await this.ask({
          method: 'GET',
          path: `/layers/${top}/blocks`,
          query: { chain: below.join() },
          signal,
        }),
      ),
    );
  }
  /** The blocks that any of the layers changed. */
  async changed(ids: readonly string[], signal?: AbortSignal): Promise<Bits> {
    if (ids.length === 0) return new Bits();
    return new Bits(
      await buffer(
        await this.ask({ method: 'GET', path: '/layers/changed', query: { ids: ids.join() }, signal }),
      ),
    );
  }

  async remove(id: string): Promise<void> {
    (await this.ask({ method: 'DELETE', path: `/layers/${id}` })).resume();
  }

  /** Copies the blocks of one layer to another that it lies on or under, as far as one request may; the chain shows the same meanwhile. */
  async fold(
    into: string,
    { from, how, apart }: FoldAsk,
  ): Promise<{ readonly done: boolean; readonly utilisation: number }> {
    const answer = await this.ask({
      method: 'POST',
      path: `/layers/${into}/fold`,
      query: { from, how, apart: String(apart) },
    });
    return JSON.parse((await buffer(answer)).toString()) as { done: boolean; utilisation: number };
  }
  /** Frees its bytes; what it changed stays known. */
  async empty(id: string): Promise<void> {
    (await this.ask({ method: 'DELETE', path: `/layers/${id}/blocks` })).resume();
  }

  private ask(ask: Ask): Promise<IncomingMessage> {
    return ask.body ? this.askOnce(ask) : withRetries(() => this.askOnce(ask), ask.signal);
  }

  private async askOnce({ method, path, query = {}, body, signal }: Ask): Promise<IncomingMessage> {
    const url = new URL(`${this.settings.imagesUrl}${path}?${new URLSearchParams(query).toString()}`);
    const headers = {
      authorization: `Bearer ${this.settings.imagesSecret ?? ''}`,
      ...(body ? { 'content-type': framesType } : {}),
    };
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method,
      headers,
      ...(signal ? { signal } : {}),
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) =>
      request.once('response', resolve).once('error', reject),
    );
    const broken: Broken = {};
    const sent = body
      ? pipeline(Readable.from(noting(body, broken), { objectMode: true, highWaterMark: 1 }), request)
      : Promise.resolve(void request.end());
    const [answer] = await Promise.all([
      answered,
      sent.catch((error: unknown) => fail(error, answered)),
    ]).catch((error: unknown) => {
      throw 'why' in broken ? broken.why : body ? unreachable(error) : error;
    });
    if (answer.statusCode !== 200 && answer.statusCode !== 204) throw await refused(answer);
    return answer;
  }
}

interface Broken {
  why?: unknown;
}
/** A body that breaks destroys the request, which then fails with that alone: why it broke is kept. */
async function* noting(body: AsyncIterable<Uint8Array>, broken: Broken): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    broken.why = error;
    throw error;
  }
}

/** A server that answers before it has read all has its own word on why. */
async function fail(error: unknown, answered: Promise<IncomingMessage>): Promise<void> {
  const answer = await Promise.race([
    answered.catch(() => undefined),
    new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
  ]);
  if (!answer) throw error;
}

async function refused(answer: IncomingMessage): Promise<XenError> {
  const text = (await buffer(answer).catch(() => Buffer.alloc(0))).toString().slice(0, 500);
  return new XenError(
    'SR_BACKEND_FAILURE',
    '',
    `The image server answered ${answer.statusCode}: ${text}`,
    '',
  );
}
