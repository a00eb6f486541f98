/** Reads a database file row by row, holding one tag at a time; what is no such file is refused where that shows. */
import { classNamed, isClassName, storedFields, XenError, type ClassName, type Type } from '@xenplane/model';
import { schemaVersion } from './dump';

export interface DumpRow {
  readonly cls: ClassName;
  readonly ref: string;
  readonly record: Readonly<Record<string, unknown>>;
}
const longestTag = 16 * 2 ** 20;
export const broken = (why: string): XenError => new XenError('RESTORE_SCRIPT_FAILED', why);
const otherVersion = (): XenError => new XenError('RESTORE_INCOMPATIBLE_VERSION');

/** Everything up to each `>`; within values it is written as an entity. */
async function* tags(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let held = '';
  for await (const piece of bytes) {
    const parts = (held + decoder.decode(piece, { stream: true })).split('>');
    held = parts.pop() ?? '';
    if (held.length > longestTag) throw broken('A row is too long');
    for (const part of parts) yield part.trim();
  }
  if (held.trim() !== '') throw broken('The file ends within a row');
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const plain = (text: string): string =>
  text.replace(
    /&(?:(amp|lt|gt|quot|apos)|#(\d{1,3}));/g,
    (_all, name: string | undefined, code: string | undefined) =>
      name === undefined ? String.fromCharCode(Number(code)) : (entities[name] ?? ''),
  );
const attributes = (tag: string): Map<string, string> =>
  new Map(
    [...tag.matchAll(/\s([A-Za-z_][\w]*)="([^"<]*)"/g)].map(([, name = '', value = '']) => [
      name,
      plain(value),
    ]),
  );

/** `('a' 'b')`: what stands in it, quotes and all, one after the other. */
function items(text: string): string[] {
  const inside = /^\(([\s\S]*)\)$/.exec(text.trim())?.[1];
  if (inside === undefined) throw broken('A list is not whole');
  const found: string[] = [];
  const item = /\s*(?:'((?:[^'\\]|\\[\s\S])*)'|(\((?:'(?:[^'\\]|\\[\s\S])*'|\s)*\)))/y;
  while (item.lastIndex < inside.trimEnd().length) {
    const match = item.exec(inside);
    if (!match) throw broken('A list is not whole');
    found.push(match[1] === undefined ? (match[2] ?? '') : match[1].replace(/\\([\s\S])/g, '$1'));
  }
  return found;
}

const text: Type = { kind: 'string' };
const forms: Readonly<Partial<Record<Type['kind'], RegExp>>> = {
  int: /^-?\d+$/,
  float: /^(-?\d+(\.\d+)?(e[+-]?\d+)?|-?Infinity|NaN)$/i,
  bool: /^(true|false)$/,
  datetime: /^\d{8}T\d\d:\d\d:\d\dZ$/,
  ref: /^OpaqueRef:/,
};
function valueOf(type: Type, written: string): unknown {
  if (forms[type.kind]?.test(written) === false) throw broken(`${written.slice(0, 40)} is no ${type.kind}`);
  if (type.kind === 'int' || type.kind === 'float') return Number(written);
  if (type.kind === 'bool') return written === 'true';
  if (type.kind === 'set') return items(written).map((one) => valueOf(type.of ?? text, one));
  if (type.kind === 'map')
    return Object.fromEntries(items(written).map((pair) => entryOf(type.of ?? text, items(pair))));
  if (type.kind === 'enum' && type.values?.includes(written) === false) throw otherVersion();
  return written;
}
function entryOf(type: Type, [key, value, ...more]: readonly string[]): [string, unknown] {
  if (key === undefined || value === undefined || more.length > 0) throw broken('A map is not whole');
  return [key, valueOf(type, value)];
}

/** Fields that are not kept are left out; each that is must be there. */
function recordOf(cls: ClassName, given: ReadonlyMap<string, string>): Record<string, unknown> {
  const { fields } = classNamed(cls);
  for (const name of given.keys()) if (name !== 'ref' && !Object.hasOwn(fields, name)) throw otherVersion();
  return Object.fromEntries(
    storedFields(classNamed(cls)).map((name) => {
      const field = fields[name],
        written = given.get(name);
      if (!field || written === undefined) throw otherVersion();
      return [name, valueOf(field.type, written)];
    }),
  );
}

function rowOf(cls: ClassName | undefined, tag: string): DumpRow {
  const given = attributes(tag),
    ref = given.get('ref');
  if (!cls || !ref?.startsWith('OpaqueRef:')) throw broken('A row is in no table or has no reference');
  return { cls, ref, record: recordOf(cls, given) };
}
function tableOf(tag: string): ClassName {
  const name = attributes(tag).get('name') ?? '';
  if (!isClassName(name)) throw otherVersion();
  return name;
}

export async function* readRows(
  bytes: AsyncIterable<Uint8Array>,
  wanted: (cls: ClassName) => boolean,
): AsyncGenerator<DumpRow> {
  let cls: ClassName | undefined,
    version: string | undefined,
    state: 'before' | 'inside' | 'after' = 'before';
  for await (const tag of tags(bytes)) {
    const name = /^<([/?]?\w+)/.exec(tag)?.[1] ?? '';
    if (name === 'database' && state === 'before') state = 'inside';
    else if (name === '/database' && state === 'inside') state = 'after';
    else if (name === 'pair')
      version = attributes(tag).get('key') === 'schema_major_vsn' ? attributes(tag).get('value') : version;
    else if (name === 'table') cls = tableOf(tag);
    else if (name === '/manifest' && version !== schemaVersion) throw otherVersion();
    else if (name === 'row' && state === 'inside' && version !== undefined) {
      if (!cls || wanted(cls)) yield rowOf(cls, tag);
    } else if (!['?xml', 'manifest', '/manifest', '/table'].includes(name))
      throw broken('This is no database file');
  }
  if (version !== schemaVersion) throw otherVersion();
  if (state !== 'after') throw broken('The file is cut');
}
