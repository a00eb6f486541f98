/** The messages that the model implies: reads from the replica, setters and constructors on the tables. */
import {
  asRef,
  classNamed,
  isClassName,
  isNullRef,
  XenError,
  type ClassDef,
  type ClassName,
  type Message,
  type Ref,
} from '@xenplane/model';
import { refusePolicy } from '@xenplane/domain';
import { encodeJson, evaluate, membersOfBlocks, parseFilter, type Blocks } from '@xenplane/wire';
import { inSlices, type Replica, type Tx } from '@xenplane/store';
import type { Context } from './context';

const nameOf = (cls: ClassDef): ClassName => {
  if (!isClassName(cls.name)) throw new Error(`no class ${cls.name}`);
  return cls.name;
};
type Args = Readonly<Record<string, unknown>>;

/** The objects of a pool: our own as the replica has them, or another's. */
export type Readable = Pick<
  Replica,
  'has' | 'refs' | 'byUuid' | 'byNameLabel' | 'record' | 'fragment' | 'prepare'
> & { allRecords(cls: ClassName): Blocks };
/** A value of the message's type, or the members of a map whose JSON is ready. */
export type Read = { readonly value: unknown } | { readonly blocks: Blocks };

/** Answers a message that only reads, as all is at one moment. The replica must be fresh. */
export async function read(replica: Readable, message: Message, args: Args): Promise<Read> {
  const cls = nameOf(message.cls);
  if (message.kind === 'field-get')
    return { value: recordOf(replica, cls, String(args['self']))[message.field ?? ''] };
  switch (message.call) {
    case 'get_record':
      return { value: fragmentOf(replica, cls, String(args['self'])) };
    case 'get_by_uuid':
      return { value: byUuid(replica, cls, String(args['uuid'])) };
    case 'get_by_name_label':
      return { value: [...replica.byNameLabel(cls, String(args['label']))] };
    case 'get_all':
      return { value: [...replica.refs(cls)] };
    case 'get_all_records':
      await replica.prepare(cls);
      return { blocks: replica.allRecords(cls) };
    default:
      return filtered(replica, cls, message, String(args['expr']));
  }
}

function recordOf(replica: Readable, cls: ClassName, ref: string): Readonly<Record<string, unknown>> {
  const record = replica.record(cls, asRef(ref));
  if (!record) throw new XenError('HANDLE_INVALID', cls, ref);
  return record;
}
function fragmentOf(replica: Readable, cls: ClassName, ref: string): string {
  if (!replica.has(cls, asRef(ref))) throw new XenError('HANDLE_INVALID', cls, ref);
  return replica.fragment(cls, asRef(ref));
}
function byUuid(replica: Readable, cls: ClassName, uuid: string): string {
  const ref = replica.byUuid(cls, uuid);
  if (!ref) throw new XenError('UUID_INVALID', cls, uuid);
  return ref;
}

/** The records are looked at in slices, as they all were when that began. */
async function filtered(
  replica: Readable,
  cls: ClassName,
  message: Message,
  expression: string,
): Promise<Read> {
  const filter = parseFilter(expression);
  await replica.prepare(cls);
  const refs: string[] = [],
    members: string[] = [];
  for await (const [ref, record] of inSlices(membersOfBlocks(replica.allRecords(cls)))) {
    const fields = record as Args;
    if (!evaluate(filter, (name) => fields[name])) continue;
    if (message.call === 'get_all_where') refs.push(ref);
    else members.push(`${JSON.stringify(ref)}:${encodeJson({ kind: 'record', cls }, record)}`);
  }
  return message.call === 'get_all_where' ? { value: refs } : { blocks: members };
}

/** Answers a set_, add_to_, remove_from_, add_ or remove_ message by storing the value. */
export async function writeField(tx: Tx, message: Message, args: Args): Promise<void> {
  const match = /^(set|add_to|remove_from|add|remove)_(.+)$/.exec(message.call);
  const verb = match?.[1],
    field = message.field ?? match?.[2];
  if (!verb || !field) throw new Error(`${message.name} is about no field`);
  const cls = nameOf(message.cls),
    self = asRef<ClassName>(String(args['self']));
  const refused = field === 'other_config' && refuseOtherConfig(cls, writtenBy(verb, args));
  if (refused) throw refused;
  if (verb === 'set') return tx.update(cls, self, { [field]: args['value'] });
  const row: Readonly<Record<string, unknown>> = await tx.lock(cls, self);
  const after = changed(verb, row[field], args, [cls, field, self]);
  if (after !== undefined) await tx.update(cls, self, { [field]: after });
}

/** The entries of a map that a message writes. */
function writtenBy(verb: string, args: Args): Readonly<Record<string, string>> {
  if (verb === 'set') return args['value'] as Readonly<Record<string, string>>;
  return verb === 'add_to' ? { [String(args['key'])]: String(args['value']) } : {};
}
/** Settings that are read by name: a value without a meaning is refused where it is set. */
const refuseOtherConfig = (
  cls: ClassName,
  written: Readonly<Record<string, string>>,
): XenError | undefined => (cls === 'VM' || cls === 'pool' ? refusePolicy(written) : undefined);

/** The new value, or undefined when the change would change nothing. */
function changed(
  verb: string,
  value: unknown,
  args: Args,
  place: readonly [string, string, string],
): unknown {
  if (verb === 'add_to')
    return added(value as Record<string, unknown>, String(args['key']), args['value'], place);
  if (verb === 'remove_from') return without(value as Record<string, unknown>, String(args['key']));
  const elements = value as readonly unknown[];
  const element = args['value'];
  if (verb === 'add') return elements.includes(element) ? undefined : [...elements, element];
  return elements.includes(element) ? elements.filter((e) => e !== element) : undefined;
}
function added(
  map: Readonly<Record<string, unknown>>,
  key: string,
  value: unknown,
  [cls, field, self]: readonly [string, string, string],
): unknown {
  if (Object.hasOwn(map, key)) throw new XenError('MAP_DUPLICATE_KEY', cls, field, self, key);
  return { ...map, [key]: value };
}
function without(map: Readonly<Record<string, unknown>>, key: string): unknown {
  if (!Object.hasOwn(map, key)) return undefined;
  return Object.fromEntries(Object.entries(map).filter(([k]) => k !== key));
}

/** Creates an object of a class that needs nothing but its record. */
export async function createPlain(context: Context, cls: ClassName, args: Args): Promise<Ref> {
  const uuid = context.plane.ids.uuid();
  const ref = asRef<ClassName>(`OpaqueRef:${uuid}`);
  await assertRefs(context.tx, classNamed(cls), args);
  await context.tx.insert(cls, ref, { ...args, uuid });
  return ref;
}

/** HANDLE_INVALID for the first reference of the record that points at nothing. */
async function assertRefs(tx: Tx, cls: ClassDef, record: Args): Promise<void> {
  for (const [name, field] of Object.entries(cls.fields)) {
    const value = record[name];
    if (
      field.type.kind !== 'ref' ||
      typeof value !== 'string' ||
      isNullRef(value) ||
      !field.type.cls ||
      !isClassName(field.type.cls)
    )
      continue;
    await tx.get(field.type.cls, asRef(value));
  }
}
