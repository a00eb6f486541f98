/** Runs one operation that a worker has taken: replay, go on, undo on failure, finish. */
import {
  Cancelled,
  Later,
  Lost,
  Parked,
  type Entry,
  type Held,
  type Operation,
  type OperationStore,
  type Outcome,
  type Onward,
  type Run,
  type Settlement,
  type Taken,
} from './operation';

/** An act outside the database may be done again after a crash; one in the database is done once, with its journal line. */
export type Phase = 'act outside' | 'act' | 'undo';

export interface Surroundings<Tx> {
  readonly store: OperationStore<Tx>;
  /** True if the task was asked to stop. */
  cancelled(): boolean;
  /** Code and parameters of an error that is final; undefined for one that may pass when tried again. */
  describe(error: unknown): readonly string[] | undefined;
  /** The store does not serve at present: the operation is given back and taken again, however often. */
  isOutage?(error: unknown): boolean;
  /** Code and parameters of an error that did not pass however often it was tried. */
  describeLast?(error: unknown): readonly string[];
  /** How often a step is tried on errors that may pass, and the first wait between tries. */
  readonly tries: number;
  readonly backoffMs: number;
  wait(ms: number): Promise<void>;
  /** Monotonic milliseconds. */
  now(): number;
  /** Since when each step of this operation has been put off, by this process' monotonic clock; kept from one taking to the next. */
  readonly putOff?: Map<string, number>;
  /** For the harnesses of the tests: stands around every act and undo. */
  around?<T>(step: string, phase: Phase, act: () => Promise<T>): Promise<T>;
}

interface Undo<Tx> {
  readonly step: string;
  readonly work: (tx: Tx) => Promise<void>;
  readonly outside?: () => Promise<void>;
}

class StepFailed extends Error {
  constructor(
    readonly description: readonly string[],
    readonly cancelled: boolean,
  ) {
    super(description.join(' '));
  }
}

class Running<Tx> implements Run<Tx> {
  readonly ref: string;
  readonly attempt: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly context: Readonly<Record<string, unknown>>;
  readonly undos: Undo<Tx>[] = [];
  concluded = false;
  private returnable = true;
  /** Steps that were done and are not in the journal yet: they go in with what is written next, and before another step begins. */
  private pending: readonly Entry[] = [];
  private readonly past: Map<string, Entry>;
  private readonly held: Held;
  private readonly seen = new Set<string>();
  private reported = 0;

  constructor(
    taken: Taken,
    private readonly around: Surroundings<Tx>,
  ) {
    this.held = this;
    this.ref = taken.ref;
    this.attempt = taken.attempt;
    this.method = taken.method;
    this.params = taken.params;
    this.context = taken.context;
    this.past = new Map(taken.journal.map((e) => [e.step, e]));
  }

  async step<T>(
    name: string,
    act: () => Promise<T>,
    undo?: (result: T | undefined) => Promise<void>,
  ): Promise<T> {
    const done = this.replay(name);
    // Registered before the act: an act that failed half-way is undone too.
    if (undo)
      this.register({
        step: name,
        work: async () => undefined,
        outside: () => undo(this.past.get(name)?.result as T | undefined),
      });
    if (done) return done.result as T;
    await this.flush();
    const result = await this.attemptStep(name, 'act outside', act);
    this.pending = [{ step: name, result }];
    this.past.set(name, { step: name, result });
    return result;
  }

  async commit<T>(
    name: string,
    work: (tx: Tx) => Promise<T>,
    undo?: (tx: Tx, result: T) => Promise<void>,
  ): Promise<T> {
    const done = this.replay(name);
    const result = done ? (done.result as T) : await this.commitStep(name, work);
    if (undo) this.register({ step: name, work: (tx) => undo(tx, result) });
    return result;
  }

  undo(name: string, work: () => Promise<void>): void {
    this.claimName(name);
    this.register({ step: name, work: async () => undefined, outside: work });
  }

  /** It needs no line of its own: whoever comes here again has its last step in the journal. */
  pointOfNoReturn(name: string, { outside, show }: Settlement<Tx>): Onward<Tx> {
    this.claimName(name);
    this.undos.length = 0;
    this.register({ step: name, work: show, ...(outside ? { outside } : {}) });
    this.returnable = false;
    return this;
  }

  private register(undo: Undo<Tx>): void {
    if (this.past.get(undo.step)?.undone) return;
    if (!this.returnable) throw new Error(`step ${undo.step} is past the point of no return and has an undo`);
    this.undos.push(undo);
  }

  private async commitStep<T>(name: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.attemptStep(name, 'act', () =>
      this.around.store.commit(this.held, name, work, this.pending),
    );
    this.pending = [];
    return result;
  }

