/** The pool that is to be joined, by a session of it: as its clients see it, and what control planes say to one another besides. */
import { errorFrom, isErrorCode, XenError } from '@xenplane/model';
import type { InvitationAnswer, InvitationRequest } from '@xenplane/hypervisor';
import { hasScheme, originOf } from '@xenplane/process';
import type { Reader } from '@xenplane/store';
import { callRemote, exchange, RemoteFailure, type Address } from '../pool/remote-pool';
import { trustOf } from '../pool/trust';

/** Errors on the way become errors of a join. */
const inWords = (error: unknown): never => {
  throw error instanceof RemoteFailure
    ? new XenError(error.reached ? 'JOINING_HOST_SERVICE_FAILED' : 'JOINING_HOST_CONNECTION_FAILED')
    : error;
};

/** As in xapi, certificates count from `pool.enable_tls_verification` on. A URL says https of its own accord: there they always count. */
async function isVerifying(reader: Reader): Promise<boolean> {
  const [pool] = await reader.query<{ tls_verification_enabled: boolean }>(
    'SELECT tls_verification_enabled FROM pool',
    [],
  );
  return pool?.tls_verification_enabled ?? true;
}
async function addressOf(reader: Reader, given: string): Promise<Address> {
  const base = await originOf(given);
  const trust = await trustOf(reader);
  const rejectUnauthorized = hasScheme(given) || (await isVerifying(reader));
  // An attacker who keeps TLS from being negotiated must not get the password.
  const mustProve = rejectUnauthorized && !hasScheme(given);
  if (base === undefined || (mustProve && base.startsWith('http:')))
    throw new XenError('JOINING_HOST_CONNECTION_FAILED');
  return { base, trust: { ...trust, rejectUnauthorized } };
}

export class OtherPool {
  private constructor(
    private readonly address: Address,
    readonly session: string,
  ) {}

  static async logIn(reader: Reader, given: string, user: string, password: string): Promise<OtherPool> {
    const address = await addressOf(reader, given);
    const params = [user, password, '2.21', 'pool.join'];
    return new OtherPool(
      address,
      await callRemote<string>(address, 'session.login_with_password', params).catch(inWords),
    );
  }
  /** Where a session is at hand. */
  static async at(reader: Reader, given: string, session: string): Promise<OtherPool> {
    return new OtherPool(await addressOf(reader, given), session);
  }
  get url(): string {
    return this.address.base;
  }
  async logOut(): Promise<void> {
    await this.call('session.logout').catch(() => undefined);
  }

  call<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T> {
    return callRemote<T>(this.address, method, [this.session, ...params]).catch(inWords);
  }

  /** True if a host of this uuid is a member whose agent is alive. */
  async hasLive(uuid: string): Promise<boolean> {
    const host = await this.call<string>('host.get_by_uuid', uuid);
    const metrics = await this.call<string>('host.get_metrics', host);
    return this.call<boolean>('host_metrics.get_live', metrics);
  }

  async invite(request: InvitationRequest): Promise<InvitationAnswer & { readonly apiUrl: string }> {
    const answer = await this.send<InvitationAnswer>('POST', 'invitations', request);
    return { ...answer, apiUrl: answer.apiUrl || this.address.base };
  }
  async withdraw(host: string): Promise<void> {
    await this.send('DELETE', `invitations/${host}`);
  }

  private async send<T>(method: string, path: string, body?: object): Promise<T> {
    const { status, body: told } = await exchange(this.address, `/agent/v1/${path}`, {
      method,
      headers: {
        authorization: `Session ${this.session}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }).catch(inWords);
    const answer = told as (T & { error?: unknown }) | undefined;
    if (status >= 200 && status < 300 && answer) return answer;
    const [code = '', ...params] = Array.isArray(answer?.error) ? answer.error.map(String) : [];
    throw isErrorCode(code) ? errorFrom([code, ...params]) : new XenError('JOINING_HOST_SERVICE_FAILED');
  }
}
