/** Which objects the words of a command line are about. */
import { Misuse, type Arguments } from './arguments';
import type { Objects, Shown } from './objects';
import type { ClassTable, FieldRow } from './tables/fields';

/** Words that mean the same to every command, and are no filters. */
export const reserved: ReadonlySet<string> = new Set([
  ...[
    'server',
    'password',
    'port',
    'username',
    'minimal',
    'force',
    'multiple',
    'all',
    'message-priority',
    'trace',
  ],
]);
export type Pair = readonly [name: string, value: string];
export const given = (args: Arguments, own: readonly string[] = []): Pair[] =>
  args.pairs.filter(([n]) => !reserved.has(n) && !own.includes(n) && !n.startsWith('database:'));

/** The meaning of a name on the command line for a class: a field, a key of a map, or an element of a set. */
interface Meaning {
  readonly field: FieldRow;
  readonly kind: 'field' | 'map' | 'set';
  readonly key: string;
}
export const isMap = ([, , access]: FieldRow): boolean => access.startsWith('M');
export const isSet = ([, , access]: FieldRow): boolean => access.startsWith('S');
/** `map:key`, or `map-key` as it was once written; the longest name of a field counts. */
export function meaningOf(table: ClassTable, name: string): Meaning {
  const same = table.fields.find(([n]) => n === name);
  if (same) return { field: same, kind: 'field', key: '' };
  const colon = name.indexOf(':');
  const field =
    colon >= 0
      ? table.fields.find(([n]) => n === name.slice(0, colon))
      : (longest(table, name, isMap) ?? longest(table, name, isSet));
  if (!field) throw new Misuse(`Unknown field '${name}'`);
  if (!isMap(field) && !isSet(field)) throw new Misuse(`Field '${field[0]}' is not a set or map`);
  return { field, kind: isMap(field) ? 'map' : 'set', key: name.slice(field[0].length + 1) };
}
const longest = (table: ClassTable, name: string, wanted: (row: FieldRow) => boolean): FieldRow | undefined =>
  table.fields
    .filter((row) => wanted(row) && name.startsWith(`${row[0]}-`))
    .sort((a, b) => b[0].length - a[0].length)[0];

async function holds(
  objects: Objects,
  table: ClassTable,
  shown: Shown,
  { field, kind, key }: Meaning,
  wanted: string,
): Promise<boolean> {
  const { text, items, entries } = await objects.rendered(field, shown, table);
  const fold = (word: string): string => (field[3]?.anyCase ? word.toLowerCase() : word);
  const same = (word: string): boolean => fold(word) === fold(wanted);
  if (kind === 'set') return items.some(same);
  return kind === 'map' ? entries.some(([k, v]) => fold(k) === fold(key) && same(v)) : same(text);
}
/** Filters one after the other; of no objects nothing is asked, not even whether the field exists. */
export async function find(
  objects: Objects,
  table: ClassTable,
  filters: readonly Pair[],
  among?: readonly Shown[],
): Promise<Shown[]> {
  let left = [...(among ?? (await objects.list(table)))];
  for (const [name, wanted] of filters) {
    if (left.length === 0) return [];
    const meaning = meaningOf(table, name);
    if (meaning.kind === 'set' && meaning.key !== 'contains')
      throw new Misuse('Invalid syntax for set filtering (should be set-param:contains=key)');
    const kept = await Promise.all(left.map((shown) => holds(objects, table, shown, meaning, wanted)));
    left = left.filter((_, i) => kept[i]);
  }
  return left;
}
