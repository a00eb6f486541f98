/** JSON-RPC 1.0 and 2.0 as xapi speaks them: no batches, no notifications, errors of each version in its own form. */
import { deepest, MalformedCall } from './malformed';
import { Exact, type Untyped } from './untyped';

export interface JsonCall {
  readonly method: string;
  readonly params: readonly Untyped[];
  readonly id: string | number;
  readonly version: '1.0' | '2.0';
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parse(body: Uint8Array | string): unknown {
  try {
    const text = typeof body === 'string' ? body : utf8.decode(body);
    assertShallow(text);
    return JSON.parse(keepDigits(text));
  } catch (error) {
    if (error instanceof MalformedCall) throw error;
    throw new MalformedCall('not JSON');
  }
}

/** Counts brackets outside strings before anything is built. */
function assertShallow(text: string): void {
  let depth = 0,
    quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === 92) i += 1;
      else if (c === 34) quoted = false;
    } else if (c === 34) quoted = true;
    else if (c === 123 || c === 91) {
      depth += 1;
      if (depth > deepest) throw new MalformedCall('values nested too deep');
    } else if (c === 125 || c === 93) depth -= 1;
  }
}

/** Marks integers that a number would round, so that they arrive digit by digit. A NUL never stands in JSON text as it is. */
const mark = '\\u0000int:';
function keepDigits(text: string): string {
  if (!/[0-9]{16}/.test(text)) return text;
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) => (token.startsWith('"') ? token : `"${mark}${token}"`));
}
const marked = '\u0000int:';

function untyped(value: unknown): Untyped {
  if (typeof value === 'string') return value.startsWith(marked) ? new Exact(value.slice(marked.length)) : value;
  if (typeof value === 'number') return Number.isInteger(value) ? new Exact(String(value)) : value;
  if (value === null || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(untyped);
  return new Map(Object.entries(value as object).map(([k, v]) => [k, untyped(v)]));
}

function paramsOf(given: unknown, version: '1.0' | '2.0'): readonly Untyped[] {
  if (Array.isArray(given)) return given.map(untyped);
  if (version === '1.0') throw new MalformedCall('params must be an array');
  if (given === undefined || given === null) return [];
  if (typeof given === 'object') return [untyped(given)];
  throw new MalformedCall('params must be an array or an object');
}

export function parseJsonCall(body: Uint8Array | string): JsonCall {
  const call = parse(body);
  if (typeof call !== 'object' || call === null || Array.isArray(call)) throw new MalformedCall('a call must be an object');
  const { method, params, id, jsonrpc } = call as Record<string, unknown>;
  if (jsonrpc !== undefined && jsonrpc !== '2.0') throw new MalformedCall('unknown jsonrpc version');
  if (typeof method !== 'string') throw new MalformedCall('no method');
  if (typeof id !== 'string' && !(typeof id === 'number' && Number.isInteger(id))) throw new MalformedCall('id must be an integer or a string');
  const version = jsonrpc === '2.0' ? '2.0' : '1.0';
  return { method, params: paramsOf(params, version), id, version };
}

type Reply = Pick<JsonCall, 'id' | 'version'>;

/** The answer around a result that is JSON already, in parts. */
export function jsonSuccess({ id, version }: Reply, result: readonly (string | Uint8Array)[]): (string | Uint8Array)[] {
  return version === '2.0'
    ? ['{"jsonrpc":"2.0","result":', ...result, `,"id":${JSON.stringify(id)}}`]
    : ['{"result":', ...result, `,"error":null,"id":${JSON.stringify(id)}}`];
}
export function jsonFailure({ id, version }: Reply, description: readonly string[]): string {
  if (version === '1.0') return `{"result":null,"error":${JSON.stringify(description)},"id":${JSON.stringify(id)}}`;
  const [message = '', ...data] = description;
  return `{"jsonrpc":"2.0","error":${JSON.stringify({ code: 1, message, data })},"id":${JSON.stringify(id)}}`;
}
