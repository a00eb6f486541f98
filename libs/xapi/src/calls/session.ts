import { asRef, classes, XenError, type CallsOf } from '@xenplane/model';
import { setPassword } from '../bootstrap/pool';
import type { Outside, Plane } from '../context';
import { longestPassword, verifyPassword } from '../passwords';
import { openSession, type Sessions } from '../sessions';

/** The one local user; others come with external authentication. */
const root = 'root';

async function logIn(plane: Plane, user: string, password: string, originator: string): Promise<string> {
  const [credential] = await plane.store.query<{ hash: string; ref: string }>(
    'SELECT c.hash, u.ref FROM credential c JOIN "user" u ON u.short_name = c.name WHERE c.name = $1',
    [user],
  );
  if (!(await verifyPassword(password, credential?.hash)) || !credential) {
    await plane.clock.wait(plane.settings.wrongPasswordMs);
    throw new XenError('SESSION_AUTHENTICATION_FAILED', user, 'Authentication failure');
  }
  return openSession(plane, { user, root: user === root, role: 'local-root', originator, userRef: asRef(credential.ref) });
}

async function changePassword({ plane, session }: Outside, { old_pwd, new_pwd }: { old_pwd: string; new_pwd: string }): Promise<void> {
  if (!session?.root) throw new XenError('RBAC_PERMISSION_DENIED', 'session.change_password', 'Only the local root user may change its password');
  if (new_pwd === '' || Buffer.byteLength(new_pwd) > longestPassword) throw new XenError('CHANGE_PASSWORD_REJECTED', 'The new password is empty or too long');
  const [credential] = await plane.store.query<{ hash: string }>('SELECT hash FROM credential WHERE name = $1', [root]);
  if (!(await verifyPassword(old_pwd, credential?.hash))) throw new XenError('CHANGE_PASSWORD_REJECTED', 'The old password is wrong');
  await setPassword(plane, root, new_pwd);
}

export const sessionCalls = (sessions: Sessions): CallsOf<typeof classes.session, Outside> => ({
  login_with_password: async ({ plane }, { uname, pwd, originator }) => asRef(await logIn(plane, uname, pwd, originator)),
  slave_local_login_with_password: async ({ plane }, { uname, pwd }) => asRef(await logIn(plane, uname, pwd, '')),
  logout: async ({ session }) => {
    if (session) await sessions.close(session.ref);
  },
  local_logout: async ({ session }) => {
    if (session) await sessions.close(session.ref);
  },
  change_password: changePassword,
  get_all_subject_identifiers: async ({ plane }) => {
    const rows = await plane.store.query<{ auth_user_sid: string }>("SELECT DISTINCT auth_user_sid FROM session WHERE auth_user_sid <> ''", []);
    return rows.map((r) => r.auth_user_sid);
  },
  logout_subject_identifier: async ({ plane }, { subject_identifier }) => {
    const rows = await plane.store.query<{ ref: string }>("SELECT ref FROM session WHERE auth_user_sid = $1 AND auth_user_sid <> ''", [subject_identifier]);
    for (const { ref } of rows) await sessions.close(asRef(ref));
  },
});
