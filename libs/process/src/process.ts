/** Common to all processes of Xenplane: reporting that it is up, stopping cleanly on a signal, never dying half-way. */
import pino from 'pino';

export interface Log {
  info(fields: Readonly<Record<string, unknown>>, text: string): void;
  warn(fields: Readonly<Record<string, unknown>>, text: string): void;
  error(fields: Readonly<Record<string, unknown>>, text: string): void;
}
export interface RunningProcess {
  stop(): Promise<void>;
}

const longestStopMs = 10_000;

interface ProcessOptions {
  /** It serves others: from when it is up, an exception that nobody caught is logged, and the process goes on. */
  readonly serves?: true;
}

/**
 * An exception from a callback or a promise that nobody waits for concerns one request, since all that a server keeps beyond a
 * request is read anew from the database or from its peers. Ending the process would end every other request with it, and, where
 * it is the only one, the leases of all hosts. A process that only works through operations ends instead: its operations go on
 * elsewhere from their journals.
 */
function surviveExceptions(name: string): void {
  const log = makeLog(name, 'error');
  process.on('uncaughtException', (error, origin) =>
    log.error({ error, origin }, 'an exception was caught by nobody'),
  );
}

export function runProcess(
  name: string,
  start: () => Promise<RunningProcess>,
  { serves }: ProcessOptions = {},
): void {
  void start()
    .then((running) => {
      if (serves) surviveExceptions(name);
      process.stdout.write(`${name} is up\n`);
      const stop = (): void => {
        setTimeout(() => process.exit(1), longestStopMs).unref();
        void running.stop().then(
          () => process.exit(0),
          () => process.exit(1),
        );
      };
      process.once('SIGTERM', stop);
      process.once('SIGINT', stop);
    })
    .catch((error: unknown) => {
      process.stderr.write(
        `${name} cannot start: ${error instanceof Error ? error.message : String(error)}\n`,
      );
      process.exit(1);
    });
}

/** Fields that could hold a secret never reach a log (I10). */
const redact = {
  paths: [
    '*.password',
    '*.pwd',
    '*.token',
    '*.secret',
    '*.command_key',
    '*.commandKey',
    'password',
    'pwd',
    'token',
    'secret',
  ],
  censor: '***',
};

export function makeLog(name: string, level: string): Log {
  return pino({ name, level, redact, serializers: { error: pino.stdSerializers.err } });
}
