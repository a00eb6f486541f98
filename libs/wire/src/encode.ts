/** Typed values to the text of each wire, by the model's type and never by how a value looks. */
import { classNamed, classNames, isClassName, type EventBatch, type EventRecord, type Type } from '@xenplane/model';
import { escape } from './xmlrpc';

type Struct = Readonly<Record<string, unknown>>;
const entries = (value: unknown): [string, unknown][] => Object.entries((value ?? {}) as Struct);
const fieldsOf = (cls: string | undefined): readonly (readonly [string, Type])[] =>
  cls && isClassName(cls) ? Object.entries(classNamed(cls).fields).map(([name, f]) => [name, f.type] as const) : [];

/** JSON has no word for what is not finite; xapi's own clients stumble over it, so that 0 stands for it. */
const jsonNumber = (value: number): string =>
  Number.isSafeInteger(value) || !Number.isInteger(value) ? (Number.isFinite(value) ? String(value) : '0') : BigInt(value).toString();

function jsonRecord(cls: string | undefined, value: unknown): string {
  const record = (value ?? {}) as Struct;
  const members = fieldsOf(cls).filter(([name, type]) => type.kind !== 'option' || record[name] !== undefined);
  return `{${members.map(([name, type]) => `"${name}":${encodeJson(type, record[name])}`).join(',')}}`;
}

/** An absent type is void, which is the empty string. */
export function encodeJson(type: Type | undefined, value: unknown): string {
  if (!type) return '""';
  switch (type.kind) {
    case 'int':
    case 'float':
      return jsonNumber(Number(value));
    case 'bool':
      return value === true ? 'true' : 'false';
    case 'set':
      return `[${(value as readonly unknown[]).map((v) => encodeJson(type.of, v)).join(',')}]`;
    case 'map':
      return `{${entries(value)
        .map(([k, v]) => `${JSON.stringify(k)}:${encodeJson(type.of, v)}`)
        .join(',')}}`;
    case 'option':
      return value === undefined ? 'null' : encodeJson(type.of, value);
    case 'record':
      return jsonRecord(type.cls, value);
    case 'anyRecord':
      return JSON.stringify(value);
    case 'eventBatch':
      return jsonBatch(value as EventBatch);
    default:
      return JSON.stringify(String(value ?? ''));
  }
}

function jsonBatch({ events, valid_ref_counts, token }: EventBatch): string {
  return `{"events":[${events.map(jsonEvent).join(',')}],"valid_ref_counts":${JSON.stringify(valid_ref_counts)},"token":${JSON.stringify(token)}}`;
}
/** The snapshot is JSON already: it is set in as it is. */
function jsonEvent({ snapshot, ...rest }: EventRecord): string {
  const own = JSON.stringify(rest);
  return snapshot === undefined ? own : `${own.slice(0, -1)},"snapshot":${snapshot}}`;
}

const element = (inner: string): string => `<value>${inner}</value>`;
const member = (name: string, inner: string): string => `<member><name>${escape(name)}</name>${inner}</member>`;
const structOf = (members: readonly string[]): string => element(`<struct>${members.join('')}</struct>`);

/** At most 16 significant digits, no exponent for what people write without one. */
function xmlDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  return String(Number(value.toPrecision(16)));
}

function xmlRecord(cls: string | undefined, value: unknown): string {
  const record = (value ?? {}) as Struct;
  return structOf(
    fieldsOf(cls)
      .filter(([name, type]) => type.kind !== 'option' || record[name] !== undefined)
      .map(([name, type]) => member(name, encodeXml(type, record[name]))),
  );
}

/** A whole `<value>` element. Integers are untyped text, as xapi writes them. */
export function encodeXml(type: Type | undefined, value: unknown): string {
  if (!type) return element('');
  switch (type.kind) {
    case 'int':
      return element(jsonNumber(Number(value)));
    case 'float':
      return element(`<double>${xmlDouble(Number(value))}</double>`);
    case 'bool':
      return element(`<boolean>${value === true ? 1 : 0}</boolean>`);
    case 'datetime':
      return element(`<dateTime.iso8601>${escape(String(value))}</dateTime.iso8601>`);
    case 'set':
      return element(`<array><data>${(value as readonly unknown[]).map((v) => encodeXml(type.of, v)).join('')}</data></array>`);
    case 'map':
      return structOf(entries(value).map(([k, v]) => member(k, encodeXml(type.of, v))));
    case 'option':
      return value === undefined ? element('') : encodeXml(type.of, value);
    case 'record':
      return xmlRecord(type.cls, value);
    case 'eventBatch':
      return xmlBatch(value as EventBatch);
    default:
      return element(escape(String(value ?? '')));
  }
}

const byLowerCase = new Map(classNames.map((name) => [name.toLowerCase(), name]));

function xmlEvent({ snapshot, ...rest }: EventRecord): string {
  const own = Object.entries(rest).map(([name, v]) => member(name, element(escape(String(v)))));
  const record = snapshot === undefined ? [] : [member('snapshot', xmlRecord(byLowerCase.get(rest.class), JSON.parse(snapshot)))];
  return structOf([...own, ...record]);
}
function xmlBatch({ events, valid_ref_counts, token }: EventBatch): string {
  const counts = Object.entries(valid_ref_counts).map(([cls, n]) => member(cls, element(`<i4>${n}</i4>`)));
  return structOf([
    member('events', element(`<array><data>${events.map(xmlEvent).join('')}</data></array>`)),
    member('valid_ref_counts', structOf(counts)),
    member('token', element(escape(token))),
  ]);
}
