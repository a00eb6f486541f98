/**
 * The language in which the XenAPI is declared. A class is a value: its fields, what may be done with each,
 * and its calls. Everything that follows from that (messages, wire codecs, roles, tables, docs, CLI) is a reading of it.
 */
import type { Role } from './roles';
import { string, type Type, type TypeOf } from './types';

/** readWrite: settable by clients; atCreate: given once, to `create`; readOnly: only the system writes it. */
export type Access = 'readWrite' | 'atCreate' | 'readOnly';
export type Lifecycle = 'published' | 'prototyped' | 'deprecated' | 'removed';

export interface FieldNotes {
  /** Least role that may set it; the class's role unless said. */
  readonly role?: Role;
  /** Least role that may read it; read-only unless said. */
  readonly readRole?: Role;
  /** Least role for single keys of a map field; `prefix*` matches by prefix. */
  readonly keyRoles?: Readonly<Record<string, Role>>;
  readonly state?: Lifecycle;
  /** Also open to the internal client-certificate role. */
  readonly clientCert?: true;
  /** Its setter does more than store the value. */
  readonly effect?: true;
}
export interface Field<T = unknown> extends FieldNotes {
  readonly type: Type<T>;
  readonly doc: string;
  readonly access: Access;
  /** `Class.field` whose other end this is: a set of references found from there, never stored or written. */
  readonly inverse?: string;
  /** The value in `create` when a client leaves it out; without one, `create` demands it. */
  readonly default?: T;
}

export type Params = Readonly<Record<string, Type>>;
/** now: answered inside one transaction. operation: durable work, a task run step by step by the scheduler. planned: not built yet. */
export type Mode = 'now' | 'operation' | 'planned';
export interface CallSpec<P extends Params, R> {
  readonly doc: string;
  readonly role: Role;
  /** In order, without the session. */
  readonly params: P;
  /** Absent for void. */
  readonly result?: Type<R>;
  readonly errors?: readonly string[];
  /** True if `Async.` may stand before it. */
  readonly async?: boolean;
  /** False for the few that take no session. */
  readonly session?: boolean;
  readonly keyRoles?: Readonly<Record<string, Role>>;
  readonly clientCert?: true;
  /** Answered, yet not part of the published API. */
  readonly hidden?: true;
  readonly state?: Lifecycle;
}
/** How an object shows an operation that is under way on it: by this name in its `current_operations`. */
export interface Target {
  readonly op: string;
  /** The VM's disks and interfaces are busy too, with being attached. */
  readonly devices?: true;
  /** Only marked: the operation itself decides whether it may use the object. */
  readonly unchecked?: true;
}
/** By the parameters that name the objects. Locks, admission, `current_operations` and `allowed_operations` follow from it. */
export type Targets<P extends Params = Params> = { readonly [K in keyof P]?: string | Target };
export interface CallDef<P extends Params = Params, R = unknown, M extends Mode = Mode> extends CallSpec<
  P,
  R
> {
  readonly runs: M;
  /** Of an operation; empty for one that no object shows. */
  readonly targets?: Targets;
}

export type Fields = Readonly<Record<string, Field>>;
export type Calls = Readonly<Record<string, CallDef>>;

export interface ClassNotes {
  readonly doc: string;
  /** Least role that may create, destroy and set, unless a field or call says otherwise. */
  readonly role: Role;
  /** Clients may create and destroy objects of it. */
  readonly constructs?: true;
  /** No table: a shape, or a service. */
  readonly stored?: false;
  /** Which of the calls about all objects exist; all of them unless said. */
  readonly lists?: 'none' | 'records';
  /** Cannot be looked up by label, although it has one. */
  readonly byLabel?: false;
  /** Its fields can only be read as a whole record. */
  readonly getters?: false;
  readonly state?: Lifecycle;
}
export interface ClassDef<
  N extends string = string,
  F extends Fields = Fields,
  C extends Calls = Calls,
