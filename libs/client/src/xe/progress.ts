/** How far a task is, drawn on standard error for who gives `--progress`, as xapi draws it. */
import type { Progress } from '../api';
import { optional, type Arguments } from './arguments';
import type { Printer } from './printer';
import type { Terminal } from './terminal';

const width = 80,
  track = width - '[*] '.length - '  (   % ETA   :  :  )'.length;
const two = (n: number): string => String(n).padStart(2, '0');
function clock(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours > 99 ? '++:++:++' : `${two(hours)}:${two(minutes)}:${two(seconds % 60)}`;
}
const units = [
  ['d', 86_400_000, 'h', 3_600_000],
  ['h', 3_600_000, 'min', 60_000],
  ['min', 60_000, 's', 1000],
] as const;
/** A time in its two largest units, or below a minute in three figures; rounded up. */
export function span(ms: number): string {
  for (const [unit, size, small, smaller] of units)
    if (ms >= size) {
      const rest = Math.ceil((ms % size) / smaller);
      return `${Math.floor(ms / size)}${unit}${rest > 0 ? `${rest}${small}` : ''}`;
    }
  const [value, unit] = ms >= 1000 ? [ms / 1000, 's'] : [ms, 'ms'];
  const steps = value >= 100 ? 1 : value >= 10 ? 10 : 100;
  return `${Math.ceil(value * steps) / steps}${unit}`;
}

/** A line for each news of the task. */
const percentages =
  (printer: Printer): Progress =>
  (fraction, over) => {
    const percent = Math.floor(fraction * 100);
    printer.note(
      `\r ${String(percent).padStart(3)}% ${'|/-\\'[percent % 4] ?? '|'} ${'#'.repeat(Math.floor(fraction * 70))}`,
    );
    if (over) printer.note('\n');
  };
/** A bar in place, drawn whenever it has grown, and how long it took. */
export function bar(write: (text: string) => void, now: () => number = Date.now): Progress {
  const start = now();
  let drawn = 0,
    turns = 0;
  return (fraction, over) => {
    const done = Math.min(1, Math.max(0, fraction)),
      filled = Math.floor(done * track);
    if (filled !== drawn) {
      const left = Math.floor(((now() - start) * (1 / done - 1)) / 1000);
      const line = `[${'-\\|/'[turns++ % 4] ?? '-'}] ${`${'#'.repeat(filled - 1)}>`.padEnd(track + 1)}(${String(Math.floor(done * 100)).padStart(3)}% ETA ${clock(left)})`;
      write(`\r${line.padEnd(width)}`);
      drawn = filled;
    }
    if (over) write(`\nTotal time: ${span(now() - start)}\n`);
  };
}

const lifeCommands = new Set(['vm-start', 'vm-suspend', 'vm-resume', 'vm-shutdown']),
  diskCommands = new Set(['vdi-import', 'vdi-export']);
/** The progress of tasks that a command shows. */
export function progressOf(args: Arguments, printer: Printer, terminal: Terminal): Progress {
  if (optional(args, 'progress') === undefined) return (fraction) => terminal.onProgress(fraction);
  if (lifeCommands.has(args.command)) return percentages(printer);
  return diskCommands.has(args.command)
    ? bar((text) => terminal.printError(text))
    : (fraction) => terminal.onProgress(fraction);
}
