/** What every process of Xenplane does around its own work: say when it is up, stop cleanly when told to, never die half-way. */
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

export function runProcess(name: string, start: () => Promise<RunningProcess>): void {
  void start()
    .then((running) => {
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
      process.stderr.write(`${name} cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    });
}

/** Fields that could hold a secret never reach a log (I10). */
const redact = { paths: ['*.password', '*.pwd', '*.token', '*.secret', '*.command_key', '*.commandKey', 'password', 'pwd', 'token', 'secret'], censor: '***' };

export function makeLog(name: string, level: string): Log {
  return pino({ name, level, redact, serializers: { error: pino.stdSerializers.err } });
}
