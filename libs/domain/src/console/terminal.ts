/** A terminal: what stands on the screen after some text has been written to it. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly lines: readonly string[];
  readonly cursor: { readonly column: number; readonly row: number };
}

const tabStop = 8;
/** Only the last of a long text can still be seen. */
const longest = 16_384;

/** Understands new line, carriage return, backspace, tab and form feed, which clears the screen. */
export function screenOf(text: string, columns: number, rows: number): Screen {
  const shown = text.slice(Math.max(text.lastIndexOf('\f') + 1, text.length - longest));
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
  text.replaceAll('\n', '\r\n').replaceAll('\f', '\x1b[2J\x1b[H');
