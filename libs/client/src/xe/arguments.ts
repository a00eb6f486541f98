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

export function parse(words: readonly string[]): Arguments {
  const [command = 'help', ...rest] = words;
  const pairs: [string, string][] = [];
  const switches = new Set<string>();
  for (const word of rest) {
    const at = word.indexOf('=');
    if (word.startsWith('--') && at < 0) switches.add(word.slice(2));
    else if (at > 0) pairs.push([word.replace(/^--/, '').slice(0, at - (word.startsWith('--') ? 2 : 0)), word.slice(at + 1)]);
    else pairs.push([word, 'true']);
  }
  return { command, pairs, switches };
}

export const optional = (args: Arguments, name: string): string | undefined => args.pairs.find(([n]) => n === name)?.[1];
export function required(args: Arguments, name: string): string {
  const value = optional(args, name);
  if (value === undefined) throw new Misuse(`Required parameter not found: ${name}`);
  return value;
}
export const isTrue = (text: string | undefined): boolean => text === 'true' || text === '1' || text === 'yes';
/** `name:key=value` and `name-key=value` of a map. */
export const keyed = (args: Arguments, name: string): [string, string][] =>
  args.pairs.filter(([n]) => n.startsWith(`${name}:`)).map(([n, v]) => [n.slice(name.length + 1), v]);

const units: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  k: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};
/** `10GiB`, `512MiB`, or bytes. */
export function bytes(name: string, text: string): number {
  const match = /^(\d+)([A-Za-z]*)$/.exec(text.trim());
  const unit = match ? units[match[2] ?? ''] : undefined;
  if (!match || unit === undefined) throw new Misuse(`Failed to parse parameter '${name}': expecting an integer with an optional unit (B, KiB, MiB, GiB, TiB)`);
  return Number(match[1]) * unit;
}
