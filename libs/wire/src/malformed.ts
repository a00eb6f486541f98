/** The bytes are not a call at all; the HTTP layer answers 500 and closes. */
export class MalformedCall extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'MalformedCall';
  }
}
/** How deep values may nest. */
export const deepest = 64;
