/** Sessions: a random token for the client, of which only a digest is kept; the digest is the session's reference. */
import { createHash, randomBytes } from 'node:crypto';
import { asRef, nullRef, XenError, type Ref, type Role } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { dateTime, never, type Plane, type Session } from '../core/context';
import {
  endOldestSessions,
  insertSessionState,
  isSessionOpen,
  loadSession,
  noteActive,
  openSessions,
  removeSession,
} from '../tables/sessions/sessions';

const asUuid = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
/** 128 bits from the system's generator, never from the repeatable one that a seed makes. */
const newToken = (): string => `OpaqueRef:${asUuid(randomBytes(16).toString('hex'))}`;
/** The reference of the session whose token this is. */
export const sessionRef = (token: string): Ref<'session'> =>
  asRef(`OpaqueRef:${asUuid(createHash('sha256').update(token).digest('hex'))}`);

const mostOfGroup = 500;
const mostUnnamed = 400;
/** Sessions are counted by user, those of root by what its programs call themselves. */
const groupOf = ({ root, user, originator }: Opening): { readonly group: string; readonly most: number } =>
  root
    ? { group: short(`root|${originator}`), most: originator === '' ? mostUnnamed : mostOfGroup }
    : { group: short(`user|${user}`), most: mostOfGroup };
/** Names of any length are identified by their digests, so that they fit into an index. */
const longestGroup = 200;
const short = (group: string): string =>
  group.length <= longestGroup ? group : createHash('sha256').update(group).digest('hex');

interface Opening {
  readonly user: string;
  readonly root: boolean;
  readonly role: Role;
  readonly originator: string;
  readonly userRef: Ref<'user'>;
  /** Of a user whom the directory knows. */
  readonly external?: {
    readonly identifier: string;
    readonly subject: Ref<'subject'>;
    /** Identifiers of the subjects that gave the role: with each of them the session ends. */
    readonly subjects: readonly string[];
  };
}

/** Opens a session and answers its token, which is shown only now. The oldest of its group go when there are too many. */
export const openSession = (plane: Plane, opening: Opening): Promise<string> =>
  inTransaction(plane.store, (tx) => insertSession(tx, plane, opening));

export async function insertSession(tx: Tx, plane: Plane, opening: Opening): Promise<string> {
  const token = newToken();
  const ref = sessionRef(token);
  const [pool] = await tx.find('pool', {});
  await tx.insert('session', ref, {
    uuid: ref.replace('OpaqueRef:', ''),
    this_host: pool?.master ?? nullRef(),
    this_user: opening.userRef,
    last_active: dateTime(plane.clock.now()),
    pool: false,
    other_config: {},
    is_local_superuser: opening.root,
    subject: opening.external?.subject ?? nullRef(),
    validation_time: opening.external ? dateTime(plane.clock.now()) : never,
    auth_user_sid: opening.external?.identifier ?? '',
    auth_user_name: opening.user,
    rbac_permissions: [],
    parent: nullRef(),
    originator: opening.originator,
    client_certificate: false,
  });
  const { group, most } = groupOf(opening);
  await insertSessionState(tx, ref, {
    role: opening.role,
    group,
    subjects: opening.external?.subjects ?? [],
  });
  await endOldestSessions(tx, group, most);
  return token;
}

interface Known {
  readonly session: Session;
  readonly until: number;
  /** True if the replica had it when it was loaded: from then on its absence means that it was ended. */
  readonly seen: boolean;
}

/**
 * A transaction of a session's call. A session that has ended before it began, in whatever process, changes nothing: SESSION_INVALID
 * [token]. The question leaves in one packet with what the work sends first.
 */
export async function inSession<T>(
  { store }: Pick<Plane, 'store'>,
  { session, token }: Bearer,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return inTransaction(store, async (tx) => {
    const [open, done] = await Promise.allSettled([isSessionOpen(tx, session.ref), work(tx)]);
    if (open.status === 'fulfilled' && !open.value) throw new XenError('SESSION_INVALID', token);
    if (done.status === 'rejected') throw done.reason;
    if (open.status === 'rejected') throw open.reason;
    return done.value;
  });
}
export interface Bearer {
  readonly session: Session;
  readonly token: string;
}

