/** Time and randomness, injected; a test owns both. */
export interface Clock {
  /** Wall-clock time, for what is shown to people. */
  now(): Date;
  /** Elapsed milliseconds on this machine, for what is decided. */
  monotonic(): number;
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}
export interface Ids {
  uuid(): string;
}
