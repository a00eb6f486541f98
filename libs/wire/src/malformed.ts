/** The bytes are no call at all. The HTTP layer answers 500 and closes. */
export class MalformedCall extends Error {
  override readonly name = 'MalformedCall';
}

/** Arrays and structs inside one another, within one parameter. */
export const maxDepth = 64;
/** Of a struct's member, in characters. */
export const longestName = 65_536;
