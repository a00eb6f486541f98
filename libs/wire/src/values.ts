/** Values of the model to and from both wires, by their declared type and never by their look. Each type is compiled once. */
import { classNamed, isClassName, type ClassDef, type Type } from '@xenplane/model';
import { anyRecordCodec } from './any-record';
import { plainCodec, type Codec } from './codec';
import { eventBatchCodec } from './events';
import { readConstructor, recordCodec } from './records';

const byType = new WeakMap<Type, Codec>();
const byClass = new Map<string, Codec>();
const nothing = plainCodec(undefined, codecFor);

/** The codec of a type; of void, without one. */
export function codecFor(type: Type | undefined): Codec {
  if (!type) return nothing;
  const known = byType.get(type);
  if (known) return known;
  const made = compile(type);
  byType.set(type, made);
  return made;
}

function compile(type: Type): Codec {
  if (type.kind === 'record') return codecOfClass(type.cls ?? '');
  if (type.kind === 'eventBatch') return eventBatchCodec(codecFor);
  return type.kind === 'anyRecord' ? anyRecordCodec : plainCodec(type, codecFor);
}

function codecOfClass(name: string): Codec {
  const known = byClass.get(name);
  if (known) return known;
  if (!isClassName(name)) throw new TypeError(`there is no class ${name}`);
  const made = recordCodec(classNamed(name), codecFor);
  byClass.set(name, made);
  return made;
}

/**
 * The model's value of an untyped one: ints and floats are numbers, datetimes `YYYYMMDDTHH:MM:SSZ`, sets arrays, maps objects
 * without a prototype, void undefined. Throws INTERNAL_ERROR for a wrong type or a value that an enum does not have, INVALID_VALUE
 * for text that is no sound Unicode or holds U+0000, and for an int that a number would round.
 */
export const decode = (type: Type | undefined, value: unknown): unknown => codecFor(type).decode(value);

/** The argument of a constructor of the class: its settable fields, with defaults. Throws INTERNAL_ERROR for one that is missing. */
export const decodeRecord = (cls: ClassDef, value: unknown): Record<string, unknown> =>
  readConstructor(cls, value, codecFor);

/** JSON text; void is `""`. Throws TypeError for a value that is not of the type. */
export const encodeJson = (type: Type | undefined, value: unknown): string => codecFor(type).json(value);

/** A `<value>` element; void is `<value></value>`. Throws TypeError for a value that is not of the type. */
export const encodeXml = (type: Type | undefined, value: unknown): string => codecFor(type).xml(value);

/** The `<value>` element of what is JSON already: what the replica keeps, for a client that speaks XML. */
export const xmlOfJson = (type: Type | undefined, json: string): string =>
  codecFor(type).xml(JSON.parse(json));
