/** Records of a class: whole ones on their way out and back to a client, and those that a constructor is given. */
import { string, XenError, zeroOf, type ClassDef, type Field, type Type } from '@xenplane/model';
import { snapshotCodec } from './any-record';
import { memberXml, structXml, type Codec, type CodecFor } from './codec';
import { emptyStruct, isStruct, wrongType } from './untyped';

interface Member {
  readonly name: string;
  /** `"name":` */
  readonly label: string;
  /** Of a record of any class it depends on the record that it is in. */
  readonly codecIn: (record: Readonly<Record<string, unknown>>) => Codec;
  /** The placeholder of a value that is not there; undefined leaves the member out. */
  readonly zero: unknown;
}

/** Fields whose type on the wire differs from the declared one: event.next gives seconds since the epoch, with a fraction, as text. */
const asSent: ReadonlyMap<string, Type> = new Map([['event.timestamp', string]]);
const isAbsent = (value: unknown): boolean => value === undefined || value === null;
function membersOf(cls: ClassDef, codecFor: CodecFor): Member[] {
  return Object.entries(cls.fields).map(([name, field]) => {
    const type = asSent.get(`${cls.name}.${name}`) ?? field.type;
    const codec = codecFor(type);
    const codecIn: Member['codecIn'] =
      type.kind === 'anyRecord' ? (record) => snapshotCodec(record['class'], codecFor) : () => codec;
    return { name, label: `${JSON.stringify(name)}:`, codecIn, zero: zeroOf(type) };
  });
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (isStruct(value)) return value;
  throw new TypeError(`a record was expected, not ${typeof value}`);
}

/**
 * Every field of the class in the model's order, whatever else the object holds; only options may be absent. A text in place of a
 * record is its JSON, ready: on the JSON wire it goes through as it is.
 */
export function recordCodec(cls: ClassDef, codecFor: CodecFor): Codec {
  let compiled: readonly Member[] | undefined;
  const members = (): readonly Member[] => (compiled ??= membersOf(cls, codecFor));
  return {
    decode: (value) => decodeMembers(members(), value),
    json: (value) =>
      typeof value === 'string'
        ? value
        : `{${written(members(), value, (m, codec, v) => m.label + codec.json(v)).join(',')}}`,
    xml: (value) =>
      structXml(
        written(members(), typeof value === 'string' ? JSON.parse(value) : value, (m, codec, v) =>
          memberXml(m.name, codec.xml(v)),
        ).join(''),
      ),
  };
}

function written(
  members: readonly Member[],
  value: unknown,
  write: (member: Member, codec: Codec, value: unknown) => string,
): string[] {
  const record = asRecord(value),
    out: string[] = [];
  for (const member of members) {
    const given = record[member.name];
    const known = isAbsent(given) ? member.zero : given;
    if (known !== undefined) out.push(write(member, member.codecIn(record), known));
  }
  return out;
}

/** A member that an older server does not send has its zero. */
function decodeMembers(members: readonly Member[], value: unknown): Record<string, unknown> {
  if (!isStruct(value)) throw wrongType('struct', value);
  const record: Record<string, unknown> = {};
  for (const { name, codecIn, zero } of members) {
    const read = Object.hasOwn(value, name) ? codecIn(value).decode(value[name]) : zero;
    if (read !== undefined) record[name] = read;
  }
  return record;
}

interface Given {
  readonly name: string;
  readonly codec: Codec;
  readonly field: Field;
}
const givens = new WeakMap<ClassDef, readonly Given[]>();
function givensOf(cls: ClassDef, codecFor: CodecFor): readonly Given[] {
  const known = givens.get(cls);
  if (known) return known;
  const made = Object.entries(cls.fields)
    .filter(([, f]) => f.access !== 'readOnly')
    .map(([name, field]) => ({ name, field, codec: codecFor(field.type) }));
  givens.set(cls, made);
  return made;
}

/**
 * The argument of a constructor: the fields that clients may set, with defaults for those left out. Other members are not even
 * looked at, since clients send whole records. INTERNAL_ERROR for a mandatory field that is missing.
 */
export function readConstructor(cls: ClassDef, value: unknown, codecFor: CodecFor): Record<string, unknown> {
  if (!isStruct(value)) throw wrongType(`${cls.name} record`, value);
  const record: Record<string, unknown> = {};
  for (const { name, codec, field } of givensOf(cls, codecFor)) {
    const read = Object.hasOwn(value, name) ? codec.decode(value[name]) : leftOut(name, field);
    if (read !== undefined) record[name] = read;
  }
  return record;
}
function leftOut(name: string, field: Field): unknown {
  if (field.default !== undefined) return fresh(field.default);
  if (field.type.kind === 'option') return undefined;
  throw new XenError('INTERNAL_ERROR', `Dispatcher_FieldNotFound("${name}")`);
}

/** A default that its taker may change without changing it for the next. */
export function fresh(value: unknown): unknown {
  if (Array.isArray(value)) return [...(value as unknown[])];
  return isStruct(value) ? Object.assign(emptyStruct<unknown>(), value) : value;
}
