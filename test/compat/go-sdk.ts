/** A session as the Go SDK holds it: JSON-RPC 2.0, whole records of zero values, errors as one text. */
import { classNamed, zeroOf, type ClassName, type Type } from '@xenplane/model';

export type Fields = Readonly<Record<string, unknown>>;
export const none = 'OpaqueRef:NULL';

/** Go's zero values as the SDK writes them: references and enums are empty texts, a date is the first day of year one. */
function zero(type: Type): unknown {
  if (type.kind === 'datetime') return '0001-01-01T00:00:00Z';
  return ['ref', 'enum', 'option'].includes(type.kind) ? '' : zeroOf(type);
}
/** The record that the SDK sends to a constructor: every field of the class, also those that only the server sets. */
export const goRecord = (cls: ClassName, given: Fields): Fields => ({
  ...Object.fromEntries(Object.entries(classNamed(cls).fields).map(([name, { type }]) => [name, zero(type)])),
  ...given,
});

export class GoSession {
  private id = 0;
  private ref = '';
  constructor(readonly url: string) {}

  async login(user: string, password: string): Promise<void> {
    this.ref = await this.send('session.login_with_password', user, password, '1.0', 'terraform provider');
    // The SDK looks for the version of the API twice: once to log in, once to show it.
    for (const _time of [1, 2]) {
      const [pool] = await this.call<string[]>('pool.get_all');
      const { master } = await this.call<{ master: string }>('pool.get_record', pool);
      const { API_version_major, API_version_minor, software_version } = await this.call<Fields>(
        'host.get_record',
        master,
      );
      if (!Number.isInteger(API_version_major) || !Number.isInteger(API_version_minor))
        throw new Error('API version is no number');
      if (typeof (software_version as Fields)['xapi'] !== 'string')
        throw new Error('version of xapi is no text');
    }
  }
  get session(): string {
    return this.ref;
  }
  call<T = string>(method: string, ...params: readonly unknown[]): Promise<T> {
    return this.send<T>(method, this.ref, ...params);
  }

  /** An empty list of parameters is left out. */
  private async send<T>(method: string, ...params: readonly unknown[]): Promise<T> {
    const number = (this.id += 1);
    const response = await fetch(`${this.url}/jsonrpc`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        Accept: 'application/json',
        'User-Agent': 'XS SDK for Go v1.0',
      },
      body: JSON.stringify({ jsonrpc: '2.0', method, ...(params.length > 0 ? { params } : {}), id: number }),
    });
    if (response.status !== 200) throw new Error(`call failed with status code ${response.status}`);
    const { jsonrpc, id, result, error } = (await response.json()) as {
      jsonrpc: string;
      id: number;
      result?: T;
      error?: { code: number; message: string; data: string[] };
    };
    if (jsonrpc !== '2.0' || id !== number) throw new Error(`not the answer to ${number}`);
    if (error)
      throw new Error(
        `API error: code ${error.code}, message ${error.message}, data [${error.data.join(' ')}]`,
      );
    return result as T;
  }
}
