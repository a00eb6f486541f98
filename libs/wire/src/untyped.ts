/** Values as they come off a wire, before the model says what they should be. JavaScript's own types where they tell enough; these where they do not. */
export type Untyped = string | number | boolean | null | Exact | Moment | Bytes | readonly Untyped[] | ReadonlyMap<string, Untyped>;

/** An integer, digit by digit: 64 bits do not fit into a number. */
export class Exact {
  constructor(readonly text: string) {}
}
/** A date and time of XML-RPC. */
export class Moment {
  constructor(readonly text: string) {}
}
/** Base64 of XML-RPC. */
export class Bytes {
  constructor(readonly text: string) {}
}
