/** Untyped values to typed ones, by the model; what does not fit is the error that xapi gives. */
import { classNamed, isClassName, nullRefText, XenError, zeroOf, type ClassDef, type Type } from '@xenplane/model';
import { Bytes, Exact, Moment, type Untyped } from './untyped';

const kindOf = (value: Untyped): string => {
  if (value instanceof Exact) return `Int(${value.text.slice(0, 30)})`;
  if (value instanceof Moment) return 'DateTime';
  if (value instanceof Bytes) return 'Base64';
  if (value instanceof Map) return 'Dict';
  if (Array.isArray(value)) return 'Enum';
  return value === null ? 'Null' : `${typeof value === 'string' ? 'String' : typeof value === 'boolean' ? 'Bool' : 'Float'}(${String(value).slice(0, 60)})`;
};
const mismatch = (expected: string, value: Untyped): XenError => new XenError('INTERNAL_ERROR', `Expected ${expected}, got ${kindOf(value)}`);

const largest = 2n ** 63n;
function integer(value: Untyped): number {
  const text = value instanceof Exact ? value.text : typeof value === 'string' ? value : undefined;
  if (text === undefined || !/^[+-]?\d{1,20}$/.test(text)) throw mismatch('an integer', value);
  const exact = BigInt(text.startsWith('+') ? text.slice(1) : text);
  if (exact >= largest || exact < -largest) throw mismatch('an integer of 64 bits', value);
  const number = Number(exact);
  if (BigInt(number) !== exact) throw mismatch('an integer that this server can hold exactly', value);
  return number;
}

function float(value: Untyped): number {
  const number =
    value instanceof Exact
      ? Number(value.text)
      : typeof value === 'number'
        ? value
        : typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)
          ? Number(value)
          : NaN;
  if (!Number.isFinite(number)) throw mismatch('a finite number', value);
  return number;
}

const unusable = (text: string): boolean => text.includes('\u0000') || !text.isWellFormed();
function text(value: Untyped): string {
  if (typeof value !== 'string') throw mismatch('a string', value);
  if (unusable(value)) throw new XenError('INVALID_VALUE', 'Invalid UTF-8 string in parameter', value.toWellFormed().replaceAll('\u0000', '\\0').slice(0, 100));
  return value;
}

const pattern = /^(\d{4})-?(\d{2})-?(\d{2})T?(?:(\d{2}):?(\d{2}):?(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;
function moment(value: Untyped): string {
  const given = value instanceof Moment ? value.text : typeof value === 'string' ? value : undefined;
  const match = given === undefined ? null : pattern.exec(given);
  if (!match) throw mismatch('a date and time', value);
  const [, y = '', mo = '', d = '', h = '00', mi = '00', s = '00', zone = 'Z'] = match;
  const offset = zone === 'Z' ? 'Z' : zone.replace(/^([+-]\d{2}):?(\d{2})$/, '$1:$2');
  const at = new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}${offset}`);
  if (Number.isNaN(at.getTime())) throw mismatch('a date and time', value);
  return `${at.toISOString().slice(0, 19).replaceAll('-', '')}Z`;
}

/** A plain object that has nothing of its own: `__proto__` is a key like any other. */
export const dictionary = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;

function mapOf(type: Type, value: Untyped): Record<string, unknown> {
  if (!(value instanceof Map)) throw mismatch('a map', value);
  const out = dictionary();
  for (const [key, item] of value as ReadonlyMap<string, Untyped>) {
    if (type.key) decode(type.key, key);
    out[key] = decode(type.of ?? { kind: 'string' }, item);
  }
  return out;
}

function oneOf(type: Type, value: Untyped): string {
  const given = text(value);
  if (!type.values?.includes(given)) throw new XenError('INTERNAL_ERROR', `${given.slice(0, 60)} is no ${type.name}`);
  return given;
}

/** The value as the model's type has it. A reference that is empty is the one to nothing. */
export function decode(type: Type, value: Untyped): unknown {
  switch (type.kind) {
    case 'string':
      return text(value);
    case 'int':
      return integer(value);
    case 'float':
      return float(value);
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch('a boolean', value);
      return value;
    case 'datetime':
      return moment(value);
    case 'ref':
      return text(value) || nullRefText;
    case 'enum':
      return oneOf(type, value);
    case 'set':
      if (!Array.isArray(value)) throw mismatch('an array', value);
      return (value as readonly Untyped[]).map((item) => decode(type.of ?? { kind: 'string' }, item));
    case 'map':
      return mapOf(type, value);
    case 'option':
      return value === null ? undefined : decode(type.of ?? { kind: 'string' }, value);
    case 'record':
      return type.cls && isClassName(type.cls) ? decodeRecord(classNamed(type.cls), value) : mapOf(type, value);
    default:
      throw mismatch(type.kind, value);
  }
}

/** What `create` takes: the members that are for it, others unread; what is missing has its default or is asked for. */
export function decodeRecord(cls: ClassDef, value: Untyped): Record<string, unknown> {
  if (!(value instanceof Map)) throw mismatch('a struct', value);
  const out = dictionary();
  for (const [name, field] of Object.entries(cls.fields)) {
    if (field.access === 'readOnly') continue;
    const given = (value as ReadonlyMap<string, Untyped>).get(name);
    if (given !== undefined) out[name] = decode(field.type, given);
    else if (field.default === undefined) throw new XenError('INTERNAL_ERROR', `Server_helpers.Dispatcher_FieldNotFound("${name}")`);
    else out[name] = structuredClone(field.default ?? zeroOf(field.type));
  }
  return out;
}
