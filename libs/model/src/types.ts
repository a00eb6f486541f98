/**
 * The value types of the XenAPI as values. Each carries the TypeScript type of what it describes,
 * so that records, parameters and results are inferred from the one declaration.
 */
declare const cls: unique symbol;

/** A reference to an object: `OpaqueRef:<uuid>`, or `OpaqueRef:NULL` for none. */
export type Ref<C extends string = string> = string & { readonly [cls]: C };
/** UTC with whole seconds, `YYYYMMDDTHH:MM:SSZ`; the epoch means never. */
export type DateTime = string;
/** A record whose class is known only at run time. */
export type AnyRecord = Readonly<Record<string, unknown>>;

export type Kind =
  | 'string'
  | 'int'
  | 'float'
  | 'bool'
  | 'datetime'
  | 'ref'
  | 'enum'
  | 'set'
  | 'map'
  | 'record'
  | 'option'
  | 'anyRecord'
  | 'eventBatch';

export interface Type<T = unknown> {
  readonly kind: Kind;
  /** Element of a set or an option, value of a map. */
  readonly of?: Type;
  /** Key of a map. */
  readonly key?: Type;
  /** Class of a ref or a record. */
  readonly cls?: string;
  /** Name of an enum. */
  readonly name?: string;
  readonly values?: readonly string[];
  /** Of a parameter: what a caller may leave out. */
  readonly default?: T;
  /** Of a parameter: never logged. */
  readonly secret?: true;
  readonly phantom?: T;
}

export const string: Type<string> = { kind: 'string' };
/** 64 bits; a JavaScript number, exact up to 2^53. */
export const int: Type<number> = { kind: 'int' };
export const float: Type<number> = { kind: 'float' };
export const bool: Type<boolean> = { kind: 'bool' };
export const datetime: Type<DateTime> = { kind: 'datetime' };
export const anyRecord: Type<AnyRecord> = { kind: 'anyRecord' };
export const ref = <C extends string>(cls: C): Type<Ref<C>> => ({ kind: 'ref', cls });
export const set = <T>(of: Type<T>): Type<T[]> => ({ kind: 'set', of });
export const option = <T>(of: Type<T>): Type<T | undefined> => ({ kind: 'option', of });
export const map = <K extends string | number, T>(key: Type<K>, of: Type<T>): Type<Record<string, T>> => ({
  kind: 'map',
  key,
  of,
});
export const record = (cls: string): Type<AnyRecord> => ({ kind: 'record', cls });
export const oneOf = <const V extends string>(name: string, ...values: V[]): Type<V> => ({
  kind: 'enum',
  name,
  values,
});
/** A parameter that callers may leave out, at the end of the list only. */
export const optional = <T>(type: Type<T>, value: T): Type<T> => ({ ...type, default: value });
/** A parameter whose value must never reach a log or an audit line. */
export const secretly = <T>(type: Type<T>): Type<T> => ({ ...type, secret: true });

export interface EventRecord {
  readonly id: string;
  readonly timestamp: string;
  readonly class: string;
  readonly operation: 'add' | 'mod' | 'del';
  readonly ref: string;
  /** The record's JSON, as text or as its bytes, absent for what is gone; ready made, for there may be very many. */
  readonly snapshot?: string | Uint8Array;
}
/** The answer of `event.from`. */
export interface EventBatch {
  readonly events: readonly EventRecord[];
  readonly valid_ref_counts: Readonly<Record<string, number>>;
  readonly token: string;
}
export const eventBatch: Type<EventBatch> = { kind: 'eventBatch' };

export type TypeOf<X> = X extends Type<infer T> ? T : never;

export const nullRefText = 'OpaqueRef:NULL';
/** The reference that points at nothing. */
export const nullRef = <C extends string>(): Ref<C> => nullRefText as Ref<C>;
export const isNullRef = (r: string): boolean => r === nullRefText || r === '';
/** Says that a text from outside the type system is a reference to an object of class C. */
export const asRef = <C extends string>(text: string): Ref<C> => text as Ref<C>;

/** The value of a field that was never given one. */
export function zeroOf(type: Type): unknown {
  switch (type.kind) {
    case 'string':
      return '';
    case 'int':
    case 'float':
      return 0;
    case 'bool':
      return false;
    case 'datetime':
      return '19700101T00:00:00Z';
    case 'ref':
      return nullRefText;
    case 'enum':
      return type.values?.[0] ?? '';
    case 'set':
      return [];
    case 'map':
    case 'record':
    case 'anyRecord':
      return {};
    default:
      return undefined;
  }
}

/** The facts' spelling of a type, as the reference docs and the facts test write it. */
export function spell(type: Type | undefined): string {
  if (!type) return 'void';
  switch (type.kind) {
    case 'ref':
      return `${type.cls} ref`;
    case 'record':
      return `${type.cls} record`;
    case 'enum':
      return `enum ${type.name}`;
    case 'set':
      return `${spell(type.of)} set`;
    case 'option':
      return `${spell(type.of)} option`;
    case 'map':
      return `(${spell(type.key)} -> ${spell(type.of)}) map`;
    case 'anyRecord':
      return '<class> record';
    case 'eventBatch':
      return 'event batch';
    default:
      return type.kind;
  }
}
