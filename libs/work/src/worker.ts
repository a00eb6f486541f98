/** Takes operations, runs them, says that it lives. Any number of workers in any number of processes. */
import { execute, type Surroundings } from './execute';
import { Lost, Parked, type Held, type Operation, type OperationStore } from './operation';

export interface WorkerOptions<Tx> {
  readonly owner: string;
  readonly store: OperationStore<Tx>;
  readonly operations: ReadonlyMap<string, Operation<Tx>>;
  readonly describe: Surroundings<Tx>['describe'];
  readonly isOutage?: Surroundings<Tx>['isOutage'];
  readonly describeLast?: Surroundings<Tx>['describeLast'];
  readonly around?: Surroundings<Tx>['around'];
  readonly beatMs?: number;
  readonly tries?: number;
  readonly backoffMs?: number;
  /** Monotonic milliseconds; of this process where none is given. */
  readonly now?: () => number;
  /** Called with every error that left an operation unfinished. */
  readonly onError?: (ref: string, error: unknown) => void;
}

const monotonic = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

export class OperationWorker<Tx> {
  private readonly cancelled = new Set<string>();
  private readonly running = new Map<string, Promise<void>>();
  private readonly parked = new Set<NodeJS.Timeout>();
  private readonly putOff = new Map<string, Map<string, number>>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly options: WorkerOptions<Tx>) {}

  start(): void {
    this.timer = setInterval(() => void this.beat(), this.options.beatMs ?? 1000);
    this.timer.unref();
  }

  /** Waits for what is running; nothing new is taken by itself. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    this.parked.forEach((timer) => clearTimeout(timer));
    await Promise.allSettled(this.running.values());
  }

  /** Runs the operation unless it is done or somebody else has it. */
  async run(ref: string): Promise<void> {
    const present = this.running.get(ref);
    if (present) return present;
    const run = this.takeAndRun(ref).finally(() => this.running.delete(ref));
    this.running.set(ref, run);
    return run;
  }

  private async takeAndRun(ref: string): Promise<void> {
    const { store, owner, operations } = this.options;
    const taken = await store.take(ref, owner);
    if (!taken) return void this.putOff.delete(ref);
    if (taken.cancelRequested) this.cancelled.add(ref);
    const operation = operations.get(taken.method);
    if (!operation) throw new Error(`no operation ${taken.method}`);
    try {
      await execute(operation, taken, this.surroundings(ref));
      this.putOff.delete(ref);
    } catch (error) {
      if (error instanceof Parked) return await this.park(taken, error);
      this.putOff.delete(ref);
      this.options.onError?.(ref, error);
      if (!(error instanceof Lost)) await store.release(taken).catch(() => undefined);
    } finally {
      this.cancelled.delete(ref);
    }
  }

  /** Should this process end meanwhile, or the database be away then, the sweeper finds the operation. */
  private async park(held: Held, { ref, waitMs }: Parked): Promise<void> {
    await this.options.store.release(held).catch(() => undefined);
    if (this.stopped) return;
    const timer = setTimeout(() => {
      this.parked.delete(timer);
      this.run(ref).catch((error: unknown) => this.options.onError?.(ref, error));
    }, waitMs);
    this.parked.add(timer);
  }

  private surroundings(ref: string): Surroundings<Tx> {
    const putOff = this.putOff.get(ref) ?? new Map<string, number>();
    this.putOff.set(ref, putOff);
    const { store, describe, isOutage, describeLast, around, tries = 5, backoffMs = 100 } = this.options;
    return {
      store,
      describe,
      isOutage,
      describeLast,
      around,
      tries,
      backoffMs,
      putOff,
      cancelled: () => this.cancelled.has(ref),
      now: this.options.now ?? monotonic,
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    };
  }

  private async beat(): Promise<void> {
    if (this.running.size === 0) return;
    try {
      for (const ref of await this.options.store.beat(this.options.owner)) this.cancelled.add(ref);
    } catch (error) {
      this.options.onError?.('beat', error);
    }
  }
}