  /** Journals what is pending, and more. */
  async flush(...more: readonly Entry[]): Promise<void> {
    const entries = [...this.pending, ...more];
    if (entries.length > 0) await this.around.store.append(this.held, entries);
    this.pending = [];
  }

  async conclude<T>(name: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    this.replay(name);
    const result = await this.attemptStep(name, 'act', () => this.around.store.conclude(this.held, work));
    this.concluded = true;
    return result;
  }

  checkpoint(): void {
    if (this.returnable && this.around.cancelled() && !this.past.has(failure)) throw new Cancelled(this.ref);
  }

  async progress(fraction: number): Promise<void> {
    if (fraction - this.reported < 0.05) return;
    this.reported = fraction;
    await this.around.store.progress(this.held, fraction);
  }

  /** The journal's result of the step; an operation that was failing fails again at the same place. */
  private replay(name: string): Entry | undefined {
    this.claimName(name);
    const done = this.past.get(name);
    const failed = this.past.get(failure);
    if (!done && failed) throw failedBefore(failed);
    return done;
  }

  private claimName(name: string): void {
    if (this.seen.has(name)) throw new Error(`step ${name} appears twice`);
    this.seen.add(name);
  }

  /** Gives the operation up until it is time to look again; the reason is the step's failure once the limit is over. */
  private putOff(name: string, { waitMs, limitMs, reason }: Later): never {
    const { putOff = new Map<string, number>() } = this.around;
    const now = this.around.now();
    const since = putOff.get(name) ?? now;
    const waitedMs = now - since;
    if (waitedMs >= limitMs) throw reason;
    this.checkpoint();
    putOff.set(name, since);
    throw new Parked(this.ref, Math.max(waitMs, Math.min(waitedMs * laterShare, longestWaitMs)));
  }

  private async attemptStep<T>(name: string, phase: Phase, act: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await (this.around.around ? this.around.around(name, phase, act) : act());
      } catch (error) {
        if (error instanceof Later) this.putOff(name, error);
        if (
          error instanceof Lost ||
          error instanceof Cancelled ||
          this.around.describe(error) ||
          tried >= this.around.tries
        )
          throw error;
        await this.around.wait(this.around.backoffMs * 2 ** (tried - 1));
      }
    }
  }
}

/** The share of the time that it has waited already that an operation waits before it looks again, and the longest such wait: shorter than what the sweeper takes for idle. */
const laterShare = 1 / 16,
  longestWaitMs = 4_000;

/** The journal's name for the failure that began the undoing; no step may be called so. */
const failure = '!failed';

const failedBefore = ({ error = [], result }: Entry): StepFailed =>
  new StepFailed(error, result === 'cancelled');

/** The client's error for one that no step could get past. */
function describe<Tx>(error: unknown, around: Surroundings<Tx>): StepFailed {
  if (error instanceof StepFailed) return error;
  if (error instanceof Cancelled) return new StepFailed(['TASK_CANCELLED', error.ref], true);
  const last = around.describeLast?.(error) ?? [
    'INTERNAL_ERROR',
    error instanceof Error ? error.message : String(error),
  ];
  return new StepFailed(around.describe(error) ?? last, false);
}

async function undoAll<Tx>(run: Running<Tx>, around: Surroundings<Tx>): Promise<void> {
  for (const undo of run.undos.reverse()) {
    const act = async (): Promise<void> => {
      await undo.outside?.();
      await around.store.undo(run, undo.step, undo.work);
    };
    await (around.around ? around.around(undo.step, 'undo', act) : act());
  }
}

/** Runs a taken operation to its end. Throws only Lost, Parked or an outage, or what an undo could not get past: then it is taken up again later. */
export async function execute<Tx>(
  operation: Operation<Tx>,
  taken: Taken,
  around: Surroundings<Tx>,
): Promise<Outcome> {
  const run = new Running(taken, around);
  let outcome: Outcome;
  try {
    outcome = { result: await operation(run, taken.params) };
  } catch (error) {
    if (error instanceof Parked) await run.flush();
    if (error instanceof Lost || error instanceof Parked || around.isOutage?.(error)) throw error;
    // The first failure is the operation's, whatever else is found while it is undone.
    const known = taken.journal.find((e) => e.step === failure);
    const failed = known ? failedBefore(known) : describe(error, around);
    if (!known)
      await run.flush({
        step: failure,
        error: failed.description,
        result: failed.cancelled ? 'cancelled' : 'failed',
      });
    await undoAll(run, around);
    outcome = failed.cancelled
      ? { cancelled: true, error: failed.description }
      : { error: failed.description };
  }
  if (!run.concluded) await around.store.finish(run, outcome);
  return outcome;
}
