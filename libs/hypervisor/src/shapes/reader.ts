/**
 * Readers of messages whose sender may be anybody: each checks one shape and answers a copy with the members that it knows. The
 * first thing wrong ends the reading with BadShape, so that a bad message costs no more than a good one. They are plain
 * functions, made once: a message of ten thousand entries is read in a few milliseconds.
 */

export type Reader<T> = (value: unknown) => T;

const longestComplaint = 300;

/** The message is not what it should be: where, and what is wanted there. */
export class BadShape extends Error {
  private readonly place: string[] = [];

  constructor(private readonly wanted: string) {
    super(wanted);
    this.name = 'BadShape';
  }
  within(name: string): this {
    this.place.unshift(name);
    return this;
  }
  /** Short, whatever the message holds. */
  get complaint(): string {
    return `${this.place.join('.')}: ${this.wanted}`.slice(0, longestComplaint);
  }
}

const largest = Number.MAX_SAFE_INTEGER;
export const int32 = 2 ** 31 - 1;

export const whole =
  (least = 0, most = largest): Reader<number> =>
  (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
      return value;
    throw new BadShape(`a whole number from ${least} to ${most}`);
  };
export const fraction =
  (most: number): Reader<number> =>
  (value) => {
    if (typeof value === 'number' && value >= 0 && value <= most) return value;
    throw new BadShape(`a number from 0 to ${most}`);
  };
export const flag: Reader<boolean> = (value) => {
  if (typeof value === 'boolean') return value;
  throw new BadShape('true or false');
};

/** The database keeps neither zeroes nor halves of pairs. */
const unkept = /\0|\p{Surrogate}/u;
export const isKept = (value: string): boolean => !unkept.test(value);
export const text =
  (mostCharacters: number): Reader<string> =>
  (value) => {
    if (typeof value === 'string' && value.length <= mostCharacters && isKept(value)) return value;
    throw new BadShape(`a text of at most ${mostCharacters} characters`);
  };
export const matching =
  (pattern: RegExp, wanted: string): Reader<string> =>
  (value) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw new BadShape(wanted);
  };
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const uuid = matching(uuidPattern, 'a UUID');
export const sha256 = matching(/^[0-9a-f]{64}$/, 'a SHA-256');
export const httpUrl: Reader<string> = (value) => {
  if (
    typeof value === 'string' &&
    value.length <= 2048 &&
    /^https?:\/\/[^\s]+$/.test(value) &&
    URL.canParse(value)
  )
    return value;
  throw new BadShape('an address of HTTP');
};

export const oneOf =
  <const T extends string | boolean>(...known: readonly T[]): Reader<T> =>
  (value) => {
    const found = known.find((one) => one === value);
    if (found === undefined) throw new BadShape(`one of ${known.join(', ')}`);
    return found;
  };

export const listOf =
  <T>(item: Reader<T>, most: number): Reader<readonly T[]> =>
  (value) => {
    if (!Array.isArray(value) || value.length > most) throw new BadShape(`a list of at most ${most}`);
    const items: readonly unknown[] = value;
    let at = 0;
    try {
      const read: T[] = [];
      for (; at < items.length; at += 1) read.push(item(items[at]));
      return read;
    } catch (error) {
      throw error instanceof BadShape ? error.within(String(at)) : error;
    }
  };

export interface MapLimits {
  readonly keys: number;
  readonly keyCharacters: number;
  readonly valueCharacters: number;
}
export const asMap = (value: unknown): object => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new BadShape('an object');
};
export const mapOf = ({
  keys,
  keyCharacters,
  valueCharacters,
}: MapLimits): Reader<Readonly<Record<string, string>>> => {
  const key = text(keyCharacters),
    content = text(valueCharacters);
  return (value) => {
    const entries = Object.entries(asMap(value));
    if (entries.length > keys) throw new BadShape(`at most ${keys} keys`);
    // As own members, whatever they are called.
    return Object.fromEntries(entries.map(([name, one]) => [key(name), content(one)]));
  };
};

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Read<S extends Shape> = { readonly [K in keyof S]: S[K] extends Reader<infer T> ? T : never };

function members(
  value: object,
  readers: readonly (readonly [string, Reader<unknown>])[],
  optional: boolean,
  into: Record<string, unknown>,
): void {
  for (const [name, reader] of readers) {
    const given: unknown = Object.hasOwn(value, name)
      ? Object.getOwnPropertyDescriptor(value, name)?.value
      : undefined;
    if (optional && (given === undefined || given === null)) continue;
    try {
      into[name] = reader(given);
    } catch (error) {
      throw error instanceof BadShape ? error.within(name) : error;
    }
  }
}

/** Members that must be there, and members that may. Others are passed over. */
export function shape<S extends Shape, O extends Shape = Record<never, Reader<unknown>>>(
  must: S,
  may?: O,
): Reader<Read<S> & Partial<Read<O>>> {
  const needed = Object.entries(must),
    optional = Object.entries(may ?? {});
  return (value) => {
    const read: Record<string, unknown> = {};
    const given = asMap(value);
    members(given, needed, false, read);
    members(given, optional, true, read);
    return read as Read<S> & Partial<Read<O>>;
  };
}

/** Entries that name each host once. */
export const distinct =
  <T extends { readonly host: string }>(list: Reader<readonly T[]>): Reader<readonly T[]> =>
  (value) => {
    const read = list(value);
    if (new Set(read.map(({ host }) => host)).size !== read.length) throw new BadShape('each host once');
    return read;
  };
