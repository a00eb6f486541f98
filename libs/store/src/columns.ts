/** How a field of the model is kept in a column: its Postgres type, its default, and its values on the way in. */
import { isNullRef, zeroOf, type Field, type Type } from '@xenplane/model';

export type ColumnType = 'text' | 'bigint' | 'double precision' | 'boolean' | 'timestamp with time zone' | 'text[]' | 'jsonb';
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** A reference is NULL when it points at nothing; no other column may be NULL. */
  readonly reference: boolean;
  /** SQL; none where a row without the value would be a defect. */
  readonly default: string | undefined;
  /** The value as JSON for `json_to_recordset`, the only way in that takes any number of rows in one statement. */
  readonly toJson: (value: unknown) => unknown;
  /** The value as a parameter of a statement. */
  readonly toParameter: (value: unknown) => Parameter;
  readonly initial: unknown;
}
export type Parameter = string | number | boolean | null | readonly string[];

function columnType(type: Type): ColumnType {
  switch (type.kind) {
    case 'int': return 'bigint';
    case 'float': return 'double precision';
    case 'bool': return 'boolean';
    case 'datetime': return 'timestamp with time zone';
    case 'string': case 'enum': case 'ref': return 'text';
    case 'set': return type.of?.kind === 'ref' ? 'text[]' : 'jsonb';
    default: return 'jsonb';
  }
}

/** Postgres has no character U+0000 and no half of a surrogate pair; the first is dropped, as xapi drops control characters, the second replaced. */
// eslint would take a control character in a pattern for a slip; the range starts at one deliberately.
const unstorable = new RegExp('[\\u0000\\ud800-\\udfff]');
export const storable = (text: string): string => (unstorable.test(text) ? text.toWellFormed().replaceAll('\u0000', '') : text);

/** A JSON text of the value; integers beyond 2^53 with all their digits, where JSON.stringify rounds to the shortest decimal. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_key, v: unknown) => (typeof v === 'string' ? storable(v) : v)) ?? 'null';
  return text;
}
const exact = (value: number): string => BigInt(value).toString();

function parameter(kind: ColumnType, reference: boolean, value: unknown): Parameter {
  if (reference) return typeof value === 'string' && !isNullRef(value) ? storable(value) : null;
  switch (kind) {
    case 'text': return storable(String(value));
    case 'bigint': return exact(Number(value));
    case 'boolean': return Boolean(value);
    case 'double precision': return String(value);
    case 'timestamp with time zone': return String(value);
    case 'text[]': return Array.isArray(value) ? value.map((v) => storable(String(v))) : [];
    case 'jsonb': return jsonText(value);
  }
}