> extends ClassNotes {
  readonly name: N;
  readonly fields: F;
  readonly calls: C;
}

type Given<T> = FieldNotes & { readonly default?: NoInfer<T> };
export const readWrite = <T>(type: Type<T>, doc: string, notes: Given<T> = {}): Field<T> => ({
  type,
  doc,
  access: 'readWrite',
  ...notes,
});
export const atCreate = <T>(type: Type<T>, doc: string, notes: Given<T> = {}): Field<T> => ({
  type,
  doc,
  access: 'atCreate',
  ...notes,
});
export const readOnly = <T>(type: Type<T>, doc: string, notes: Given<T> = {}): Field<T> => ({
  type,
  doc,
  access: 'readOnly',
  ...notes,
});
/** The other end of a relation: the objects whose `inverse` field points (or whose set points) at this one. */
export const computed = <T>(
  type: Type<T>,
  doc: string,
  inverse: string,
  notes: FieldNotes = {},
): Field<T> & { readonly inverse: string } => ({
  type,
  doc,
  access: 'readOnly',
  inverse,
  ...notes,
});
export const uuid = readOnly(string, 'Unique identifier of the object');

/** A call answered inside one transaction. */
export const call = <P extends Params, R = void>(spec: CallSpec<P, R>): CallDef<P, R, 'now'> => ({
  ...spec,
  runs: 'now',
});
/** A call that is durable work: a task, run step by step by a scheduler. */
export const operation = <P extends Params, R = void>(
  spec: CallSpec<P, R> & { readonly targets: Targets<P> },
): CallDef<P, R, 'operation'> => ({
  ...spec,
  runs: 'operation',
});
/** A call that is declared, checked and answers NOT_IMPLEMENTED until it is built. */
export const planned = <P extends Params, R = void>(spec: CallSpec<P, R>): CallDef<P, R, 'planned'> => ({
  ...spec,
  runs: 'planned',
});

export function xenClass<N extends string, F extends Fields, C extends Calls>(
  name: N,
  def: ClassNotes & { readonly fields: F; readonly calls: C },
): ClassDef<N, F, C> {
  return { name, ...def };
}

/** The record of a class, every field with its TypeScript type. */
export type RecordOf<C extends ClassDef> = { [K in keyof C['fields']]: TypeOf<C['fields'][K]['type']> };
/** The columns of a record's table: all but the computed fields. */
export type StoredOf<C extends ClassDef> = {
  [K in keyof C['fields'] as C['fields'][K] extends { readonly inverse: string } ? never : K]: TypeOf<
    C['fields'][K]['type']
  >;
};
export type ParamsOf<D> =
  D extends CallDef<infer P, unknown, Mode> ? { [K in keyof P]: TypeOf<P[K]> } : never;
export type ResultOf<D> = D extends CallDef<Params, infer R, Mode> ? R : never;

type KeysRunning<C extends ClassDef, M extends Mode> = {
  [K in keyof C['calls']]: C['calls'][K]['runs'] extends M ? K : never;
}[keyof C['calls']];
/** The behaviour that a class must supply: every call that is answered now. */
export type CallsOf<C extends ClassDef, Context> = {
  [K in KeysRunning<C, 'now'>]: (
    context: Context,
    params: ParamsOf<C['calls'][K]>,
  ) => Promise<ResultOf<C['calls'][K]>>;
};
/** The behaviour that the scheduler must supply: every call that is durable work. */
export type OperationsOf<C extends ClassDef, Run> = {
  [K in KeysRunning<C, 'operation'>]: (
    run: Run,
    params: ParamsOf<C['calls'][K]>,
  ) => Promise<ResultOf<C['calls'][K]>>;
};
/** The parameters of a named operation, as its handler sees them. */
export type OperationParams<C extends ClassDef, K extends keyof C['calls']> = ParamsOf<C['calls'][K]>;
