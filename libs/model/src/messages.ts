/** Every message of a class: the calls it declares and those that its fields and its being a class imply. */
import type { ClassDef, Field, Lifecycle, Mode } from './language';
import type { Role } from './roles';
import { map, record, ref, set, string, type Type } from './types';

export type MessageKind =
  'custom' | 'object' | 'create' | 'destroy' | 'field-get' | 'field-set' | 'field-add' | 'field-remove';
export interface Param {
  readonly name: string;
  readonly type: Type;
}
export interface Message {
  /** As on the wire, `VM.start`. */
  readonly name: string;
  readonly cls: ClassDef;
  /** Without the class, `start`. */
  readonly call: string;
  readonly kind: MessageKind;
  /** The field that a field message is about. */
  readonly field?: string;
  /** Without the session. */
  readonly params: readonly Param[];
  /** Absent for void. */
  readonly result?: Type;
  readonly role: Role;
  readonly keyRoles?: Readonly<Record<string, Role>>;
  readonly clientCert: boolean;
  readonly async: boolean;
  readonly session: boolean;
  readonly runs: Mode;
  /** Answered, yet not part of the published API. */
  readonly hidden: boolean;
  readonly doc: string;
  readonly errors: readonly string[];
  readonly state: Lifecycle;
}

interface Sketch {
  kind: MessageKind;
  doc: string;
  params?: Param[];
  result?: Type;
  role?: Role;
  field?: string;
  keyRoles?: Readonly<Record<string, Role>>;
  async?: boolean;
  hidden?: boolean;
  clientCert?: true;
  state?: Lifecycle;
}

/** A removed class takes its messages with it; other states are said message by message. */
const inherited = (cls: ClassDef): Lifecycle => (cls.state === 'removed' ? 'removed' : 'published');

function implied(cls: ClassDef, call: string, sketch: Sketch): Message {
  return {
    name: `${cls.name}.${call}`,
    cls,
    call,
    params: [],
    async: false,
    session: true,
    runs: 'now',
    hidden: false,
    errors: [],
    ...sketch,
    role: sketch.role ?? 'read-only',
    clientCert: sketch.clientCert ?? false,
    state: sketch.state ?? inherited(cls),
  };
}

const self = (cls: ClassDef): Param => ({ name: 'self', type: ref(cls.name) });

function objectMessages(cls: ClassDef): Message[] {
  if (cls.lists === 'none' || cls.stored === false) return [];
  const role = cls.fields['uuid']?.readRole ?? 'read-only';
  const one = ref(cls.name),
    rec = record(cls.name);
  const of = (call: string, doc: string, params: Param[], result: Type, hidden = false): Message =>
    implied(cls, call, { kind: 'object', doc, params, result, role, hidden });
  const out = [
    of('get_record', `The record of one ${cls.name}`, [self(cls)], rec),
    of('get_by_uuid', `The ${cls.name} with the given uuid`, [{ name: 'uuid', type: string }], one),
  ];
  if (cls.lists === 'records') return out;
  if ('name_label' in cls.fields && cls.byLabel !== false)
    out.push(
      of(
        'get_by_name_label',
        `Every ${cls.name} with the given label`,
        [{ name: 'label', type: string }],
        set(one),
      ),
    );
  out.push(
    of('get_all', `Every ${cls.name} known`, [], set(one)),
    of('get_all_records', `Every ${cls.name} known, with its record`, [], map(one, rec)),
    of(
      'get_all_where',
      `Every ${cls.name} that an expression is true of`,
      [{ name: 'expr', type: string }],
      set(one),
      true,
    ),
    of(
      'get_all_records_where',
      `Every ${cls.name} that an expression is true of, with its record`,
      [{ name: 'expr', type: string }],
      map(one, rec),
      true,
    ),
  );
  return out;
}

function constructors(cls: ClassDef): Message[] {
  if (!cls.constructs) return [];
  return [
    implied(cls, 'create', {
      kind: 'create',
      doc: `Create a new ${cls.name} and return its reference`,
      params: [{ name: 'args', type: record(cls.name) }],
      result: ref(cls.name),
      role: cls.role,
      async: true,
    }),
    implied(cls, 'destroy', {
      kind: 'destroy',
      doc: `Destroy the given ${cls.name}`,
      params: [self(cls)],
      role: cls.role,
      async: true,
    }),
  ];
}

function setters(cls: ClassDef, name: string, field: Field): Message[] {
  if (field.access !== 'readWrite') return [];
  const common = {
    field: name,
    role: field.role ?? cls.role,
    clientCert: field.clientCert,
    state: field.state,
  };
  const of = (
    verb: string,
    kind: MessageKind,
    doc: string,
    params: Param[],
    keyRoles?: Readonly<Record<string, Role>>,
  ): Message =>
    implied(cls, `${verb}_${name}`, { ...common, kind, doc, params: [self(cls), ...params], keyRoles });
  const out = [
    of('set', 'field-set', `Set the ${name} of the given ${cls.name}`, [{ name: 'value', type: field.type }]),
  ];
  if (field.type.kind === 'map' && field.type.key && field.type.of)
    out.push(
      of(
        'add_to',
        'field-add',
        `Add a key to the ${name} of the given ${cls.name}`,
        [
          { name: 'key', type: field.type.key },
          { name: 'value', type: field.type.of },
        ],
        field.keyRoles,
      ),
      of(
        'remove_from',
        'field-remove',
        `Remove a key from the ${name} of the given ${cls.name}, if it is there`,
        [{ name: 'key', type: field.type.key }],
        field.keyRoles,
      ),
    );
  if (field.type.kind === 'set' && field.type.of) {
    const value = [{ name: 'value', type: field.type.of }];
    out.push(
      of(
        'add',
        'field-add',
        `Add an element to the ${name} of the given ${cls.name}, if it is not there`,
        value,
      ),
      of(
        'remove',
        'field-remove',
        `Remove an element from the ${name} of the given ${cls.name}, if it is there`,
        value,
      ),
    );
  }
  return out;
}

function fieldMessages(cls: ClassDef): Message[] {
  if (cls.stored === false || cls.getters === false) return [];
  return Object.entries(cls.fields).flatMap(([name, field]) => [
    implied(cls, `get_${name}`, {
      kind: 'field-get',
      doc: `Get the ${name} of the given ${cls.name}`,
      params: [self(cls)],
      result: field.type,
      field: name,
      role: field.readRole,
      state: field.state,
    }),
    ...setters(cls, name, field),
  ]);
}

function customMessages(cls: ClassDef): Message[] {
  return Object.entries(cls.calls).map(([call, def]) => ({
    name: `${cls.name}.${call}`,
    cls,
    call,
    kind: 'custom',
    doc: def.doc,
    role: def.role,
    runs: def.runs,
    hidden: def.hidden ?? false,
    params: Object.entries(def.params).map(([name, type]) => ({ name, type })),
    result: def.result,
    keyRoles: def.keyRoles,
    clientCert: def.clientCert ?? false,
    async: def.async ?? true,
    session: def.session ?? true,
    errors: def.errors ?? [],
    state: def.state ?? inherited(cls),
  }));
}

export function messagesOf(cls: ClassDef): readonly Message[] {
  return [...objectMessages(cls), ...constructors(cls), ...fieldMessages(cls), ...customMessages(cls)];
}
/** Parameters that must be given; those after them have defaults. */
export const mandatory = (message: Message): number =>
  message.params.filter((p) => !('default' in p.type)).length;
