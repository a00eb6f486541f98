/**
 * Values as they come off a wire, before the model says what they should be. Strings, booleans, arrays and nil are JavaScript's own;
 * a struct is an object whose members are data whatever their names; JSON's numbers are numbers; all else keeps its text, so that
 * nothing is rounded before its type is known.
 */
import { XenError } from '@xenplane/model';
import { assertText, printable } from './text';

/** A typed element of XML-RPC, or a JSON integer too long for a number, with its text as it was sent. */
export class Scalar {
  constructor(
    readonly tag: 'int' | 'double' | 'dateTime' | 'base64',
    readonly text: string,
  ) {}
}
export interface UntypedStruct {
  readonly [member: string]: Untyped;
}
export type Untyped = string | number | boolean | null | Scalar | readonly Untyped[] | UntypedStruct;

export const isStruct = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Scalar);

/** An object whose every member is data, `__proto__` and `constructor` included. */
export const emptyStruct = <T>(): Record<string, T> => Object.create(null) as Record<string, T>;

function shown(value: unknown): string {
  if (typeof value === 'string') return `string ${JSON.stringify(printable(value))}`;
  if (value instanceof Scalar) return `${value.tag} ${printable(value.text)}`;
  if (Array.isArray(value)) return 'an array';
  if (isStruct(value)) return 'a struct';
  return value === null || value === undefined ? 'nil' : `${typeof value} ${String(value)}`;
}

/** Throws INVALID_VALUE for the first text among the values, names of members included, that no string may hold. */
export function assertTexts(values: readonly Untyped[]): void {
  for (const value of values) {
    if (typeof value === 'string') assertText(value);
    else if (Array.isArray(value)) assertTexts(value as readonly Untyped[]);
    else if (isStruct(value)) {
      assertTexts(Object.keys(value));
      assertTexts(Object.values(value) as Untyped[]);
    }
  }
}

/** The INTERNAL_ERROR that a value of the wrong type is answered with. */
export const wrongType = (expected: string, value: unknown): XenError =>
  new XenError('INTERNAL_ERROR', `Expected ${expected}, got ${shown(value)}`);
