/** Role checks: the message's role, and for single keys of map fields the key's own. */
import {
  allows,
  roles,
  XenError,
  type AnyRecord,
  type ClassDef,
  type Message,
  type Role,
} from '@xenplane/model';
import type { Session } from '../core/context';
import { permissionOf } from './permissions';

/** Says, as xapi does, which roles would do. */
export function denied(permission: string, needed: Role): XenError {
  const enough = roles.filter((r) => r !== 'client-cert' && allows(r, needed));
  return new XenError(
    'RBAC_PERMISSION_DENIED',
    permission,
    `No permission in user session. (Roles with this permission: ${enough.join(', ')})`,
  );
}

type KeyRoles = Readonly<Record<string, Role>>;

/** The role that a key needs beyond the message's own; a pattern may end in `*`. */
function roleOfKey(roles: KeyRoles, key: string): Role | undefined {
  if (Object.hasOwn(roles, key)) return roles[key];
  const pattern = Object.keys(roles).find((p) => p.endsWith('*') && key.startsWith(p.slice(0, -1)));
  return pattern ? roles[pattern] : undefined;
}

function assertKey(session: Session, message: Message, roles: KeyRoles, key: string): void {
  const needed = roleOfKey(roles, key) ?? message.role;
  if (!allows(session.role, needed)) throw denied(permissionOf(message, key), needed);
}

/** The map field that a set_, add_to_ or remove_from_ message is about, whoever implements it. */
function mapField(message: Message): { verb: string; name: string; keyRoles: KeyRoles } | undefined {
  const match = /^(set|add_to|remove_from)_(.+)$/.exec(message.call);
  const name = match?.[2],
    verb = match?.[1];
  const keyRoles = name ? message.cls.fields[name]?.keyRoles : undefined;
  return verb && name && keyRoles ? { verb, name, keyRoles } : undefined;
}

/** Refuses what the session's role does not allow, as far as the arguments show it. */
export function assertAllowed(
  session: Session,
  message: Message,
  args: Readonly<Record<string, unknown>>,
): void {
  const field = mapField(message);
  if (field && field.verb !== 'set') return assertKey(session, message, field.keyRoles, String(args['key']));
  if (!allows(session.role, message.role) && !(message.clientCert && session.role === 'client-cert'))
    throw denied(permissionOf(message), message.role);
  if (message.kind === 'create')
    assertGivenKeys(session, message, message.cls, args['args'] as Record<string, unknown>);
}

/** The map field that a set_ replaces whose keys have roles: its present value must be known before they can be judged. */
export const replacedMap = (message: Message): string | undefined => {
  const field = mapField(message);
  return field?.verb === 'set' ? field.name : undefined;
};

/** Every key that appears, changes or goes needs what adding or removing it alone would need (lesson of XSA-489). */
export function assertChangedKeys(
  session: Session,
  message: Message,
  { before, after }: Readonly<Record<'before' | 'after', Readonly<Record<string, string>>>>,
): void {
  const roles = mapField(message)?.keyRoles ?? {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
    if (before[key] !== after[key]) assertKey(session, message, roles, key);
}

/** The keys of every map in a record that is to be created, cloned, copied or imported. */
export function assertGivenKeys(session: Session, message: Message, cls: ClassDef, record: AnyRecord): void {
  assertKeysBetween(session, message, cls, {}, record);
}

/** The keys in which a record is to differ from what it was, map by map. */
export function assertKeysBetween(
  session: Session,
  message: Message,
  cls: ClassDef,
  before: AnyRecord,
  after: AnyRecord,
): void {
  for (const [name, { keyRoles }] of Object.entries(cls.fields)) {
    if (!keyRoles) continue;
    const old = new Map(Object.entries((before[name] ?? {}) as Record<string, string>)),
      now = new Map(Object.entries((after[name] ?? {}) as Record<string, string>));
    for (const key of new Set([...old.keys(), ...now.keys()])) {
      const needed = old.get(key) === now.get(key) ? undefined : roleOfKey(keyRoles, key);
      if (needed && !allows(session.role, needed)) throw denied(permissionOf(message, key), needed);
    }
  }
}
