/** The driver's parsers of values, per connection: the global table of pg is left alone. */
import { types } from 'pg';

type Parse = (text: string) => unknown;
const oid: Readonly<Record<'bigint' | 'bigints' | 'timestamp' | 'json' | 'jsonb' | 'texts', number>> = {
  bigint: 20,
  bigints: 1016,
  timestamp: 1184,
  json: 114,
  jsonb: 3802,
  texts: 1009,
};

/** `2026-08-21 10:00:00.123+00` in a connection whose zone is UTC, as `20260821T10:00:00Z`. */
export const dateTimeOf = (text: string): string =>
  `${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 10)}T${text.slice(11, 19)}Z`;

const listOfTexts: Parse = types.getTypeParser(oid.texts);
/** Most sets are of references: without quotes, and none of them NULL. */
const texts: Parse = (text) =>
  text === '{}' ? [] : /["N]/.test(text) ? listOfTexts(text) : text.slice(1, -1).split(',');
const numbers: Parse = (text) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number));
const own: ReadonlyMap<number, Parse> = new Map<number, Parse>([
  [oid.bigint, Number],
  [oid.bigints, numbers],
  [oid.timestamp, dateTimeOf],
  [oid.texts, texts],
]);

/** Nobody may write into a value that many records share. */
const emptyMap: unknown = Object.freeze({});
const emptySet: unknown = Object.freeze([]);
const sharing =
  (parse: Parse): Parse =>
  (text) =>
    text === '{}' ? emptyMap : text === '[]' ? emptySet : parse(text);
const references: Parse = (text) => (text === '{}' ? emptySet : texts(text));
const shared: ReadonlyMap<number, Parse> = new Map<number, Parse>([
  ...own,
  [oid.json, sharing(JSON.parse)],
  [oid.jsonb, sharing(JSON.parse)],
  [oid.texts, references],
]);

const parsersWith = (table: ReadonlyMap<number, Parse>): { getTypeParser: typeof types.getTypeParser } => ({
  getTypeParser: (id: number, format?: 'text' | 'binary') =>
    (format === 'binary' ? undefined : table.get(id)) ?? types.getTypeParser(id, format),
});
/** For transactions: every value is the caller's own. */
export const ownValues = parsersWith(own);
/** For the replica: empty maps and sets, most of all there are, exist once. */
export const sharedValues = parsersWith(shared);
