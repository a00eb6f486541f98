/** The agent's way to the control plane: any API replica, or the program that renews leases. Every message may be sent again. */
import type {
  ClaimAnswer,
  ClaimRequest,
  DepartureRequest,
  JoinAnswer,
  JoinRequest,
  RegistrationAnswer,
  RegistrationRequest,
  RenewalAnswer,
  RenewalRequest,
  ReportAnswer,
  ReportRequest,
  StandbyAnswer,
  StandbyRequest,
} from '@xenplane/hypervisor';

/** The control plane said no; it will say no again. */
export class PlaneRefused extends Error {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(`the control plane answered ${status}: ${text}`);
    this.name = 'PlaneRefused';
  }
}

export class PlaneClient {
  constructor(
    readonly url: string,
    private readonly timeoutMs = 8_000,
  ) {}

  join = (request: JoinRequest): Promise<JoinAnswer> => this.post('joins', request);
  register = (request: RegistrationRequest): Promise<RegistrationAnswer> => this.post('registrations', request, 60_000);
  /** The token of one of the hosts goes ahead, so that who reads it need not read what a stranger sends. */
  renew = (request: RenewalRequest, timeoutMs: number): Promise<RenewalAnswer> => {
    const [first] = request.renewals;
    return this.post('renewals', request, timeoutMs, { authorization: `Host ${first?.host} ${first?.token}` });
  };
  claim = (request: ClaimRequest): Promise<ClaimAnswer> => this.post('claims', request);
  report = (request: ReportRequest): Promise<ReportAnswer> => this.post('reports', request);

  depart = (request: DepartureRequest): Promise<object> => this.post('departures', request);
  standBy = (request: StandbyRequest): Promise<StandbyAnswer> => this.post('standbys', request);

  private async post<T>(path: string, body: object, timeoutMs = this.timeoutMs, headers: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${this.url}/agent/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.ok) return (await response.json()) as T;
    const text = await response.text();
    if (response.status >= 400 && response.status < 500) throw new PlaneRefused(response.status, text.slice(0, 300));
    throw new Error(`the control plane answered ${response.status}`);
  }
}
