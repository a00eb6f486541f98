/**
 * The expressions of get_all_records_where: `true`, `false`, `field "name" = "literal"` and `field "a" = field "b"`,
 * joined by and, or, not and parentheses. Field names may be written as xapi's database has them (`name__label`).
 */
import { XenError } from '@xenplane/model';

type Side = { readonly field: string } | { readonly literal: string };
export type Filter =
  | { readonly is: 'constant'; readonly value: boolean }
  | { readonly is: 'equal'; readonly left: Side; readonly right: Side }
  | { readonly is: 'not'; readonly of: Filter }
  | { readonly is: 'and' | 'or'; readonly left: Filter; readonly right: Filter };

const longest = 64 * 1024;
const deepest = 16;
const token = /\s*(?:(and|or|not|true|false|field)\b|([()=])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')/iy;

interface Token {
  readonly word?: string;
  readonly text?: string;
}
const bad = (why: string): XenError => new XenError('INTERNAL_ERROR', `Cannot parse the expression: ${why}`);

function tokens(expression: string): Token[] {
  if (expression.length > longest) throw bad('it is too long');
  const found: Token[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < expression.trimEnd().length) {
    const at = token.lastIndex,
      match = token.exec(expression);
    if (!match) throw bad(`at ${at}`);
    const text = match[3] ?? match[4];
    found.push(text === undefined ? { word: (match[1] ?? match[2] ?? '').toLowerCase() } : { text: text.replace(/\\(.)/g, '$1') });
  }
  return found;
}

class Parser {
  private at = 0;
  constructor(private readonly list: readonly Token[]) {}

  whole(): Filter {
    const filter = this.or(0);
    if (this.at < this.list.length) throw bad('something after its end');
    return filter;
  }
  private or(depth: number): Filter {
    let left = this.and(depth);
    while (this.takes('or')) left = { is: 'or', left, right: this.and(depth) };
    return left;
  }
  private and(depth: number): Filter {
    let left = this.not(depth);
    while (this.takes('and')) left = { is: 'and', left, right: this.not(depth) };
    return left;
  }
  private not(depth: number): Filter {
    if (depth > deepest) throw bad('it is nested too deep');
    return this.takes('not') ? { is: 'not', of: this.not(depth + 1) } : this.atom(depth);
  }
  private atom(depth: number): Filter {
    if (this.takes('true')) return { is: 'constant', value: true };
    if (this.takes('false')) return { is: 'constant', value: false };
    if (this.takes('(')) {
      const inner = this.or(depth + 1);
      if (!this.takes(')')) throw bad('a parenthesis is not closed');
      return inner;
    }
    const left = this.side();
    if (!this.takes('=')) throw bad('= is missing');
    return { is: 'equal', left, right: this.side() };
  }
  private side(): Side {
    const field = this.takes('field');
    const text = this.list[this.at]?.text;
    if (text === undefined) throw bad('a name or text is missing');
    this.at += 1;
    return field ? { field: text.replaceAll('__', '_') } : { literal: text };
  }
  private takes(word: string): boolean {
    if (this.list[this.at]?.word !== word) return false;
    this.at += 1;
    return true;
  }
}

export const parseFilter = (expression: string): Filter => new Parser(tokens(expression)).whole();

function textOf(side: Side, lookup: (field: string) => unknown): string {
  if ('literal' in side) return side.literal;
  const value = lookup(side.field);
  if (value === undefined) throw new XenError('INTERNAL_ERROR', `There is no field ${side.field}`);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Whether the expression holds of an object whose fields `lookup` answers. */
export function evaluate(filter: Filter, lookup: (field: string) => unknown): boolean {
  switch (filter.is) {
    case 'constant':
      return filter.value;
    case 'not':
      return !evaluate(filter.of, lookup);
    case 'and':
      return evaluate(filter.left, lookup) && evaluate(filter.right, lookup);
    case 'or':
      return evaluate(filter.left, lookup) || evaluate(filter.right, lookup);
    case 'equal':
      return textOf(filter.left, lookup) === textOf(filter.right, lookup);
  }
}
