/** Which subject of the pool an external user is, and what that user may therefore do. */
import { allows, asRef, roles, roleUuids, XenError, type Ref, type Role } from '@xenplane/model';
import type { Plane } from '../context';
import { verifyPassword } from '../passwords';
import type { Directory, Entry } from './directory';
import { joinedDirectory } from './external';

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
  const directory = await joinedDirectory(plane.store);
  if (!directory) return void (await verifyPassword(password, undefined));
  const entry = await directory.authenticate(name, password);
  return entry && admitted(plane, directory, entry);
}

async function admitted(plane: Plane, directory: Directory, entry: Entry): Promise<Admitted> {
  if (entry.known['subject-account-disabled'] === 'true') throw refused(entry, 'is disabled');
  const rows = await plane.store.query<SubjectRow & object>(
    'SELECT ref, subject_identifier, roles FROM subject WHERE subject_identifier = ANY($1) ORDER BY (subject_identifier <> $2), ref',
    [[entry.identifier, ...(await directory.groupsOf(entry.identifier))], entry.identifier],
  );
  const [first] = rows;
  if (!first) throw refused(entry, 'is not in the access list of the pool');
  const role = highest(rows.flatMap((r) => r.roles));
  if (!role) throw refused(entry, 'has no roles in this pool');
  return { entry, subject: asRef(first.ref), role, subjects: rows.map((r) => r.subject_identifier) };
}
const refused = ({ name, identifier }: Entry, why: string): XenError =>
  new XenError('SESSION_AUTHORIZATION_FAILED', name, `Subject ${name} (identifier ${identifier}) ${why}`);

/** The most that any of these roles allows. */
export function highest(refs: readonly string[]): Role | undefined {
  const held = roles.filter((r) => refs.includes(`OpaqueRef:${roleUuids[r]}`));
  return held.find((r) => held.every((other) => allows(r, other)));
}
