/** How a field of the model is kept in a column: its type in Postgres, its default, and the way of its values there and back. */
import { isNullRef, nullRefText, zeroOf, type Field, type Type } from '@xenplane/model';
import { digits, jsonWriter, storable, type Writer } from './json-text';

export type ColumnType =
  'text' | 'bigint' | 'double precision' | 'boolean' | 'timestamp with time zone' | 'text[]' | 'jsonb';
export type Parameter = string | boolean | null | readonly string[];
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** A reference is NULL when it points at nothing; nothing else may be NULL. */
  readonly reference: boolean;
  /** SQL; none where a row without a value of its own would be a defect. */
  readonly default: string | undefined;
  /** The default of a record without the field. */
  readonly initial: unknown;
  /** As a statement's parameter. */
  readonly parameter: (value: unknown) => Parameter;
  /** As JSON for `json_to_recordset`, which takes any number of rows in one prepared statement. */
  readonly json: Writer;
}

function columnType(type: Type): ColumnType {
  switch (type.kind) {
    case 'int':
      return 'bigint';
    case 'float':
      return 'double precision';
    case 'bool':
      return 'boolean';
    case 'datetime':
      return 'timestamp with time zone';
    case 'string':
    case 'enum':
    case 'ref':
      return 'text';
    case 'set':
      return type.of?.kind === 'ref' ? 'text[]' : 'jsonb';
    default:
      return 'jsonb';
  }
}

const pointer = (value: unknown): string | null =>
  typeof value === 'string' && !isNullRef(value) ? storable(value) : null;
const pointers = (value: unknown): string[] =>
  Array.isArray(value) ? value.map((v) => storable(String(v))) : [];

function parameterOf(type: ColumnType, reference: boolean, json: Writer): (value: unknown) => Parameter {
  if (reference) return pointer;
  switch (type) {
    case 'text':
      return (value) => storable(String(value));
    case 'bigint':
      return digits;
    case 'boolean':
      return (value) => value === true;
    case 'text[]':
      return pointers;
    case 'jsonb':
      return json;
    default:
      return String;
  }
}

function jsonOf(type: ColumnType, reference: boolean, of: Type): Writer {
  if (reference) return (value) => JSON.stringify(pointer(value));
  if (type === 'double precision')
    return (value) => (Number.isFinite(value) ? String(value) : `"${String(value)}"`);
  return jsonWriter(of);
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function defaultOf(name: string, type: ColumnType, parameter: Parameter): string | undefined {
  if (name === 'uuid' || parameter === null) return undefined;
  if (typeof parameter === 'boolean') return String(parameter);
  if (typeof parameter === 'string')
    return type === 'bigint' || type === 'double precision'
      ? parameter
      : `${literal(parameter)}${type === 'jsonb' ? '::jsonb' : ''}`;
  return `${literal(`{${parameter.map((p) => `"${p}"`).join()}}`)}::text[]`;
}

export function columnOf(name: string, field: Field): Column {
  const type = columnType(field.type),
    reference = field.type.kind === 'ref';
  const initial = field.default ?? zeroOf(field.type) ?? {};
  const json = jsonOf(type, reference, field.type),
    parameter = parameterOf(type, reference, json);
  return {
    name,
    type,
    reference,
    initial,
    json,
    parameter,
    default: defaultOf(name, type, parameter(initial)),
  };
}

/** A value from the driver, whose parsers did the rest. */
export const fromColumn = (column: Column, value: unknown): unknown =>
  value === null && column.reference ? nullRefText : value;
