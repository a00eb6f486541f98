import { asRef, classes, nullRef, XenError, type CallsOf, type Ref } from '@xenplane/model';
import { admit } from '../people/admission-of-subjects';
import { LoginThrottle } from '../people/login-throttle';
import { setPassword } from '../bootstrap/pool';
import type { Outside, Plane, RequestOrigin } from '../core/context';
import { askedOnce, longestPassword, verifyPassword, wasRight } from '../people/passwords';
import { denied } from '../people/roles';
import { openSession, type Sessions } from './sessions';
import { masterElsewhere } from '../tables/sessions/pool-membership';
import { credentialOf, passwordHash } from '../tables/credentials';

/** The one local user; others are known to the directory that the pool is joined to. */
const root = 'root';

interface Login {
  readonly user: string;
  readonly password: string;
  readonly originator: string;
  /** Puts off work that shows whether a password is right until it is the caller's turn. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

async function logIn(plane: Plane, login: Login): Promise<string> {
  const master = await masterElsewhere(plane.store);
  if (master !== undefined) throw new XenError('HOST_IS_SLAVE', master);
  try {
    return (await logInLocally(plane, login)) ?? (await logInExternally(plane, login));
  } catch (error) {
    if (!(error instanceof XenError) || error.code === 'TOO_BUSY') throw error;
    if (error.code === 'SESSION_AUTHENTICATION_FAILED')
      plane.failedLogins.note({ username: login.user, originator: login.originator }, plane.clock.now());
    await plane.clock.wait(plane.settings.wrongPasswordMs);
    throw error;
  }
}

/** Undefined when there is no such local user; then nothing has been checked yet. */
async function logInLocally(
  plane: Plane,
  { user, password, originator, inTurn }: Login,
): Promise<string | undefined> {
  const credential = await credentialOf(plane.store, user);
  if (!credential) return undefined;
  const { hash, ref } = credential;
  const isRight = (): Promise<boolean> =>
    askedOnce(password, hash, () => inTurn(() => verifyPassword(password, hash)));
  if (!wasRight(password, hash) && !(await isRight())) throw wrong(user);
  return openSession(plane, {
    user,
    root: user === root,
    role: 'local-root',
    originator,
    userRef: asRef(ref),
  });
}

async function logInExternally(plane: Plane, { user, password, originator, inTurn }: Login): Promise<string> {
  const admitted = await inTurn(() => admit(plane, user, password));
  if (!admitted) throw wrong(user);
  const { entry, role, subject, subjects } = admitted;
  return openSession(plane, {
    user: entry.name,
    root: false,
    role,
    originator,
    userRef: nullRef(),
    external: { identifier: entry.identifier, subject, subjects },
  });
}
const wrong = (user: string): XenError =>
  new XenError('SESSION_AUTHENTICATION_FAILED', user, 'Authentication failure');

/** Over the local socket whatever is given is good: who can open it is root. */
async function logInAsRoot(plane: Plane, originator: string): Promise<Ref<'session'>> {
  const [user] = await plane.store.query<{ ref: string }>('SELECT ref FROM "user" WHERE short_name = $1', [
    root,
  ]);
  return asRef(
    await openSession(plane, {
      user: root,
      root: true,
      role: 'local-root',
      originator,
      userRef: asRef(user?.ref ?? nullRef()),
    }),
  );
}

/** To the very host, for emergencies: only for its own users. */
async function logInForEmergency(plane: Plane, login: Login): Promise<Ref<'session'>> {
  const { user, password, inTurn } = login;
  try {
    const token = await logInLocally(plane, login);
    if (token !== undefined) return asRef(token);
    await inTurn(() => verifyPassword(password, undefined));
    throw wrong(user);
  } catch (error) {
    if (error instanceof XenError && error.code !== 'TOO_BUSY')
      await plane.clock.wait(plane.settings.wrongPasswordMs);
    throw error;
  }
}

/** A caller that is root already need not give the old password; one that is given must be right. */
async function changePassword(
  { plane, session }: Outside,
  { old_pwd, new_pwd }: { old_pwd: string; new_pwd: string },
): Promise<void> {
  if (!session?.root) throw denied('session.change_password', 'local-root');
  if (new_pwd === '' || Buffer.byteLength(new_pwd) > longestPassword)
    throw new XenError('CHANGE_PASSWORD_REJECTED', 'The new password is empty or too long');
  if (old_pwd !== '' && !(await verifyPassword(old_pwd, await passwordHash(plane.store, root))))
    throw new XenError('CHANGE_PASSWORD_REJECTED', 'The old password is wrong');
  await setPassword(plane, root, new_pwd);
}

const doors = new LoginThrottle();
/** Those who come by one address take turns with others. */
const by = ({ address }: RequestOrigin, user: string, password: string, originator: string): Login => ({
  user,
  password,
  originator,
  inTurn: (work) => doors.through(address, work),
});

export const sessionCalls = (sessions: Sessions): CallsOf<typeof classes.session, Outside> => ({
  login_with_password: async ({ plane, origin: way }, { uname, pwd, originator }) =>
    way.local ? logInAsRoot(plane, originator) : asRef(await logIn(plane, by(way, uname, pwd, originator))),
  slave_local_login_with_password: async ({ plane, origin: way }, { uname, pwd }) =>
    way.local ? logInAsRoot(plane, '') : logInForEmergency(plane, by(way, uname, pwd, '')),
  logout: async ({ session }) => {
    if (session) await sessions.close(session.ref);
  },
  local_logout: async ({ session }) => {
    if (session) await sessions.close(session.ref);
  },
  change_password: changePassword,
  create_from_db_file: async (_outside, { filename }) => {
    throw new XenError('INTERNAL_ERROR', `Unix.Unix_error(Unix.ENOENT, "open", "${filename}")`);
  },
  get_all_subject_identifiers: async ({ plane }) => {
    const rows = await plane.store.query<{ auth_user_sid: string }>(
      "SELECT DISTINCT auth_user_sid FROM session WHERE auth_user_sid <> ''",
      [],
    );
    return rows.map((r) => r.auth_user_sid);
  },
  logout_subject_identifier: async ({ plane, session }, { subject_identifier }) => {
    const rows = await plane.store.query<{ ref: string }>(
      "SELECT ref FROM session WHERE auth_user_sid = $1 AND auth_user_sid <> '' AND ref <> $2",
      [subject_identifier, session?.ref ?? ''],
    );
    for (const { ref } of rows) await sessions.close(asRef(ref));
  },
});
