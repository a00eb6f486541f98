/** Values of the model as JSON text that Postgres takes, without loss where JSON.stringify would lose. */
import { isNullRef, type Type } from '@xenplane/model';

export type Writer = (value: unknown) => string;

// Written as text, since a linter takes a control character in a pattern for a slip.
const unstorable = new RegExp('[\\u0000\\ud800-\\udfff]');
/** Postgres has no U+0000 and no half of a surrogate pair. The first is dropped, as xapi drops control characters; the second becomes U+FFFD. */
export const storable = (text: string): string =>
  unstorable.test(text) ? text.toWellFormed().replaceAll('\u0000', '') : text;

const quoted: Writer = (value) => JSON.stringify(storable(String(value)));
/** All digits: JSON.stringify would write 2^62 with its last digits rounded. */
export const digits = (value: unknown): string => BigInt(Number(value)).toString();
/** JSON knows no NaN and no infinity. */
const finite: Writer = (value) => String(Number.isFinite(value) ? value : 0);

const entriesOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null ? Object.entries(value) : [];

function careful(type: Type): Writer {
  switch (type.kind) {
    case 'int':
      return digits;
    case 'float':
      return finite;
    case 'bool':
      return (value) => String(value === true);
    case 'set':
      return listOf(careful(type.of ?? textual));
    case 'map':
      return mapOf(careful(type.of ?? textual));
    case 'string':
    case 'enum':
    case 'datetime':
      return quoted;
    case 'ref':
      return (value) => quoted(isNullRef(String(value)) ? 'OpaqueRef:NULL' : value);
    default:
      return (value) =>
        JSON.stringify(value, (_key, v: unknown) => (typeof v === 'string' ? storable(v) : v)) ?? 'null';
  }
}
const textual: Type = { kind: 'string' };
const listOf =
  (item: Writer): Writer =>
  (value) =>
    `[${(Array.isArray(value) ? value : []).map(item).join()}]`;
const mapOf =
  (item: Writer): Writer =>
  (value) =>
    `{${entriesOf(value)
      .map(([k, v]) => `${quoted(k)}:${item(v)}`)
      .join()}}`;

const onlyTexts = (type: Type | undefined): boolean =>
  type === undefined ||
  (type.kind === 'set' || type.kind === 'map'
    ? onlyTexts(type.of)
    : type.kind === 'string' || type.kind === 'enum');

/** JSON text of a value of this type. */
export function jsonWriter(type: Type): Writer {
  const slow = careful(type);
  if (!onlyTexts(type) || type.of === undefined) return slow;
  // Nearly every map and set: one native call, and a look for the escapes that Postgres refuses.
  return (value) => {
    const text = JSON.stringify(value ?? null);
    return text.includes('\\u') || text === 'null' ? slow(value) : text;
  };
}
