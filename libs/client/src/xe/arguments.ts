/** The command line of `xe`. */
export interface Arguments {
  readonly command: string;
  /** `name=value`, in order; a value may be given more than once. A switch `--name` is true. */
  readonly pairs: readonly (readonly [string, string])[];
}
/** Something on the command line is wrong; the text is all that the user sees. */
export class Misuse extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'Misuse';
  }
}
/** The command itself cannot be made out; the user is pointed at the help. */
export class Unusable extends Misuse {
  constructor(text: string) {
    super(text);
    this.name = 'Unusable';
  }
}
/** A parameter that the command cannot be without. */
export class Missing extends Unusable {
  constructor(readonly parameter: string) {
    super(`Required parameter not found: ${parameter}`);
    this.name = 'Missing';
  }
}
/** A field that the class does not have, where one is named. */
export class UnknownField extends Misuse {
  constructor(readonly field: string) {
    super(`Missing parameter: ${field}`);
    this.name = 'UnknownField';
  }
}
/** The command has said what is wrong, and how the process ends. */
export class Ended extends Error {
  constructor(
    text: string,
    readonly exitCode: number,
  ) {
    super(text);
    this.name = 'Ended';
  }
}

const short: Readonly<Record<string, string>> = {
  '-u': 'username',
  '-pw': 'password',
  '-s': 'server',
  '-h': 'server',
  '-p': 'port',
};
const syntaxError = (): Unusable => new Unusable('Syntax error: ');

export function parse(words: readonly string[]): Arguments {
  const [command = 'help', ...rest] = words;
  if (command.includes('=')) throw syntaxError();
  const pairs: [string, string][] = [];
  for (let i = 0; i < rest.length; i += 1) {
    const word = rest[i] ?? '',
      at = word.indexOf('=');
    if (word.startsWith('--')) pairs.push([word.slice(2), 'true']);
    else if (word.startsWith('-')) pairs.push(switched(word, rest[(i += 1)]));
    else pairs.push(at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]);
  }
  return { command, pairs };
}
function switched(word: string, value: string | undefined): [string, string] {
  const name = short[word];
  if (name === undefined || value === undefined) throw syntaxError();
  return [name, value];
}

export const optional = (args: Arguments, name: string): string | undefined =>
  args.pairs.find(([n]) => n === name)?.[1];
export function required(args: Arguments, name: string): string {
  const value = optional(args, name);
  if (value === undefined) throw new Missing(name);
  return value;
}
export function isTrue(text: string | undefined, name: string): boolean {
  if (text === undefined || ['false', 'f', '0', 'no', 'n'].includes(text.toLowerCase())) return false;
  if (['true', 't', '1', 'yes', 'y'].includes(text.toLowerCase())) return true;
  throw new Misuse(
    `Failed to parse parameter '${name}': Expected 'true','t','yes','y','1','false','f','no','n','0' got ${text}`,
  );
}
/** `--name`, or `name=true`. */
export const flagged = (args: Arguments, name: string): boolean => isTrue(optional(args, name), name);
export function assertForced(args: Arguments): void {
  if (!flagged(args, 'force'))
    throw new Misuse(
      'This operation is dangerous and may cause data loss. This operation must be forced (use --force).',
    );
}
/** `name:key=value` of a map; `name-key=value` is how it was once written. */
export const keyed = (args: Arguments, name: string): [string, string][] =>
  args.pairs
    .filter(([n]) => n.startsWith(name) && n.length > name.length + 1)
    .map(([n, v]) => [n.slice(name.length + 1), v]);
/** `name=a,b` */
export const listed = (args: Arguments, name: string): string[] => optional(args, name)?.split(',') ?? [];

const units: Readonly<Record<string, number>> = {
  ...{ '': 1, b: 1, bytes: 1 },
  ...{ kib: 2 ** 10, kb: 2 ** 10, k: 2 ** 10 },
  ...{ mib: 2 ** 20, mb: 2 ** 20, m: 2 ** 20 },
  ...{ gib: 2 ** 30, gb: 2 ** 30, g: 2 ** 30 },
  ...{ tib: 2 ** 40, tb: 2 ** 40, t: 2 ** 40 },
};
/** `10GiB`, `512MiB`, or bytes. */
export function bytes(name: string, text: string): number {
  const match = /^(\d+)\s*([A-Za-z]*)$/.exec(text.trim());
  const unit = match ? units[(match[2] ?? '').toLowerCase()] : undefined;
  if (!match || unit === undefined)
    throw new Misuse(
      `Failed to parse field '${name}': expecting an integer (possibly with suffix KiB, MiB, GiB, TiB), got '${text}'`,
    );
  return Number(match[1]) * unit;
}
export function decimal(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new Misuse(`Failed to parse parameter '${name}': expecting a float`);
  return value;
}
export function integer(name: string, text: string): number {
  if (!/^-?\d+$/.test(text.trim()))
    throw new Misuse(`Failed to parse parameter '${name}': expecting an integer`);
  return Number(text);
}
