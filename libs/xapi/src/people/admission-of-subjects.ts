/** Which subject of the pool an external user is, and what that user may therefore do. */
import { allows, asRef, roles, roleUuids, XenError, type Ref, type Role } from '@xenplane/model';
import type { Plane } from '../core/context';
import { verifyPassword } from './passwords';
import { DirectoryTrouble, type Directory, type Entry } from './directory';
import { joinedDirectory } from './external-auth';

export interface Admitted {
  readonly entry: Entry;
  readonly subject: Ref<'subject'>;
  readonly role: Role;
  /** Identifiers of the subjects that gave the role. */
  readonly subjects: readonly string[];
}
interface SubjectRow {
  readonly ref: string;
  readonly subject_identifier: string;
  readonly roles: readonly string[];
}

/** Undefined when no directory knows the name with this password; SESSION_AUTHORIZATION_FAILED when one does, but the pool does not admit the user. */
export async function admit(plane: Plane, name: string, password: string): Promise<Admitted | undefined> {
  const directory = await joinedDirectory(plane);
  if (!directory) return void (await verifyPassword(password, undefined));
  try {
    const entry = await directory.authenticate(name, password);
    return entry && (await admitted(plane, directory, entry, name));
  } catch (error) {
    if (!(error instanceof DirectoryTrouble)) throw error;
    plane.log.warn({ error, name }, 'a login could not be decided');
    throw new XenError('SESSION_AUTHENTICATION_FAILED', name, 'The directory cannot be asked');
  }
}

/** The same without a password: what a user who came in once may do now. Undefined when that is nothing. */
export async function admitAgain(
  plane: Plane,
  directory: Directory,
  identifier: string,
): Promise<Admitted | undefined> {
  const entry = await directory.identified(identifier);
  try {
    return entry && (await admitted(plane, directory, entry, entry.name));
  } catch (error) {
    if (error instanceof XenError) return undefined;
    throw error;
  }
}

/** Reasons that keep an account out, in whichever directory it is. */
const suspended = ['account-disabled', 'account-expired', 'account-locked', 'password-expired'];

/** Refusals name the user as that was typed. */
async function admitted(plane: Plane, directory: Directory, entry: Entry, typed: string): Promise<Admitted> {
  const refused = (why: string): XenError =>
    new XenError(
      'SESSION_AUTHORIZATION_FAILED',
      typed,
      `Subject ${entry.name} (identifier ${entry.identifier}) ${why}`,
    );
  const why = suspended.find((state) => entry.known[`subject-${state}`] === 'true');
  if (why !== undefined) throw refused(`is suspended: ${why}`);
  const rows = await plane.store.query<SubjectRow & object>(
    'SELECT ref, subject_identifier, roles FROM subject WHERE subject_identifier = ANY($1) ORDER BY (subject_identifier <> $2), ref',
    [[entry.identifier, ...(await directory.groupsOf(entry.identifier))], entry.identifier],
  );
  const [first] = rows;
  if (!first) throw refused('is not in the access list of the pool');
  const role = highest(rows.flatMap((r) => r.roles));
  if (!role) throw refused('has no roles in this pool');
  return { entry, subject: asRef(first.ref), role, subjects: rows.map((r) => r.subject_identifier) };
}

/** The most that any of these roles allows. */
export function highest(refs: readonly string[]): Role | undefined {
  const held = roles.filter((r) => refs.includes(`OpaqueRef:${roleUuids[r]}`));
  return held.find((r) => held.every((other) => allows(r, other)));
}
