/**
 * A durable operation: an ordinary async function whose steps are journalled. After a crash it is run again from the start;
 * steps that are in the journal answer what they answered then, the first that is not is done (again). When a step fails
 * for good, the undos of the steps before it run in reverse. Every act and undo must therefore be idempotent.
 */

/** One line of the journal: a step that was done, or the one whose failure began the undoing. */
export interface Entry {
  readonly step: string;
  readonly result?: unknown;
  readonly error?: readonly string[];
  readonly undone?: true;
}

/** The row of an operation, as a worker takes it. */
export interface Taken {
  readonly ref: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly context: Readonly<Record<string, unknown>>;
  /** Grows each time a worker takes the operation; every later write of that worker must still find it so (R2). */
  readonly attempt: number;
  readonly journal: readonly Entry[];
  readonly cancelRequested: boolean;
}

/** Where operations live; implemented over Postgres by libs/xapi. `Lost` is thrown when the attempt is no longer current. */
export interface OperationStore<Tx> {
  /** The operation, owned from now on; undefined when it is done, gone or owned by another. */
  take(ref: string, owner: string): Promise<Taken | undefined>;
  /** Does the work and journals its answer, behind the entries before it, in one transaction. */
  commit<T>(held: Held, step: string, work: (tx: Tx) => Promise<T>, before: readonly Entry[]): Promise<T>;
  append(held: Held, entries: readonly Entry[]): Promise<void>;
  /** Does the undo and journals that it is done, in one transaction; an undo of its own gets a line of its own. */
  undo(held: Held, step: string, work: (tx: Tx) => Promise<void>): Promise<void>;
  progress(held: Held, fraction: number): Promise<void>;
  /** The last transaction of an operation: its effect, its task's end and the release of what it had marked. */
  finish(held: Held, outcome: Outcome): Promise<void>;
  /** `finish` with a result, in one transaction with the work that makes it. */
  conclude<T>(held: Held, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Gives the operation up so that any worker may take it again. */
  release(held: Held): Promise<void>;
  /** Says that this owner lives; answers which of its operations were asked to stop. */
  beat(owner: string): Promise<readonly string[]>;
  /** Operations that nobody owns and nobody touched for this long. */
  idle(ms: number): Promise<readonly Sighting[]>;
  /** Operations that somebody owns, with how far they have come. */
  owned(): Promise<readonly Sighting[]>;
  /** Takes an operation from an owner who has not moved since the sighting; false when it has. */
  disown(sighting: Sighting): Promise<boolean>;
}
export interface Held extends Pick<Taken, 'ref' | 'method' | 'params'> {
  readonly attempt: number;
}
export interface Sighting {
  readonly ref: string;
  readonly attempt: number;
  readonly beat: number;
}
export type Outcome =
  | { readonly result: unknown }
  | { readonly error: readonly string[] }
  | { readonly cancelled: true; readonly error: readonly string[] };

export class Lost extends Error {
  constructor(ref: string) {
    super(`operation ${ref} belongs to another attempt`);
    this.name = 'Lost';
  }
}
/** Thrown at a safe point of an operation that was asked to stop. */
export class Cancelled extends Error {
  constructor(readonly ref: string) {
    super(`operation ${ref} was cancelled`);
    this.name = 'Cancelled';
  }
}

/** Thrown by a step that cannot be done yet: the operation is parked and the step tried again after the wait, for `limitMs` in all; then it fails with the cause. */
export class Later extends Error {
  constructor(
    readonly waitMs: number,
    readonly limitMs: number,
    readonly reason: Error,
  ) {
    super(reason.message);
    this.name = 'Later';
  }
}

/** Thrown by an operation that waits for something, in a step, an undo or between: it is given up and taken again after the wait, holding nothing meanwhile. */
export class Parked extends Error {
  constructor(
    readonly ref: string,
    readonly waitMs: number,
  ) {
    super(`operation ${ref} waits`);
    this.name = 'Parked';
  }
}

/** The rest of an operation that cannot be undone any more: steps without undos. */
export interface Onward<Tx = unknown> {
  readonly ref: string;
  readonly attempt: number;
  /** An effect outside the database; `act` may run again after a crash. */
  step<T>(name: string, act: () => Promise<T>): Promise<T>;
  /** An effect in the database, done exactly once together with its journal line. */
  commit<T>(name: string, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** The last effect of all, done in one transaction with the end of the operation. Nothing may follow it. */
  conclude<T>(name: string, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Reports the progress of the operation, 0 to 1; written at most a few times a second. */
  progress(fraction: number): Promise<void>;
}

/** How an operation that fails past its point of no return is brought to its end; both parts may be done again after a crash. */
export interface Settlement<Tx> {
  /** What is left to do outside the database. */
  readonly outside?: () => Promise<void>;
  /** Shows what has come about. */
  readonly show: (tx: Tx) => Promise<void>;
}

export interface Run<Tx = unknown> extends Onward<Tx> {
  readonly context: Readonly<Record<string, unknown>>;
  /** An effect outside the database; `act` may run again after a crash. */
  step<T>(name: string, act: () => Promise<T>, undo?: (result: T | undefined) => Promise<void>): Promise<T>;
  /** An effect in the database, done exactly once together with its journal line. */
  commit<T>(
    name: string,
    work: (tx: Tx) => Promise<T>,
    undo?: (tx: Tx, result: T) => Promise<void>,
  ): Promise<T>;
  /** Registers an undo of effects outside that belong to no single step, such as those of all steps that follow. */
  undo(name: string, work: () => Promise<void>): void;
  /**
   * From here on the operation only goes forward: the undos that were registered are dropped, and an operation that fails
   * nevertheless is settled. It cannot be cancelled any more.
   */
  pointOfNoReturn(name: string, settlement: Settlement<Tx>): Onward<Tx>;
  /** A safe point: throws Cancelled when the task was asked to stop. */
  checkpoint(): void;
}
export type Operation<Tx, P = Readonly<Record<string, unknown>>> = (
  run: Run<Tx>,
  params: P,
) => Promise<unknown>;
