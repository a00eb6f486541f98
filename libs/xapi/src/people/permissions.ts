/** Everything that a role may allow, as clients see it: one permission for each message, for each map key that has a role of its own, for each HTTP handler. */
import {
  allows,
  asRef,
  handlers,
  messages,
  roles,
  roleUuids,
  type HandlerFacts,
  type Message,
  type Ref,
  type Role,
  type XenRecord,
} from '@xenplane/model';
import { refOf, seededUuid } from '../core/seeded';

export type RoleName = (typeof roles)[number];
export type RoleRecord = XenRecord<'role'>;
interface Permission {
  readonly name: string;
  readonly role: Role;
  readonly clientCert: boolean;
}

/** As errors and roles name it; keys of maps behind a slash. */
export const permissionOf = (message: Message, key?: string): string =>
  message.name.toLowerCase() + (key === undefined ? '' : `/key:${key.toLowerCase()}`);

function ofMessage(message: Message): Permission[] {
  const { role, clientCert } = message;
  const keys = Object.entries(message.keyRoles ?? {}).map(([key, r]) => ({
    name: permissionOf(message, key),
    role: r,
    clientCert: false,
  }));
  return [{ name: permissionOf(message), role, clientCert }, ...keys];
}
function ofHandler([name, { role, clientCert, parts }]: readonly [string, HandlerFacts]): Permission[] {
  const all = Object.entries(parts ?? {}).map(([part, r]) => ({
    name: `http/${name}/${part}`.toLowerCase(),
    role: r,
    clientCert: false,
  }));
  return [{ name: `http/${name}`.toLowerCase(), role, clientCert: clientCert === true }, ...all];
}
/** Permissions of single calls beyond their own: here, to cancel, change or end another user's task. */
const beyond: readonly Permission[] = [
  { name: 'task.destroy/any', role: 'pool-operator', clientCert: false },
];

export const permissions: readonly Permission[] = [
  ...[...messages.values()].flatMap(ofMessage),
  ...Object.entries<HandlerFacts>(handlers).flatMap(ofHandler),
  ...beyond,
];
const holds = (role: RoleName, { role: needed, clientCert }: Permission): boolean =>
  allows(role, needed) || (clientCert && role === 'client-cert');

const refOfRole = (name: RoleName): Ref<'role'> => refOf('role', roleUuids[name]);

const recordOf = (name: string): RoleRecord => ({
  uuid: seededUuid('permission', name),
  name_label: name,
  name_description: 'A basic permission',
  subroles: [],
  is_internal: false,
});
const recordsOfPermissions = new Map(
  permissions.map(({ name }) => {
    const record = recordOf(name);
    return [String(refOf('role', record.uuid)), record] as const;
  }),
);
/** Made once: most permissions are in several of the roles. */
const refOfPermission = new Map(
  [...recordsOfPermissions].map(([ref, { name_label }]) => [name_label, asRef<'role'>(ref)] as const),
);

/** Names of all permissions of each role. */
const namesOf = new Map(
  roles.map((role) => [role, permissions.filter((p) => holds(role, p)).map((p) => p.name)] as const),
);
const subrolesOf = new Map(
  [...namesOf].map(
    ([role, names]) =>
      [String(refOfRole(role)), names.flatMap((name) => refOfPermission.get(name) ?? [])] as const,
  ),
);
const roleOfRef = new Map(roles.map((role) => [String(refOfRole(role)), role] as const));

/** The permissions of a role by its reference, as references; none for what is no role of the seven. */
export const subroles = (ref: string): readonly Ref<'role'>[] => subrolesOf.get(ref) ?? [];
export const isRole = (ref: string): boolean => roleOfRef.has(ref);
/** A permission is a role that has no others in it. */
export const permissionRecord = (ref: string): RoleRecord | undefined => recordsOfPermissions.get(ref);
export const permissionRefs = (): Iterable<string> => recordsOfPermissions.keys();
/** Names of what these roles, or permissions, allow together. */
export const namesAllowed = (refs: readonly string[]): string[] => [...new Set(refs.flatMap(namesOfRef))];
function namesOfRef(ref: string): readonly string[] {
  const role = roleOfRef.get(ref);
  return role ? namesOfRole(role) : [recordsOfPermissions.get(ref)?.name_label ?? []].flat();
}
export const namesOfRole = (role: Role): readonly string[] =>
  role === 'local-root' ? [] : (namesOf.get(role) ?? []);
/** The roles that contain a permission. */
export function rolesWith(name: string): Ref<'role'>[] {
  const permission = permissions.find((p) => p.name === name.toLowerCase());
  return permission ? roles.filter((r) => holds(r, permission)).map(refOfRole) : [];
}
