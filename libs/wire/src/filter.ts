/**
 * The expressions of get_all_records_where: `field "name__label" = "x"`, `true`, `false`, `and`, `or`, `not`, parentheses. As in xapi
 * `and` and `or` bind alike, from left to right; `not` takes all that follows it; texts know no escapes; either side of `=` may be a field.
 */
import { XenError } from '@xenplane/model';
import { printable } from './text';

export type Operand = { readonly field: string } | { readonly literal: string };
export type Filter =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'equal'; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'not'; readonly of: Filter }
  | {
      readonly kind: 'chain';
      readonly first: Filter;
      readonly rest: readonly { readonly joint: 'and' | 'or'; readonly filter: Filter }[];
    };

/** Parentheses and negations inside one another. */
export const deepestFilter = 16;
/** In characters. */
export const longestFilter = 65_536;

const refuse = (why: string): XenError => new XenError('INTERNAL_ERROR', `Expression: ${why}`);
type Word = 'true' | 'false' | 'field' | 'and' | 'or' | 'not' | '(' | ')' | '=';

class Tokens {
  private at = 0;
  constructor(private readonly text: string) {}

  /** Takes the word if it comes next. */
  take(word: Word): boolean {
    this.skip();
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }
  /** The text between double quotes that comes next, if one does. */
  quoted(): string | undefined {
    this.skip();
    if (this.text[this.at] !== '"') return undefined;
    const end = this.text.indexOf('"', this.at + 1);
    if (end < 0) throw refuse('a text without end');
    const inside = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return inside;
  }
  get done(): boolean {
    this.skip();
    return this.at === this.text.length;
  }
  unexpected(): XenError {
    return refuse(
      this.done
        ? 'it ends too early'
        : `unexpected ${JSON.stringify(printable(this.text.slice(this.at, this.at + 20)))} at ${this.at}`,
    );
  }
  private skip(): void {
    while (' \t\n\r'.includes(this.text.charAt(this.at) || '.')) this.at++;
  }
}

/** Throws INTERNAL_ERROR for what is no expression, is too long or nests too deep. */
export function parseFilter(text: string): Filter {
  if (text.length > longestFilter) throw refuse(`longer than ${longestFilter} characters`);
  const tokens = new Tokens(text);
  const filter = chain(tokens, 0);
  if (!tokens.done) throw tokens.unexpected();
  return filter;
}

function chain(tokens: Tokens, depth: number): Filter {
  if (depth > deepestFilter) throw refuse(`nested deeper than ${deepestFilter}`);
  const first = term(tokens, depth);
  const rest: { joint: 'and' | 'or'; filter: Filter }[] = [];
  for (;;) {
    const joint = tokens.take('and') ? 'and' : tokens.take('or') ? 'or' : undefined;
    if (!joint) return rest.length === 0 ? first : { kind: 'chain', first, rest };
    rest.push({ joint, filter: term(tokens, depth) });
  }
}

function term(tokens: Tokens, depth: number): Filter {
  if (tokens.take('not')) return { kind: 'not', of: chain(tokens, depth + 1) };
  if (tokens.take('true')) return { kind: 'constant', value: true };
  if (tokens.take('false')) return { kind: 'constant', value: false };
  if (!tokens.take('(')) return equality(tokens);
  const inside = chain(tokens, depth + 1);
  if (!tokens.take(')')) throw tokens.unexpected();
  return inside;
}

function equality(tokens: Tokens): Filter {
  const left = operand(tokens);
  if (!tokens.take('=')) throw tokens.unexpected();
  return { kind: 'equal', left, right: operand(tokens) };
}

function operand(tokens: Tokens): Operand {
  const isField = tokens.take('field');
  const text = tokens.quoted();
  if (text === undefined) throw tokens.unexpected();
  return isField ? { field: wireName(text) } : { literal: text };
}

/** A field's name in xapi's database has `__` where its parts meet, on the wire `_`; both are understood. */
const wireName = (name: string): string => name.replaceAll('__', '_');

/** Evaluates an expression for an object, whose fields `lookup` gives by their names on the wire. INTERNAL_ERROR for one that it does not have. */
export function evaluate(filter: Filter, lookup: (field: string) => unknown): boolean {
  switch (filter.kind) {
    case 'constant':
      return filter.value;
    case 'equal':
      return textOfOperand(filter.left, lookup) === textOfOperand(filter.right, lookup);
    case 'not':
      return !evaluate(filter.of, lookup);
    case 'chain':
      return filter.rest.reduce(
        (so, { joint, filter: next }) =>
          joint === 'and' ? so && evaluate(next, lookup) : so || evaluate(next, lookup),
        evaluate(filter.first, lookup),
      );
  }
}

function textOfOperand(operand: Operand, lookup: (field: string) => unknown): string {
  return 'literal' in operand ? operand.literal : fieldText(lookup(operand.field), operand.field);
}

/** A value as xapi's database writes it; sets and maps are lists in parentheses. */
function fieldText(value: unknown, field: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  if (typeof value !== 'object' || value === null)
    throw refuse(`there is no field ${JSON.stringify(printable(field))}`);
  const items = Array.isArray(value)
    ? value.map((v) => atom(v))
    : Object.entries(value).map(([k, v]) => `(${atom(k)} ${atom(v)})`);
  return `(${items.join(' ')})`;
}
const atom = (value: unknown): string => `'${String(value).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
