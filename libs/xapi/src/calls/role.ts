/** What each role may do, read from the model. */
import { allows, asRef, classes, messages, roles, roleUuids, XenError, type CallsOf, type Ref, type Role } from '@xenplane/model';
import type { Context } from '../context';

type NamedRole = keyof typeof roleUuids;
const refOfRole = (name: NamedRole): Ref<'role'> => asRef(`OpaqueRef:${roleUuids[name]}`);
const nameOfRole = (ref: string): NamedRole => {
  const name = roles.find((r) => refOfRole(r) === ref);
  if (!name) throw new XenError('HANDLE_INVALID', 'role', ref);
  return name;
};

const permissionsOf = (role: Role): string[] => [...messages.values()].filter((m) => allows(role, m.role)).map((m) => m.name.toLowerCase());
const rolesWith = (permission: string): NamedRole[] => {
  const message = [...messages.values()].find((m) => m.name.toLowerCase() === permission.toLowerCase());
  return message ? roles.filter((r) => allows(r, message.role)) : [];
};

export const roleCalls: CallsOf<typeof classes.role, Context> = {
  get_permissions: async (_context, { self }) => [refOfRole(nameOfRole(self))],
  get_permissions_name_label: async (_context, { self }) => permissionsOf(nameOfRole(self)),
  get_by_permission: async (_context, { permission }) => [refOfRole(nameOfRole(permission))],
  get_by_permission_name_label: async (_context, { label }) => rolesWith(label).map(refOfRole),
};
