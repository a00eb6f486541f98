/** The context of behaviour: the caller, the transaction, and the process around. First parameter everywhere; nothing is request-scoped. */
import type { Metrics } from '@xenplane/hypervisor';
import type { Ref, Role } from '@xenplane/model';
import type { Log } from '@xenplane/process';
import type { Replica, Store, Tx } from '@xenplane/store';
import type { Doorbell } from '@xenplane/work';
import type { Addressing } from './addressing';
import type { Agents } from './agents';
import type { Clock, Ids } from './clock';
import type { FailedLoginCounter } from './failed-logins';
import type { HostsByAddress } from './hosts-by-address';

export type { Clock, Ids, Log };
export { dateTime, never } from './date-time';

export interface Session {
  /** Of the session's record; the client holds a token from which it follows. */
  readonly ref: Ref<'session'>;
  readonly role: Role;
  readonly root: boolean;
  /** The owner of tasks and sessions: the login name, or the subject's identifier. */
  readonly user: string;
  /** The name that was given at the login. */
  readonly name: string;
  readonly host: Ref<'host'>;
  /** The session reads another pool's database, which it has opened. */
  readonly foreign?: boolean;
}

/** The parts of one process of the control plane. */
export interface Plane {
  readonly store: Store;
  /** Only where reads are answered: in the API. */
  readonly replica: Replica;
  readonly doorbell: Doorbell;
  readonly agents: Agents;
  /** Of the hypervisor that the hosts have. */
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly failedLogins: FailedLoginCounter;
  readonly addresses: HostsByAddress;
  readonly settings: PlaneSettings;
}
export interface PlaneSettings {
  /** Where other control planes reach this one; known when it listens. */
  readonly url: () => string;
  /** Where agents renew leases first; undefined where no program does that alone. */
  readonly leasesUrl: string | undefined;
  /** Of the NBD server; undefined where there is none. */
  readonly nbdPort: () => number | undefined;
  /** Which addresses hosts get; known when hosts can join. */
  readonly addressing: () => Addressing;
  readonly joinKey: string | undefined;
  readonly imagesUrl: string;
  readonly imagesSecret: string | undefined;
  /** Under which passwords that have to be kept are encrypted in the database. */
  readonly sealingKey: string | undefined;
  /** How many calls that change something are at work at a time, and how many may wait for their turn. */
  readonly callsAtOnce: number;
  readonly callsWaiting: number;
  /** How long a wrong password waits for its answer. */
  readonly wrongPasswordMs: number;
  /** How long a host may run guests without hearing from the control plane. */
  readonly leaseMs: number;
}

/** Of a call that is answered inside one transaction. */
export interface Context {
  readonly plane: Plane;
  readonly session: Session;
  readonly tx: Tx;
  /** The call's own task, when it has one: the key under which it marks objects as busy. */
  readonly task: Ref<'task'> | undefined;
}
/** Of a call that makes its own transactions, because it waits. */
export interface Outside {
  readonly plane: Plane;
  readonly session: Session | undefined;
  /** The client's session token. */
  readonly token: string;
  readonly signal: AbortSignal;
  readonly origin: RequestOrigin;
}
/** The way that a request came. */
export interface RequestOrigin {
  /** Only the user of this process has it: who asks is root. */
  readonly local: boolean;
  /** Whence over the network; empty for requests from within. */
  readonly address: string;
}
