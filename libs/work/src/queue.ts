/**
 * BullMQ as a doorbell: a job says «look at this operation» and nothing else. A job may be lost, repeated, stalled or
 * reordered; the operation's row decides. The job's id holds the attempt, so that ringing again after a take-over is never
 * mistaken for the ring that got lost with the former owner.
 */
import { Queue, Worker, type ConnectionOptions } from 'bullmq';

export const operationsQueue = 'operations';
interface Ring {
  readonly ref: string;
}

/** Fails at once when Redis is away: the sweeper rings again, nobody waits here. */
const toRing = (redisUrl: string): ConnectionOptions => ({
  url: redisUrl,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
});
const toServe = (redisUrl: string): ConnectionOptions => ({ url: redisUrl, maxRetriesPerRequest: null });

export class Doorbell {
  private readonly queue: Queue<Ring>;

  constructor(redisUrl: string, prefix: string) {
    this.queue = new Queue<Ring>(operationsQueue, {
      connection: toRing(redisUrl),
      prefix,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    this.queue.on('error', () => undefined);
  }

  /** Never throws and never waits long: a ring that Redis did not take is made up for by the sweeper. */
  async ring(rings: readonly { readonly ref: string; readonly attempt: number }[]): Promise<void> {
    if (rings.length === 0) return;
    const jobs = rings.map(({ ref, attempt }) => ({
      name: 'run',
      data: { ref },
      opts: { jobId: `${ref.replace('OpaqueRef:', '')}.${attempt}` },
    }));
    await this.queue.addBulk(jobs).catch(() => undefined);
  }

  /** True if a worker listens on the queue. */
  async served(): Promise<boolean> {
    return (await this.queue.getWorkersCount().catch(() => 0)) > 0;
  }

  async close(): Promise<void> {
    await this.queue.close().catch(() => undefined);
  }
}

export interface Serving {
  close(): Promise<void>;
}

/** Serves rings until closed, at most `concurrency` at once. */
export function serve(
  redisUrl: string,
  prefix: string,
  concurrency: number,
  run: (ref: string) => Promise<void>,
): Serving {
  const worker = new Worker<Ring>(operationsQueue, (job) => run(job.data.ref), {
    connection: toServe(redisUrl),
    prefix,
    concurrency,
    lockDuration: 30_000,
    stalledInterval: 15_000,
    maxStalledCount: 1_000,
  });
  worker.on('error', () => undefined);
  return { close: () => worker.close() };
}
