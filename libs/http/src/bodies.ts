/**
 * Bodies that are held in memory until they are whole. Until it is known who sends them they share a bound for all and one for
 * each address, and every one must come at a least rate.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { addressOf } from './address';

export interface BodyLimits {
  /** Of one body whose sender is not known. */
  readonly strangerBytes: number;
  /** Of all such bodies of one address, and of all. */
  readonly addressBytes: number;
  readonly allBytes: number;
  /** A body may take so long, and then has to have come at the least rate since. */
  readonly graceMs: number;
  readonly leastBytesPerSecond: number;
}
/** The body is not taken; the connection is to be closed. */
export class BodyRefused extends Error {
  constructor(
    readonly status: 400 | 408 | 413 | 503,
    text: string,
  ) {
    super(text);
    this.name = 'BodyRefused';
  }
  /** The field that the framework reads from an error with a status of its own; the text is for the client. */
  readonly expose = true;
  get statusCode(): number {
    return this.status;
  }
}
export interface Wanted {
  readonly mostBytes: number;
  /** Looks, in the first bytes of a large body, for who sends it. Without it every sender is known already. */
  readonly isKnown?: (head: Buffer) => Promise<boolean>;
}

/** Where a call names its session. */
const headBytes = 4096;
const lookMs = 1000;

class Gathering {
  readonly startedAt = performance.now();
  readonly pieces: Buffer[] = [];
  bytes = 0;
  late = false;
  /** Counted among the bodies of strangers. */
  counted = true;
  /** True once the sender was looked for. */
  looked = false;
  over = false;
  refuse: (why: BodyRefused) => void = () => undefined;

  constructor(
    readonly request: IncomingMessage,
    readonly address: string,
  ) {}
}

export class Bodies {
  private readonly gathering = new Set<Gathering>();
  private readonly held = new Map<string, number>();
  private heldInAll = 0;
  private readonly responses = new WeakMap<IncomingMessage, ServerResponse>();
  private readonly timer = setInterval(() => this.look(), lookMs).unref();

  constructor(private readonly limits: BodyLimits) {}

  /** Says which response ends what a body takes. */
  expect(request: IncomingMessage, response: ServerResponse): void {
    this.responses.set(request, response);
  }
  stop(): void {
    clearInterval(this.timer);
  }
  /** Of strangers, in bytes. */
  get size(): number {
    return this.heldInAll;
  }

  /** The whole body; BodyRefused when it is too large, too slow, or one too many. */
  take(request: IncomingMessage, wanted: Wanted): Promise<Buffer> {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > wanted.mostBytes) return Promise.reject(tooLarge(wanted.mostBytes));
    const one = new Gathering(request, addressOf(request.socket));
    one.counted = wanted.isKnown !== undefined;
    this.gathering.add(one);
    this.release(one, this.responses.get(request) ?? request);
    return new Promise<Buffer>((resolve, reject) => {
      const end = (act: () => void): void => {
        if (one.over) return;
        one.over = true;
        this.gathering.delete(one);
        request.off('data', take);
        act();
      };
      one.refuse = (why) =>
        end(() => {
          this.drop(one);
          reject(why);
        });
      const take = (piece: Buffer): void => {
        one.pieces.push(piece);
        one.bytes += piece.length;
        if (one.bytes > wanted.mostBytes) return one.refuse(tooLarge(wanted.mostBytes));
        this.count(one, piece.length);
        if (!one.over && this.isDoubtful(one, announced)) void this.identify(one, wanted);
      };
      request.on('data', take);
      request.once('end', () => end(() => resolve(Buffer.concat(one.pieces.splice(0)))));
      request.once('close', () => one.refuse(new BodyRefused(400, 'The body was cut')));
      request.once('error', () => one.refuse(new BodyRefused(400, 'The body was cut')));
    });
  }

  private isDoubtful({ counted, looked, bytes }: Gathering, announced: number): boolean {
    return counted && !looked && Math.max(bytes, announced) > this.limits.strangerBytes && bytes >= headBytes;
  }
  /** A large body is read on when its sender is known, and no longer counted. */
  private async identify(one: Gathering, { isKnown }: Wanted): Promise<void> {
    one.looked = true;
    one.request.pause();
    const known = await isKnown?.(Buffer.concat(one.pieces).subarray(0, headBytes)).catch(() => false);
    if (one.over) return;
    if (!known) return one.refuse(tooLarge(this.limits.strangerBytes));
    this.uncount(one);
    one.request.resume();
  }

  private count(one: Gathering, bytes: number): void {
    if (!one.counted) return;
    const own = (this.held.get(one.address) ?? 0) + bytes;
    this.held.set(one.address, own);
    this.heldInAll += bytes;
    if (own > this.limits.addressBytes)
      this.largest(one, ({ address, bytes: size }) => (address === one.address ? size : -1)).refuse(tooMany);
    else if (this.heldInAll > this.limits.allBytes)
      this.largest(one, ({ address }) => this.held.get(address) ?? 0).refuse(tooMany);
  }
  private uncount(one: Gathering): void {
    if (!one.counted) return;
    one.counted = false;
    const own = (this.held.get(one.address) ?? 0) - one.bytes;
    if (own > 0) this.held.set(one.address, own);
    else this.held.delete(one.address);
    this.heldInAll -= one.bytes;
  }
  /** The memory of a body is freed when its answer is given, or its connection gone. */
  private release(one: Gathering, over: ServerResponse | IncomingMessage): void {
    over.once('close', () => this.drop(one));
  }
  private drop(one: Gathering): void {
    this.uncount(one);
    one.pieces.length = 0;
  }
  /** The body under way that weighs most: a small call is not refused because of large ones. */
  private largest(otherwise: Gathering, weight: (one: Gathering) => number): Gathering {
    let found = otherwise;
    for (const one of this.gathering) {
      if (!one.counted) continue;
      const more = weight(one) - weight(found);
      if (more > 0 || (more === 0 && one.bytes > found.bytes)) found = one;
    }
    return found;
  }

  /** Twice in a row, so that bytes that have come while this process was busy are seen before. */
  private look(): void {
    const now = performance.now();
    for (const one of this.gathering) {
      const since = now - one.startedAt - this.limits.graceMs;
      const isLate =
        since > 0 && one.bytes * 1000 < since * this.limits.leastBytesPerSecond && !one.request.isPaused();
      if (isLate && one.late) one.refuse(new BodyRefused(408, 'The body came too slowly'));
      one.late = isLate;
    }
  }
}

const tooLarge = (bytes: number): BodyRefused =>
  new BodyRefused(413, `A request of more than ${bytes} bytes is not taken`);
const tooMany = new BodyRefused(503, 'Too many requests are under way');
