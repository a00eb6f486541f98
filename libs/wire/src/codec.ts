/** A codec is one type of the model, compiled: both wires in, both wires out. */
import { nullRefText, spell, type Type } from '@xenplane/model';
import { floatJson, floatXml, intText, readDate, readFloat, readInt } from './scalars';
import { assertText, escapeXml, textOf } from './text';
import { emptyStruct, isStruct, Scalar, wrongType } from './untyped';

export interface Codec {
  /** The model's value of an untyped one. Throws INTERNAL_ERROR for a wrong type, INVALID_VALUE for text that cannot be kept. */
  decode(value: unknown): unknown;
  /** JSON text. Throws TypeError when the value is not of the type: a fault of ours. */
  json(value: unknown): string;
  /** A `<value>` element. */
  xml(value: unknown): string;
}
/** Finds the codec of a type that another one contains. */
export type CodecFor = (type: Type | undefined) => Codec;

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`a text was expected, not ${typeof value}`);
}
/** Quotes, backslashes, control characters, halves of surrogate pairs: what JSON escapes. Most texts have none of them. */
const escaped = /["\\\u0000-\u001f\ud800-\udfff]/;
export function quoted(text: string): string {
  return escaped.test(text) ? JSON.stringify(text) : `"${text}"`;
}
const textJson = (value: unknown): string => quoted(asText(value));
const textXml = (value: unknown): string => `<value>${escapeXml(asText(value))}</value>`;

/** Base64 is taken for the text that it holds: old clients send all that is not ASCII so. */
function readString(value: unknown, expected = 'string'): string {
  if (typeof value === 'string') return assertText(value);
  if (value instanceof Scalar && value.tag === 'base64') return assertText(unpacked(value));
  throw wrongType(expected, value);
}
function unpacked(value: Scalar): string {
  const packed = value.text.replaceAll(/\s/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) throw wrongType('base64', value);
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  return textOf(bytes);
}

export const stringCodec: Codec = { decode: (value) => readString(value), json: textJson, xml: textXml };
/** An empty reference is the one to nothing. */
const refCodec = (type: Type): Codec => ({
  decode: (value) => readString(value, spell(type)) || nullRefText,
  json: textJson,
  xml: textXml,
});
export const intCodec: Codec = {
  decode: readInt,
  json: intText,
  xml: (value) => `<value>${intText(value)}</value>`,
};
const floatCodec: Codec = {
  decode: readFloat,
  json: floatJson,
  xml: (value) => `<value><double>${floatXml(value)}</double></value>`,
};
const dateCodec: Codec = {
  decode: readDate,
  json: textJson,
  xml: (value) => `<value><dateTime.iso8601>${escapeXml(asText(value))}</dateTime.iso8601></value>`,
};
/** The answer of a void call: the empty text, present. */
const voidCodec: Codec = { decode: () => undefined, json: () => '""', xml: () => '<value></value>' };

function asBool(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`a bool was expected, not ${typeof value}`);
}
const boolCodec: Codec = {
  decode(value) {
    if (typeof value === 'boolean') return value;
    throw wrongType('bool', value);
  },
  json: (value) => (asBool(value) ? 'true' : 'false'),
  xml: (value) => `<value><boolean>${asBool(value) ? 1 : 0}</boolean></value>`,
};

function enumCodec(type: Type): Codec {
  const ready = new Map((type.values ?? []).map((v) => [v, JSON.stringify(v)]));
  return {
    decode(value) {
      if (typeof value === 'string' && ready.has(value)) return value;
      throw wrongType(spell(type), value);
    },
    json: (value) => ready.get(asText(value)) ?? textJson(value),
    xml: textXml,
  };
}

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`a set was expected, not ${typeof value}`);
}
function setCodec(of: Codec): Codec {
  return {
    decode(value) {
      if (!Array.isArray(value)) throw wrongType('array', value);
      return value.map((v) => of.decode(v));
    },
    json: (value) =>
      `[${asList(value)
        .map((v) => of.json(v))
        .join(',')}]`,
    xml: (value) =>
      `<value><array><data>${asList(value)
        .map((v) => of.xml(v))
        .join('')}</data></array></value>`,
  };
}

/** The entries of an object, or of a Map, which may hold what is already serialised. */
export function entriesOf(value: unknown): Iterable<readonly [string, unknown]> {
  if (value instanceof Map) return value as Map<string, unknown>;
  if (isStruct(value)) return Object.entries(value);
  throw new TypeError(`a map was expected, not ${typeof value}`);
}
export const memberXml = (name: string, value: string): string =>
  `<member><name>${escapeXml(name)}</name>${value}</member>`;
export const structXml = (members: string): string => `<value><struct>${members}</struct></value>`;

/** Reads a key, which is text on either wire; that of an int in full. */
function keyOf(type: Type | undefined, codecFor: CodecFor): (text: string) => string {
  const codec = codecFor(type);
  return type?.kind === 'int' ? (text) => intText(codec.decode(text)) : (text) => String(codec.decode(text));
}

/** Values are objects without a prototype, so that `constructor` and `__proto__` are keys like any other. */
function mapCodec(key: (text: string) => string, of: Codec): Codec {
  return {
    decode(value) {
      if (!isStruct(value)) throw wrongType('struct', value);
      const map = emptyStruct<unknown>();
      for (const [k, v] of Object.entries(value)) map[key(k)] = of.decode(v);
      return map;
    },
    json(value) {
      const members: string[] = [];
      for (const [k, v] of entriesOf(value)) members.push(`${quoted(k)}:${of.json(v)}`);
      return `{${members.join(',')}}`;
    },
    xml(value) {
      const members: string[] = [];
      for (const [k, v] of entriesOf(value)) members.push(memberXml(k, of.xml(v)));
      return structXml(members.join(''));
    },
  };
}

const isNone = (value: unknown): boolean => value === undefined || value === null;
/** Nil where a value must stand; in a record the member is left out instead. */
function optionCodec(of: Codec): Codec {
  return {
    decode: (value) => (isNone(value) ? undefined : of.decode(value)),
    json: (value) => (isNone(value) ? 'null' : of.json(value)),
    xml: (value) => (isNone(value) ? '<value><nil/></value>' : of.xml(value)),
  };
}

/** The codec of any type but those whose shape is a class: records, records of any class, and batches of events. */
export function plainCodec(type: Type | undefined, codecFor: CodecFor): Codec {
  switch (type?.kind) {
    case 'string':
      return stringCodec;
    case 'int':
      return intCodec;
    case 'float':
      return floatCodec;
    case 'bool':
      return boolCodec;
    case 'datetime':
      return dateCodec;
    case 'ref':
      return refCodec(type);
    case 'enum':
      return enumCodec(type);
    case 'set':
      return setCodec(codecFor(type.of));
    case 'map':
      return mapCodec(keyOf(type.key, codecFor), codecFor(type.of));
    case 'option':
      return optionCodec(codecFor(type.of));
    case undefined:
      return voidCodec;
    default:
      throw new TypeError(`${spell(type)} has a codec of its own`);
  }
}
