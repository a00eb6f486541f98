/** The agent's way to the control plane: any API process that lives, or the program that renews leases. Every message may be sent again, to another. */
import { hostCredential, messageLimits, usualLeaseMs } from '@xenplane/hypervisor';
import type {
  Claim,
  ClaimAnswer,
  ClaimRequest,
  DepartureRequest,
  JoinAnswer,
  Joining,
  JoinRequest,
  JoinResult,
  Learned,
  Registration,
  RegistrationAnswer,
  RegistrationRequest,
  RegistrationResult,
  Renewal,
  RenewalAnswer,
  RenewalRequest,
  Report,
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

/** No credential that the sender has is good there. */
class NotAdmitted extends PlaneRefused {}

const usualMs = 8_000;
/** Of messages that many VMs wait for: an API that hangs must not hold them long while another lives. */
const shortMs = 5_000;
/** As much as fits well into what a control plane takes at once. */
const lotBytes = messageLimits.bytes / 2;
const lotEntries = messageLimits.entries / 2;

interface Entry {
  readonly host: string;
  readonly token?: string;
  readonly secret?: string;
}
/** How entries of one kind are sent, and what it means for one that no credential is good. */
interface Kind<E extends Entry, A> {
  readonly path: string;
  readonly member: string;
  readonly timeoutMs?: number;
  /** Not sent to another API while the first may still be at work on it. */
  readonly onlyIfUnsent?: true;
  answers(body: unknown): readonly A[];
  stranger(entry: E): A;
}

const kindOf = <E extends Entry, A>(kind: Kind<E, A>): Kind<E, A> => kind;
const kinds = {
  joins: kindOf<Joining, JoinResult>({
    path: 'joins',
    member: 'joins',
    answers: (body) => (body as JoinAnswer).hosts,
    stranger: ({ host }) => ({ host, token: '', refused: 'not admitted' }),
  }),
  registrations: kindOf<Registration, RegistrationResult>({
    path: 'registrations',
    member: 'registrations',
    timeoutMs: 60_000,
    // One that comes late would end the epoch of one that came after it.
    onlyIfUnsent: true,
    answers: (body) => (body as RegistrationAnswer).hosts,
    stranger: ({ host }) => ({
      host,
      hostEpoch: 0,
      leaseMs: usualLeaseMs,
      adopt: [],
      refused: 'not admitted',
    }),
  }),
  renewals: kindOf<Renewal, RenewalAnswer['renewals'][number]>({
    path: 'renewals',
    member: 'renewals',
    answers: (body) => (body as RenewalAnswer).renewals,
    stranger: ({ host }) => ({ host, renewed: false }),
  }),
  claims: kindOf<Claim, boolean>({
    path: 'claims',
    member: 'claims',
    timeoutMs: shortMs,
    answers: (body) => (body as ClaimAnswer).granted,
    stranger: () => false,
  }),
  reports: kindOf<Report, boolean>({
    path: 'reports',
    member: 'reports',
    timeoutMs: shortMs,
    answers: (body) => (body as ReportAnswer).applied,
    stranger: () => false,
  }),
  departures: kindOf<Departure, object>({
    path: 'departures',
    member: 'departures',
    answers: (body) => [body as object],
    stranger: () => ({}),
  }),
  standbys: kindOf<Standby, StandbyAnswer>({
    path: 'standbys',
    member: 'standbys',
    answers: (body) => [body as StandbyAnswer],
    stranger: ({ host }) => ({ wake: [], unknown: [host] }),
  }),
} as const;
type Departure = DepartureRequest['departures'][number];
type Standby = StandbyRequest['standbys'][number];

/** Entries as JSON, in lots that are taken at once. */
function lotsOf<E>(entries: readonly E[]): { readonly entries: E[]; readonly texts: string[] }[] {
  const lots: { readonly entries: E[]; readonly texts: string[] }[] = [];
  let bytes = Infinity;
  for (const entry of entries) {
    const text = JSON.stringify(entry);
    const size = Buffer.byteLength(text) + 1;
    const last = lots.at(-1);
    if (last && bytes + size <= lotBytes && last.entries.length < lotEntries) {
      last.entries.push(entry);
      last.texts.push(text);
      bytes += size;
    } else {
      lots.push({ entries: [entry], texts: [text] });
      bytes = size;
    }
  }
  return lots;
}

interface Options {
  /** That of the agent itself, where it has one; else each host's is tried. */
  readonly credential?: string | undefined;
  readonly timeoutMs?: number;
}
interface Sending {
  readonly timeoutMs?: number;
  /** Reads the whole answer to each lot. */
  readonly heard?: (body: unknown) => void;
  /** No good credential there is a failure, and says nothing of the hosts. */
  readonly strangersFail?: true;
}

export class PlaneClient {
  private readonly given: readonly string[];
  private learned: readonly string[] = [];
  /** The address that answered last. */
  private current: string | undefined;
  /** The last credential that was good, tried first. */
  private good: string | undefined;

  /** `url`: addresses of API processes with commas between them. */
  constructor(
    readonly url: string,
    private readonly options: Options = {},
  ) {
    this.given = url.split(',').map((one) => one.trim().replace(/\/+$/, ''));
  }

  join = async ({ joins }: JoinRequest): Promise<JoinAnswer> => ({
    hosts: await this.send(kinds.joins, joins),
  });
  register = async ({ registrations }: RegistrationRequest): Promise<RegistrationAnswer> => {
    let leasesUrl: string | undefined;
    const heard = (body: unknown): void => void ({ leasesUrl } = body as RegistrationAnswer);
    const hosts = await this.send(kinds.registrations, registrations, { heard });
    return { hosts, ...(leasesUrl === undefined ? {} : { leasesUrl }) };
  };
  renew = async ({ renewals }: RenewalRequest, sending: Sending): Promise<RenewalAnswer> => ({
    renewals: await this.send(kinds.renewals, renewals, sending),
  });
  claim = async ({ claims }: ClaimRequest): Promise<ClaimAnswer> => ({
    granted: await this.send(kinds.claims, claims),
  });
  report = async ({ reports }: ReportRequest): Promise<ReportAnswer> => ({
    applied: await this.send(kinds.reports, reports),
  });
  depart = async ({ departures }: DepartureRequest): Promise<void> =>
    void (await this.send(kinds.departures, departures));
  standBy = async ({ standbys }: StandbyRequest): Promise<StandbyAnswer> => {
    const answers = await this.send(kinds.standbys, standbys);
    return { wake: answers.flatMap(({ wake }) => wake), unknown: answers.flatMap(({ unknown }) => unknown) };
  };

  private async send<E extends Entry, A>(
    kind: Kind<E, A>,
    entries: readonly E[],
    sending: Sending = {},
  ): Promise<A[]> {
    const lots = lotsOf(entries).map(async ({ entries: some, texts }) => {
      try {
        const body = await this.sendLot(
          kind,
          some,
          `{${JSON.stringify(kind.member)}:[${texts.join(',')}]}`,
          sending.timeoutMs,
        );
        this.learned = (body as Learned).apis ?? this.learned;
        sending.heard?.(body);
        return kind.answers(body);
      } catch (error) {
        if (error instanceof NotAdmitted && !sending.strangersFail)
          return some.map((one) => kind.stranger(one));
        throw error;
      }
    });
    return (await Promise.all(lots)).flat();
  }

  /** By one credential after the other, until one is good. */
  private async sendLot<E extends Entry, A>(
    kind: Kind<E, A>,
    entries: readonly E[],
    body: string,
    timeoutMs?: number,
  ): Promise<unknown> {
    const ofHosts = entries.map(({ host, token, secret }) => hostCredential(host, token ?? secret ?? ''));
    const known = [this.good, this.options.credential].filter((one) => one !== undefined);
    const limitMs = timeoutMs ?? kind.timeoutMs ?? this.options.timeoutMs ?? usualMs;
    let refused: unknown = new NotAdmitted(401, 'there is nothing to send');
    for (const credential of new Set([...known, ...ofHosts])) {
      try {
        const answer = await this.post(kind, credential, body, limitMs);
        this.good = credential;
        return answer;
      } catch (error) {
        if (!(error instanceof NotAdmitted)) throw error;
        if (this.good === credential) this.good = undefined;
        refused = error;
      }
    }
    throw refused;
  }

  /** The API that answered last, then those that it was given, then those that it heard of. */
  private inTurn(): string[] {
    return [
      ...new Set([...(this.current === undefined ? [] : [this.current]), ...this.given, ...this.learned]),
    ];
  }

  private async post(
    { path, onlyIfUnsent }: Pick<Kind<never, never>, 'path' | 'onlyIfUnsent'>,
    credential: string,
    body: string,
    timeoutMs: number,
  ): Promise<unknown> {
    let failure: unknown;
    for (const url of this.inTurn()) {
      try {
        const answer = await post(`${url}/agent/v1/${path}`, credential, body, timeoutMs);
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

async function post(url: string, authorization: string, body: string, timeoutMs: number): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body,
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.ok) return response.json();
  const text = await response.text();
  if (response.status === 401) throw new NotAdmitted(401, text.slice(0, 300));
  if (response.status >= 400 && response.status < 500 && response.status !== 408)
    throw new PlaneRefused(response.status, text.slice(0, 300));
  throw new Error(`the control plane answered ${response.status}`);
}
