/** The agent's way to the control plane: any API process that lives. Every message may be sent again, to another. */
import type {
  ClaimAnswer,
  ClaimRequest,
  DepartureRequest,
  JoinAnswer,
  JoinRequest,
  Learned,
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

/** Of messages that many VMs wait for: an API that hangs must not hold them long while another lives. */
const shortMs = 5_000;
interface Sending {
  readonly timeoutMs?: number;
  /** Not sent to another API while the first may still be at work on it. */
  readonly onlyIfUnsent?: true;
}

export class PlaneClient {
  private readonly given: readonly string[];
  private learned: readonly string[] = [];
  private current: string | undefined;

  constructor(
    apiUrls: string,
    private readonly timeoutMs = 8_000,
  ) {
    this.given = apiUrls.split(',').map((url) => url.trim().replace(/\/+$/, ''));
  }

  join = (request: JoinRequest): Promise<JoinAnswer> => this.post('joins', request);
  /** One that comes late would end the epoch of one that came after it. */
  register = (request: RegistrationRequest): Promise<RegistrationAnswer> => this.learning('registrations', request, { timeoutMs: 60_000, onlyIfUnsent: true });
  renew = (request: RenewalRequest): Promise<RenewalAnswer> => this.post('renewals', request);
  claim = (request: ClaimRequest): Promise<ClaimAnswer> => this.learning('claims', request, { timeoutMs: shortMs });
  report = (request: ReportRequest): Promise<ReportAnswer> => this.learning('reports', request, { timeoutMs: shortMs });

  depart = (request: DepartureRequest): Promise<object> => this.post('departures', request);
  standBy = (request: StandbyRequest): Promise<StandbyAnswer> => this.post('standbys', request);

  private async learning<T extends Learned>(path: string, request: object, sending: Sending): Promise<T> {
    const answer = await this.post<T>(path, request, sending);
    if (answer.apis) this.learned = answer.apis;
    return answer;
  }

  /** Whom it asked last with success, then those that it was given, then those that it heard of. */
  private inTurn(): string[] {
    return [...new Set([...(this.current === undefined ? [] : [this.current]), ...this.given, ...this.learned])];
  }

  private async post<T>(path: string, body: object, { timeoutMs = this.timeoutMs, onlyIfUnsent }: Sending = {}): Promise<T> {
    let failure: unknown;
    for (const url of this.inTurn()) {
      try {
        const answer = await send<T>(`${url}/agent/v1/${path}`, body, timeoutMs);
        this.current = url;
        return answer;
      } catch (error) {
        if (error instanceof PlaneRefused || (onlyIfUnsent && isLate(error))) throw error;
        failure = error;
      }
    }
    throw failure;
  }
}

const isLate = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';

async function send<T>(url: string, body: object, timeoutMs: number): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.ok) return (await response.json()) as T;
  const text = await response.text();
  if (response.status >= 400 && response.status < 500) throw new PlaneRefused(response.status, text.slice(0, 300));
  throw new Error(`the control plane answered ${response.status}`);
}
