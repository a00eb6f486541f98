/** The bytes are no call at all. The HTTP layer answers 500 and closes. */
export class MalformedCall extends Error {
  override readonly name = 'MalformedCall';
}

/** Arrays and structs inside one another, within one parameter. */
export const maxDepth = 64;
/** Of a struct's member, in characters. */
export const longestName = 65_536;

/** Tags, entities and comments that a call in XML may have: more would be read for too long. */
export const mostXmlParts = 100_000;
/** Texts, numbers, arrays and objects that a call in JSON may have. */
export const mostJsonParts = 50_000;
/** Of them integers that are too long for a number. */
export const mostLongIntegers = 1_000;
