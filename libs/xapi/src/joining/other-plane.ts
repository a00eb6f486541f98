/** The pool that is to be joined, by a session of it: as its clients see it, and what control planes say to one another besides. */
import { errorFrom, isErrorCode, XenError } from '@xenplane/model';
import type { InvitationAnswer, InvitationRequest } from '@xenplane/hypervisor';
import { callRemote, RemoteFailure } from '../remote-pool';

const timeoutMs = 10_000;

/** What goes wrong on the way is told in the words of a join. */
const inWords = (error: unknown): never => {
  throw error instanceof RemoteFailure ? new XenError(error.reached ? 'JOINING_HOST_SERVICE_FAILED' : 'JOINING_HOST_CONNECTION_FAILED') : error;
};

function baseOf(address: string): string {
  const url = address.includes('://') ? address : `http://${address}`;
  if (!URL.canParse(url)) throw new XenError('JOINING_HOST_CONNECTION_FAILED');
  return new URL(url).origin;
}

export class OtherPlane {
  private readonly base: string;

  constructor(
    address: string,
    readonly session: string,
  ) {
    this.base = baseOf(address);
  }

  static async logIn(address: string, user: string, password: string): Promise<OtherPlane> {
    const params = [user, password, '2.21', 'pool.join'];
    return new OtherPlane(address, await callRemote<string>(baseOf(address), 'session.login_with_password', params).catch(inWords));
  }
  async logOut(): Promise<void> {
    await this.call('session.logout').catch(() => undefined);
  }

  call<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T> {
    return callRemote<T>(this.base, method, [this.session, ...params]).catch(inWords);
  }

  /** Whether a host of this uuid is a member whose agent is alive. */
  async hasLive(uuid: string): Promise<boolean> {
    const host = await this.call<string>('host.get_by_uuid', uuid);
    const metrics = await this.call<string>('host.get_metrics', host);
    return this.call<boolean>('host_metrics.get_live', metrics);
  }

  async invite(request: InvitationRequest): Promise<InvitationAnswer & { readonly apiUrl: string }> {
    const answer = await this.send<InvitationAnswer>('POST', 'invitations', request);
    return { ...answer, apiUrl: answer.apiUrl || this.base };
  }
  async withdraw(host: string): Promise<void> {
    await this.send('DELETE', `invitations/${host}`);
  }

  private async send<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.base}/agent/v1/${path}`, {
      method,
      headers: { authorization: `Session ${this.session}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => inWords(new RemoteFailure(false, this.base, error)));
    const answer = (await response.json().catch(() => undefined)) as (T & { error?: unknown }) | undefined;
    if (response.ok && answer) return answer;
    const [code = '', ...params] = Array.isArray(answer?.error) ? answer.error.map(String) : [];
    throw isErrorCode(code) ? errorFrom([code, ...params]) : new XenError('JOINING_HOST_SERVICE_FAILED');
  }
}
