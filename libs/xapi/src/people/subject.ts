/** People and groups of the directory whom the pool admits, and the roles that they hold. */
import { asRef, classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import { endSessionsOf } from './external-auth';
import type { Context } from '../core/context';
import { isRole, namesAllowed } from './permissions';
import { recordWith } from '../core/records';

type Subject = StoredRecord<'subject'>;

/** A subject that is new may do nothing until it is given a role. */
async function create(
  { tx, plane }: Context,
  { subject_identifier = '', other_config = {} }: Partial<Subject>,
): Promise<Ref<'subject'>> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/subjects'))", []);
  if ((await tx.find('subject', { subject_identifier })).length > 0)
    throw new XenError('SUBJECT_ALREADY_EXISTS');
  const uuid = plane.ids.uuid(),
    ref = asRef<'subject'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'subject',
    ref,
    recordWith('subject', { uuid, subject_identifier, other_config, roles: [] }),
  );
  return ref;
}

async function destroy({ tx }: Context, self: Ref<'subject'>): Promise<void> {
  const { subject_identifier } = await tx.lock('subject', self);
  await tx.remove('subject', self);
  await endSessionsOf(tx, subject_identifier);
}

/** Users who hold a role by this subject log in again to get the new one. */
async function setRoles(
  { tx }: Context,
  self: Ref<'subject'>,
  change: (roles: readonly Ref<'role'>[]) => Ref<'role'>[],
): Promise<void> {
  const { roles, subject_identifier } = await tx.lock('subject', self);
  await tx.update('subject', self, { roles: change(roles) });
  await endSessionsOf(tx, subject_identifier);
}

export const subjectCalls: CallsOf<typeof classes.subject, Context> = {
  add_to_roles: (context, { self, role }) =>
    setRoles(context, self, (roles) => {
      if (!isRole(role)) throw new XenError('ROLE_NOT_FOUND');
      if (roles.includes(role)) throw new XenError('ROLE_ALREADY_EXISTS');
      return [...roles, role];
    }),
  remove_from_roles: (context, { self, role }) =>
    setRoles(context, self, (roles) => {
      if (!roles.includes(role)) throw new XenError('ROLE_NOT_FOUND');
      return roles.filter((r) => r !== role);
    }),
  get_permissions_name_label: async ({ tx }, { self }) => namesAllowed((await tx.get('subject', self)).roles),
};

export const subjectOverrides = {
  create: (context: Context, { args }: { args: Partial<Subject> }) => create(context, args),
  destroy: (context: Context, { self }: { self: Ref<'subject'> }) => destroy(context, self),
};
