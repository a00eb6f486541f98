/** What stands on the command line of `xe`. */
export interface Arguments {
  readonly command: string;
  /** `name=value`, in order; a value may be given more than once. */
  readonly pairs: readonly (readonly [string, string])[];
  readonly switches: ReadonlySet<string>;
}
/** Something on the command line is wrong; the text is all that the user sees. */
export class Misuse extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'Misuse';
  }
}
/** A parameter that the command cannot be without. */
export class Missing extends Misuse {
  constructor(readonly parameter: string) {
    super(`Required parameter not found: ${parameter}`);
    this.name = 'Missing';
  }
}

const short: Readonly<Record<string, string>> = { '-u': 'username', '-pw': 'password', '-s': 'server', '-h': 'server', '-p': 'port' };

export function parse(words: readonly string[]): Arguments {
  const [command = 'help', ...rest] = words;
  const pairs: [string, string][] = [];
  const switches = new Set<string>();
  for (let i = 0; i < rest.length; i += 1) {
    const word = rest[i] ?? '',
      at = word.indexOf('='),
      switched = short[word];
    if (switched) pairs.push([switched, rest[(i += 1)] ?? '']);
    else if (word.startsWith('--') && at < 0) switches.add(word.slice(2));
    else if (at > 0) pairs.push([word.replace(/^--/, '').slice(0, at - (word.startsWith('--') ? 2 : 0)), word.slice(at + 1)]);
    else pairs.push([word, 'true']);
  }
  return { command, pairs, switches };
}

export const optional = (args: Arguments, name: string): string | undefined => args.pairs.find(([n]) => n === name)?.[1];
export function required(args: Arguments, name: string): string {
  const value = optional(args, name);
  if (value === undefined) throw new Missing(name);
  return value;
}
export function isTrue(text: string | undefined, name = ''): boolean {
  if (text === undefined || ['false', 'f', '0', 'no', 'n'].includes(text.toLowerCase())) return false;
  if (['true', 't', '1', 'yes', 'y'].includes(text.toLowerCase())) return true;
  throw new Misuse(`Failed to parse parameter '${name}': expecting a boolean (true or false)`);
}
/** `--name`, or `name=true`. */
export const flagged = (args: Arguments, name: string): boolean => args.switches.has(name) || isTrue(optional(args, name), name);
/** `name:key=value` of a map. */
export const keyed = (args: Arguments, name: string): [string, string][] =>
  args.pairs.filter(([n]) => n.startsWith(`${name}:`)).map(([n, v]) => [n.slice(name.length + 1), v]);

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  bytes: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};
/** `10GiB`, `512MiB`, or bytes. */
export function bytes(name: string, text: string): number {
  const match = /^(-?\d+)\s*([A-Za-z]*)$/.exec(text.trim());
  const unit = match ? units[(match[2] ?? '').toLowerCase()] : undefined;
  if (!match || unit === undefined) throw new Misuse(`Failed to parse parameter '${name}': expecting an integer with an optional unit (B, KiB, MiB, GiB, TiB)`);
  return Number(match[1]) * unit;
}
export function decimal(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new Misuse(`Failed to parse parameter '${name}': expecting a number`);
  return value;
}