/**
 * Knows which tokens are good. For a moment after the database was asked a token is taken for good; what is done for it then makes sure
 * that the session has not ended meanwhile in another process: reads by the replica, writes within their transaction.
 */
export class Sessions {
  private readonly known = new Map<string, Known>();
  private readonly active = new Set<Ref<'session'>>();
  private readonly closings = new Map<Ref<'session'>, Set<() => void>>();

  constructor(
    private readonly plane: Plane,
    private readonly trustMs = 500,
  ) {}

  /** The session of a token; SESSION_INVALID [token] when there is none. */
  async find(token: string): Promise<Session> {
    const cached = this.known.get(token);
    return cached && this.trusted(cached) ? cached.session : this.findNow(token);
  }
  /** The same by the database: for what is neither a read from the replica nor one transaction. */
  async findNow(token: string): Promise<Session> {
    const session = await this.load(sessionRef(token));
    if (!session) {
      this.known.delete(token);
      throw new XenError('SESSION_INVALID', token);
    }
    this.known.set(token, {
      session,
      until: this.plane.clock.monotonic() + this.trustMs,
      seen: this.plane.replica.has('session', session.ref),
    });
    this.active.add(session.ref);
    return session;
  }

  /** The session of a token that was found a moment ago, without a look at the database. */
  peek(token: unknown): Session | undefined {
    const cached = typeof token === 'string' ? this.known.get(token) : undefined;
    return cached && this.trusted(cached) ? cached.session : undefined;
  }

  /** For a short time, and not once the replica has seen the session go. */
  private trusted({ session, until, seen }: Known): boolean {
    return until > this.plane.clock.monotonic() && (!seen || this.plane.replica.has('session', session.ref));
  }

  /** SESSION_INVALID [token] when another process ended the session before the replica was brought up to date. */
  assertOpen({ ref }: Session, token: string): void {
    if (this.plane.replica.has('session', ref)) return;
    this.known.delete(token);
    throw new XenError('SESSION_INVALID', token);
  }

  /** A session that another one names; HANDLE_INVALID when there is none. */
  async named(ref: Ref<'session'>): Promise<Session> {
    const session = await this.load(ref);
    if (!session) throw new XenError('HANDLE_INVALID', 'session', ref);
    return session;
  }

  private async load(ref: Ref<'session'>): Promise<Session | undefined> {
    const row = await loadSession(this.plane.store, ref);
    if (!row || row.idle) return undefined;
    return {
      ref,
      role: row.role,
      root: row.is_local_superuser,
      user: row.auth_user_sid || row.auth_user_name,
      name: row.auth_user_name,
      host: asRef(row.this_host ?? 'OpaqueRef:NULL'),
      foreign: row.foreign,
    };
  }

  /** Ends the session; calls of it that wait fail. */
  async close(ref: Ref<'session'>): Promise<void> {
    await inTransaction(this.plane.store, (tx) => removeSession(tx, ref));
    this.forget([ref]);
  }

  /** Called when this session ends, also by another process: then within the time that a token is trusted. */
  onClose(ref: Ref<'session'>, told: () => void): () => void {
    const all = this.closings.get(ref) ?? new Set();
    all.add(told);
    this.closings.set(ref, all);
    return () => {
      all.delete(told);
      if (all.size === 0) this.closings.delete(ref);
    };
  }

  /** Called once a second or so: writes who was active, ends waits of sessions that are gone. */
  async tick(): Promise<void> {
    const active = [...this.active].sort();
    this.active.clear();
    if (active.length > 0) await noteActive(this.plane.store, active);
    const waiting = [...this.closings.keys()];
    if (waiting.length === 0) return;
    const present = await openSessions(this.plane.store, waiting);
    this.forget(waiting.filter((ref) => !present.has(ref)));
    for (const [token, { until }] of this.known)
      if (until < this.plane.clock.monotonic()) this.known.delete(token);
  }

  private forget(refs: readonly Ref<'session'>[]): void {
    const gone = new Set(refs);
    for (const [token, { session }] of this.known) if (gone.has(session.ref)) this.known.delete(token);
    for (const ref of refs) for (const told of this.closings.get(ref) ?? []) told();
  }
}
