/** Words of the command line as values of the API. */
import { XenError, type Type } from '@xenplane/model';
import { bytes, integer, isTrue, Misuse } from './arguments';
import type { Pair } from './filters';
import type { Objects } from './objects';
import { shownAs } from './tables/words';

/** As the API has it: a number, a truth, an object by its uuid, a word of an enum, or text. */
export async function asValue(
  objects: Objects,
  type: Type | undefined,
  [name, text]: Pair,
  shown?: string,
): Promise<unknown> {
  if (type?.kind === 'int') return sized(name) ? bytes(name, text) : integer(name, text);
  if (type?.kind === 'float') return floating(name, text);
  if (type?.kind === 'bool') return isTrue(text, name);
  if (type?.kind === 'ref')
    return text === '' || text === 'OpaqueRef:NULL' ? 'OpaqueRef:NULL' : objects.byUuid(type.cls ?? '', text);
  if (type?.kind === 'set')
    return Promise.all(
      text
        .split(',')
        .filter(Boolean)
        .map((t) => asValue(objects, type.of, [name, t], shown)),
    );
  if (type?.kind === 'enum') return wordOf(type, text, shown);
  return text;
}
const sized = (name: string): boolean => /^memory-(static|dynamic)-(min|max)$/.test(name);
function floating(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new Misuse(`Parameter ${name} must be a floating-point number`);
  return value;
}
const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
/** How a word that an enum does not have is refused, where it is not by a list of those that it has. */
const refusals: Readonly<Record<string, (text: string) => Error>> = {
  bond_mode: (text) => new Misuse(`Invalid bond mode. Got ${text}`),
  domain_type: (text) => new Misuse(`Invalid domain type. Got ${text}`),
  allocation_algorithm: (text) => new Misuse(`Invalid allocation algorithm. Got ${text}`),
  placement_policy: (text) => new Misuse(`Invalid VM placement policy, got ${text}`),
  vm_operations: (text) => new XenError('INVALID_VALUE', 'blocked_operation', text),
};
/** An enum is understood in the words of the API and in those of the command line, whatever their case. */
function wordOf(type: Type, text: string, shown: string | undefined): string {
  const values = type.values ?? [],
    words = shownAs[shown ?? ''] ?? {};
  const word = values.find((v) => v === text || bare(v) === bare(text) || words[v] === text);
  if (word !== undefined) return word;
  throw (
    refusals[type.name ?? '']?.(text) ??
    new Misuse(`Expected ${values.map((v) => `'${v}'`).join(', ')}, got ${text}`)
  );
}

/** Fields whose wrong booleans have the other error text. */
const otherwiseTold = new Set([
  ...[
    'ha-allow-overcommit',
    'wlb-enabled',
    'wlb-verify-cert',
    'igmp-snooping-enabled',
    'https-only',
    'migration-compression',
  ],
  ...['coordinator-bias', 'ext-auth-cache-enabled', 'ha-always-run', 'allow-caching'],
]);
/** A truth that is written into a field has these two words only, unlike one that is said to a command. */
export function truth([name, text]: Pair): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Misuse(
    otherwiseTold.has(name)
      ? `Parameter ${name} must be a boolean (true or false)`
      : `Failed to parse parameter '${name}': expecting a boolean (true or false)`,
  );
}
