import { eventBatch, map, ref, set, string, type Type } from '@xenplane/model';
import {
  encodeJson,
  encodeXml,
  jsonOfBlocks,
  jsonPieces,
  lengthOfBlocks,
  membersOfBlocks,
  textOf,
  xmlOfBlocks,
  xmlPieces,
  type Piece,
} from '.';

const joined = (pieces: Iterable<Piece>): string => Array.from(pieces, (piece) => textOf(piece)).join('');
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const secret = (i: number): string => JSON.stringify({ uuid: `u${i}`, value: '<é>', other_config: {} });
const batch = (count: number, bytes: boolean): object => ({
  events: numbers(count).map((i) => ({
    ...{
      id: String(i),
      timestamp: '0.0',
      class: 'secret',
      operation: i % 2 ? 'mod' : 'del',
      ref: `OpaqueRef:${i}`,
    },
    ...(i % 2 ? { snapshot: bytes ? new TextEncoder().encode(secret(i)) : secret(i) } : {}),
  })),
  valid_ref_counts: { secret: count },
  token: 'a,b',
});

const cases: [string, Type | undefined, unknown][] = [
  ['nothing', undefined, undefined],
  ['a short set', set(string), ['a']],
  ['an empty set', set(string), []],
  ['a long set', set(ref('VM')), numbers(100).map((i) => `OpaqueRef:${i}`)],
  ['a long map', map(string, string), Object.fromEntries(numbers(100).map((i) => [`k"${i}`, `<${i}>`]))],
  ['a Map', map(string, string), new Map()],
  ['a small batch', eventBatch, batch(3, true)],
  ['a batch', eventBatch, batch(100, false)],
  ['a batch with bytes', eventBatch, batch(100, true)],
  ['a batch that is for one alone', eventBatch, batch(600, true)],
];
test.each(cases)('%s in pieces is what it is as a whole', (_what, type, value) => {
  expect(joined(jsonPieces(type, value))).toBe(encodeJson(type, value));
  expect(joined(xmlPieces(type, value))).toBe(encodeXml(type, value));
});

const records: Type = map(ref('secret'), { kind: 'record', cls: 'secret' });
test.each([
  [0, 1],
  [1, 1],
  [5, 2],
])('%i records in blocks of %i are a map of them on both wires', (count, inBlock) => {
  const members = numbers(count).map((i) => `"OpaqueRef:${i}":${secret(i)}`);
  const blocks = numbers(Math.ceil(count / inBlock)).map((i) =>
    new TextEncoder().encode(members.slice(i * inBlock, (i + 1) * inBlock).join()),
  );
  const whole = `{${members.join()}}`;
  const text = joined(jsonOfBlocks(blocks));
  expect(text).toBe(whole);
  expect(lengthOfBlocks(blocks)).toBe(new TextEncoder().encode(text).length);
  expect(Object.fromEntries(membersOfBlocks(blocks))).toEqual(JSON.parse(whole));
  expect(joined(xmlOfBlocks(records, blocks))).toBe(encodeXml(records, JSON.parse(whole)));
});
