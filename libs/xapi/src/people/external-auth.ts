/** External authentication of the pool: which directory is joined, how it is joined and left, whom it names. */
import { XenError } from '@xenplane/model';
import { inTransaction, type Reader, type Tx } from '@xenplane/store';
import type { Plane } from '../core/context';
import {
  DirectoryTrouble,
  type Configuration,
  type Directory,
  type DirectoryType,
  type Entry,
} from './directory';
import { ldap } from './ldap';
import { localDirectory } from './local-directory';
import { endSessionsWhere } from '../tables/sessions/sessions';

/** By the name that clients give in `auth_type`. */
const types: ReadonlyMap<string, DirectoryType> = new Map([
  ['PAM', localDirectory],
  ['AD', ldap],
]);

export function directoryType(authType: string): DirectoryType {
  const type = types.get(authType);
  if (!type) throw new XenError('AUTH_UNKNOWN_TYPE', authType);
  return type;
}

interface JoinedHost {
  readonly external_auth_type: string;
  readonly external_auth_configuration: Configuration;
}
async function joinedHost(reader: Reader): Promise<JoinedHost | undefined> {
  const [host] = await reader.query<JoinedHost>(
    "SELECT external_auth_type, external_auth_configuration FROM host WHERE external_auth_type <> '' LIMIT 1",
    [],
  );
  return host;
}

/** The directory that the pool is joined to; undefined when there is none. */
export async function joinedDirectory(plane: Plane): Promise<Directory | undefined> {
  const host = await joinedHost(plane.store);
  return host && directoryType(host.external_auth_type).open(plane);
}

/** Answers a client's question to the directory. */
export async function askDirectory<T>(
  plane: Plane,
  question: (directory: Directory) => Promise<T>,
): Promise<T> {
  const directory = await joinedDirectory(plane);
  if (!directory) throw new XenError('AUTH_IS_DISABLED');
  try {
    return await question(directory);
  } catch (error) {
    throw error instanceof DirectoryTrouble ? new XenError('AUTH_SERVICE_ERROR', error.message) : error;
  }
}

export function resolved(entry: Entry | undefined): Entry {
  if (!entry) throw new XenError('SUBJECT_CANNOT_BE_RESOLVED');
  return entry;
}

export interface Joining {
  readonly service: string;
  readonly type: string;
  readonly configuration: Configuration;
  /** Which hosts are joined; throws when they are in a directory already. */
  hosts(tx: Tx): Promise<readonly string[]>;
}
/** Joins the directory on behalf of these hosts. The directory itself is joined once for all; it is asked while nothing is held. */
export async function joinDirectory(
  plane: Plane,
  { service, type, configuration, hosts }: Joining,
): Promise<void> {
  const kind = directoryType(type);
  const prepared = (await joinedHost(plane.store))
    ? undefined
    : await kind.prepare(plane, service, configuration);
  await inTransaction(plane.store, async (tx) => {
    await lockDirectory(tx);
    const refs = await hosts(tx);
    const peer = await joinedHost(tx);
    if (peer && peer.external_auth_type !== type)
      throw new XenError(
        'AUTH_ENABLE_FAILED',
        `Other hosts are joined to a directory of type ${peer.external_auth_type}`,
      );
    if (!peer && !prepared)
      throw new XenError('AUTH_ENABLE_FAILED', 'The other hosts have left the directory meanwhile');
    if (!peer) await prepared?.keep(tx);
    await tx.query(
      'UPDATE host SET external_auth_type = $2, external_auth_service_name = $3, external_auth_configuration = $4 WHERE ref = ANY($1)',
      [refs, type, service, JSON.stringify(peer ? peer.external_auth_configuration : prepared?.shown)],
    );
  });
}
const lockDirectory = (tx: Tx): Promise<unknown> =>
  tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/directory'))", []);

/** Hosts that join the pool are in the directory that the others are in. */
export async function joinPeers(tx: Tx, hosts: readonly string[]): Promise<void> {
  await tx.query(
    `UPDATE host SET external_auth_type = p.external_auth_type, external_auth_service_name = p.external_auth_service_name, external_auth_configuration = p.external_auth_configuration
     FROM (SELECT * FROM host WHERE external_auth_type <> '' AND ref <> ALL($1) LIMIT 1) p WHERE host.ref = ANY($1)`,
    [hosts],
  );
}

/** Takes these hosts out. With the last of them the directory is left, and all whom it had let in are out. */
export async function leaveDirectory(tx: Tx, hosts: readonly string[]): Promise<void> {
  await lockDirectory(tx);
  const joined = await joinedHost(tx);
  await tx.query(
    "UPDATE host SET external_auth_type = '', external_auth_service_name = '', external_auth_configuration = '{}' WHERE ref = ANY($1)",
    [hosts],
  );
  if (!joined || (await joinedHost(tx))) return;
  await directoryType(joined.external_auth_type).leave(tx);
  await endSessionsWhere(tx, "x.auth_user_sid <> ''", []);
}

/** Ends the sessions that owe their role, wholly or in part, to this subject. Every process hears of it as its tokens' trust runs out. */
export const endSessionsOf = (tx: Tx, identifier: string): Promise<void> =>
  endSessionsWhere(tx, '$1 = ANY(s.subjects)', [identifier]);

export const endSessions = (tx: Tx, refs: readonly string[]): Promise<void> =>
  endSessionsWhere(tx, 's.session = ANY($1)', [refs]);
