/**
 * The text of an answer in pieces, none of which takes long to make: members of a set or a map, events, records. Together they are
 * what `encodeJson` and `encodeXml` write; who sends them may let others have their turn between two.
 */
import type { Type } from '@xenplane/model';
import { entriesOf, memberXml, quoted } from './codec';
import { batchPieces } from './events';
import { textOf, type Piece } from './text';
import { codecFor, encodeJson, encodeXml } from './values';

/** Of a value with fewer members the text is one piece. */
const fewMembers = 32;

const isLong = (type: Type | undefined, value: unknown): boolean => {
  if (type?.kind === 'set') return Array.isArray(value) && value.length > fewMembers;
  if (type?.kind === 'map') return value instanceof Map || Object.keys(value ?? {}).length > fewMembers;
  return type?.kind === 'eventBatch' && (value as { events: readonly unknown[] }).events.length > fewMembers;
};

export function* jsonPieces(type: Type | undefined, value: unknown): Generator<Piece> {
  if (!type || !isLong(type, value)) yield encodeJson(type, value);
  else if (type.kind === 'eventBatch') yield* batchPieces('json', value, codecFor);
  else if (type.kind === 'set') yield* joined('[', ']', membersOf(value), (one) => encodeJson(type.of, one));
  else
    yield* joined('{', '}', entriesOf(value), ([key, one]) => `${quoted(key)}:${encodeJson(type.of, one)}`);
}
export function* xmlPieces(type: Type | undefined, value: unknown): Generator<Piece> {
  if (!type || !isLong(type, value)) yield encodeXml(type, value);
  else if (type.kind === 'eventBatch') yield* batchPieces('xml', value, codecFor);
  else if (type.kind === 'set')
    yield* wrapped('<value><array><data>', '</data></array></value>', membersOf(value), (one) =>
      encodeXml(type.of, one),
    );
  else
    yield* wrapped('<value><struct>', '</struct></value>', entriesOf(value), ([key, one]) =>
      memberXml(key, encodeXml(type.of, one)),
    );
}
const membersOf = (value: unknown): readonly unknown[] => value as readonly unknown[];

function* joined<T>(
  open: string,
  close: string,
  all: Iterable<T>,
  write: (one: T) => string,
): Generator<string> {
  let before = open;
  for (const one of all) {
    yield before + write(one);
    before = ',';
  }
  yield before === open ? open + close : close;
}
function* wrapped<T>(
  open: string,
  close: string,
  all: Iterable<T>,
  write: (one: T) => string,
): Generator<string> {
  yield open;
  for (const one of all) yield write(one);
  yield close;
}

/** Members of a JSON object whose text is ready, in blocks with a comma between two: `"ref":{...},"ref":{...}`. */
export type Blocks = readonly Piece[];

export function* jsonOfBlocks(blocks: Blocks): Generator<Piece> {
  for (const [i, block] of blocks.entries()) {
    yield i === 0 ? '{' : ',';
    yield block;
  }
  yield blocks.length === 0 ? '{}' : '}';
}
const encoder = new TextEncoder();
/** How many bytes `jsonOfBlocks` are. */
export const lengthOfBlocks = (blocks: Blocks): number =>
  blocks.reduce(
    (sum, block) => sum + (typeof block === 'string' ? encoder.encode(block).length : block.byteLength),
    0,
  ) + Math.max(2, blocks.length + 1);

/** The members one after the other. */
export function* membersOfBlocks(blocks: Blocks): Generator<readonly [string, unknown]> {
  for (const block of blocks)
    yield* Object.entries(JSON.parse(`{${textOf(block)}}`) as Record<string, unknown>);
}
/** The same members as a `<value>` element of a map of that type. */
export const xmlOfBlocks = (type: Type, blocks: Blocks): Generator<Piece> =>
  wrapped('<value><struct>', '</struct></value>', membersOfBlocks(blocks), ([key, one]) =>
    memberXml(key, encodeXml(type.of, one)),
  );
