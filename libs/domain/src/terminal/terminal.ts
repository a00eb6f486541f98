/** A terminal: what stands on the screen after some text has been written to it. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly lines: readonly string[];
  readonly cursor: { readonly column: number; readonly row: number };
}

export type Size = Pick<Screen, 'columns' | 'rows'>;

const tabStop = 8;
/** Only the last of a long text can still be seen. */
const longest = 16_384;
const clearing = '\x1b[2J';
const sequences = /\x1b\[[0-9;?]*[A-Za-z]/g;

/** Understands new line, carriage return, backspace and tab; a form feed or its sequence clears the screen, others do nothing. */
export function screenOf(text: string, columns: number, rows: number): Screen {
  const cleared = Math.max(text.lastIndexOf('\f'), text.lastIndexOf(clearing));
  const shown = text.slice(Math.max(cleared, text.length - longest, 0)).replace(sequences, '');
  const lines: string[][] = [[]];
  let column = 0;
  const put = (c: string): void => {
    if (column === columns) {
      lines.push([]);
      column = 0;
    }
    const line = lines.at(-1) ?? [];
    while (line.length < column) line.push(' ');
    line[column] = c;
    column += 1;
  };
  for (const c of shown) {
    if (c === '\n') {
      lines.push([]);
      column = 0;
    } else if (c === '\r') column = 0;
    else if (c === '\b') column = Math.max(0, column - 1);
    else if (c === '\t')
      do put(' ');
      while (column % tabStop !== 0 && column < columns);
    else if (c >= ' ') put(c);
  }
  const visible = lines.slice(-rows).map((line) => line.join('').trimEnd());
  return {
    columns,
    rows,
    lines: visible,
    cursor: { column: Math.min(column, columns - 1), row: visible.length - 1 },
  };
}

/** The same text for a client's own terminal. */
export const vt100 = (text: string): string =>
  text.replaceAll('\n', '\r\n').replaceAll('\f', `${clearing}\x1b[H`);

/** The sequence by which a console says how large its screen is, as xterm knows it. */
export const windowSize = ({ columns, rows }: Size): string => `\x1b[8;${rows};${columns}t`;

const sizes = /\x1b\[8;(\d{1,3});(\d{1,3})t/g;
/** The beginning of a sequence whose rest is still to come. */
const unfinished = /\x1b(\[[0-9;]{0,8})?$/;

/** What a console has written so far, of which the last is kept, and how large its screen is. */
export class Output {
  private all = '';
  private rest = '';
  /** How much came before what is kept. */
  private dropped = 0;

  constructor(
    private present: Size,
    private readonly longestKept = 65_536,
  ) {}

  read(): { readonly from: number; readonly text: string; readonly size: Size } {
    return { from: this.dropped, text: this.all, size: this.present };
  }
  write(text: string): void {
    const whole = this.rest + text;
    this.rest = unfinished.exec(whole)?.[0] ?? '';
    const ready = whole.slice(0, whole.length - this.rest.length);
    this.all += ready.replace(sizes, (_sequence, rows: string, columns: string) => {
      this.present = sizeWithin(Number(columns), Number(rows));
      return '';
    });
    const surplus = this.all.length > this.longestKept ? this.all.length - this.longestKept / 2 : 0;
    this.all = this.all.slice(surplus);
    this.dropped += surplus;
  }
}
/** A screen that can be drawn, whatever the console says. */
const sizeWithin = (columns: number, rows: number): Size => ({
  columns: Math.min(Math.max(columns, 1), 200),
  rows: Math.min(Math.max(rows, 1), 100),
});
