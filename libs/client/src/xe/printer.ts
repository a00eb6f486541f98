/** The output of commands: tables, lists and messages for people; for scripts the values alone, in one line at the end. */
import { lines, minimal, type Cell } from './objects';
import type { Terminal } from './terminal';

export interface Printer {
  /** Records, each followed by an empty line; of each a script gets the first value. */
  table(records: readonly (readonly Cell[])[]): void;
  /** Values, one a line. */
  list(values: readonly string[]): void;
  /** Words that are for people alone, as are those of `note`, which go to standard error. */
  message(text: string): void;
  note(text: string): void;
  /** The end of a command that has succeeded. */
  flush(): void;
}

export const printerFor = (terminal: Terminal, forScripts: boolean): Printer =>
  forScripts ? scriptsPrinter(terminal) : peoplesPrinter(terminal);

const peoplesPrinter = (terminal: Terminal): Printer => ({
  table: (records) => records.forEach((cells) => terminal.print(`${lines(cells)}\n\n`)),
  list: (values) => values.forEach((value) => terminal.print(value)),
  message: (text) => terminal.print(text),
  note: (text) => terminal.printError(`${text}\n`),
  flush: () => undefined,
});
/** The last printed object comes first, as with xapi. */
function scriptsPrinter(terminal: Terminal): Printer {
  const pieces: string[] = [];
  return {
    table: (records) => {
      if (records[0] && records[0].length > 0)
        pieces.unshift(minimal(records.map(([first]) => first?.value ?? '')));
    },
    list: (values) => void pieces.unshift(minimal(values)),
    message: () => undefined,
    note: () => undefined,
    flush: () => terminal.print(pieces.join(',')),
  };
}

/** A record of names and values as they are. */
export const cellsOf = (entries: Readonly<Record<string, string>>): Cell[] =>
  Object.entries(entries).map(([name, value]) => ({ name, value }));
