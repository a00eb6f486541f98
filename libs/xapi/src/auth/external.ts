/** External authentication of the pool: which directory is joined, how it is joined and left, whom it names. */
import { XenError } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';
import type { Configuration, Directory, DirectoryType, Entry } from './directory';
import { localDirectory } from './local-directory';

/** An Active Directory is spoken to by LDAP; a control plane without a connector to one says so when it is to be joined. */
const unavailable: DirectoryType = {
  open: () => {
    throw new XenError('AUTH_SERVICE_ERROR', 'There is no connector to an LDAP directory');
  },
  join: (_tx, service) => {
    throw new XenError('AUTH_ENABLE_FAILED_UNAVAILABLE', `There is no connector to the LDAP directory of ${service}`);
  },
  leave: async () => undefined,
};

/** By the name that clients give in `auth_type`. */
const types: ReadonlyMap<string, DirectoryType> = new Map([
  ['PAM', localDirectory],
  ['AD', unavailable],
]);

export function directoryType(authType: string): DirectoryType {
  const type = types.get(authType);
  if (!type) throw new XenError('AUTH_UNKNOWN_TYPE', authType);
  return type;
}

/** The directory that the pool is joined to; undefined when there is none. */
export async function joinedDirectory(reader: Reader): Promise<Directory | undefined> {
  const [host] = await reader.query<{ external_auth_type: string }>("SELECT external_auth_type FROM host WHERE external_auth_type <> '' LIMIT 1", []);
  return host && directoryType(host.external_auth_type).open(reader);
}

export async function requiredDirectory(reader: Reader): Promise<Directory> {
  const directory = await joinedDirectory(reader);
  if (!directory) throw new XenError('AUTH_IS_DISABLED');
  return directory;
}

export function resolved(entry: Entry | undefined): Entry {
  if (!entry) throw new XenError('SUBJECT_CANNOT_BE_RESOLVED');
  return entry;
}

interface Joining {
  readonly service: string;
  readonly type: string;
  readonly configuration: Configuration;
}
/** Joins the directory on behalf of these hosts. The directory itself is joined once for all. */
export async function joinDirectory(tx: Tx, hosts: readonly string[], { service, type, configuration }: Joining): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/directory'))", []);
  const kind = directoryType(type);
  const [peer] = await tx.query<{ external_auth_type: string; external_auth_configuration: Configuration }>(
    "SELECT external_auth_type, external_auth_configuration FROM host WHERE external_auth_type <> '' LIMIT 1",
    [],
  );
  if (peer && peer.external_auth_type !== type)
    throw new XenError('AUTH_ENABLE_FAILED', `Other hosts are joined to a directory of type ${peer.external_auth_type}`);
  const shown = peer ? peer.external_auth_configuration : await kind.join(tx, service, configuration);
  await tx.query('UPDATE host SET external_auth_type = $2, external_auth_service_name = $3, external_auth_configuration = $4 WHERE ref = ANY($1)', [
    hosts,
    type,
    service,
    JSON.stringify(shown),
  ]);
}

/** A host that joins the pool is in the directory that the others are in. */
export async function joinPeers(tx: Tx, host: string): Promise<void> {
  await tx.query(
    `UPDATE host SET external_auth_type = p.external_auth_type, external_auth_service_name = p.external_auth_service_name, external_auth_configuration = p.external_auth_configuration
     FROM (SELECT * FROM host WHERE external_auth_type <> '' AND ref <> $1 LIMIT 1) p WHERE host.ref = $1`,
    [host],
  );
}

/** Takes these hosts out. With the last of them the directory is left, and all whom it had let in are out. */
export async function leaveDirectory(tx: Tx, hosts: readonly string[]): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/directory'))", []);
  const [joined] = await tx.query<{ external_auth_type: string }>("SELECT external_auth_type FROM host WHERE external_auth_type <> '' LIMIT 1", []);
  await tx.query("UPDATE host SET external_auth_type = '', external_auth_service_name = '', external_auth_configuration = '{}' WHERE ref = ANY($1)", [hosts]);
  const [left] = await tx.query("SELECT 1 FROM host WHERE external_auth_type <> '' LIMIT 1", []);
  if (!joined || left) return;
  await directoryType(joined.external_auth_type).leave(tx);
  await endSessionsWhere(tx, "x.auth_user_sid <> ''", []);
}

/** Ends the sessions that owe their role, wholly or in part, to this subject. Every process hears of it as its tokens' trust runs out. */
export const endSessionsOf = (tx: Tx, identifier: string): Promise<void> => endSessionsWhere(tx, '$1 = ANY(s.subjects)', [identifier]);

async function endSessionsWhere(tx: Tx, condition: string, params: readonly unknown[]): Promise<void> {
  await tx.query(
    `WITH ended AS (DELETE FROM session_state WHERE session IN (SELECT s.session FROM session_state s JOIN session x ON x.ref = s.session WHERE ${condition}) RETURNING session)
     DELETE FROM session WHERE ref IN (SELECT session FROM ended)`,
    params,
  );
}
