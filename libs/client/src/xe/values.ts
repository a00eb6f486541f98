/** Words of the command line as values of the API. */
import type { Type } from '@xenplane/model';
import { bytes, integer, isTrue, Misuse } from './arguments';
import type { Pair } from './filters';
import type { Objects } from './objects';
import { shownAs } from './tables/words';

/** As the API has it: a number, a truth, an object by its uuid, a word of an enum, or text. */
export async function asValue(objects: Objects, type: Type | undefined, [name, text]: Pair, shown?: string): Promise<unknown> {
  if (type?.kind === 'int') return sized(name) ? bytes(name, text) : integer(name, text);
  if (type?.kind === 'float') return floating(name, text);
  if (type?.kind === 'bool') return isTrue(text, name);
  if (type?.kind === 'ref') return text === '' || text === 'OpaqueRef:NULL' ? 'OpaqueRef:NULL' : objects.byUuid(type.cls ?? '', text);
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
  if (text.trim() === '' || !Number.isFinite(value)) throw new Misuse(`Parameter ${name} must be a floating-point number`);
  return value;
}
const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
/** An enum is understood in the words of the API and in those of the command line, whatever their case. */
function wordOf(type: Type, text: string, shown: string | undefined): string {
  const words = shownAs[shown ?? ''] ?? {};
  return type.values?.find((v) => v === text || bare(v) === bare(text) || words[v] === text) ?? text;
}
