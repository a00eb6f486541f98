/**
 * Roles and the permissions in them. The seven roles are rows; the permissions, each a role without others in it, follow
 * from the model and are in no table: every way to look at a role looks at both.
 */
import { asRef, classNamed, classes, XenError, type CallsOf, type Ref } from '@xenplane/model';
import { evaluate, parseFilter } from '@xenplane/wire';
import type { Context } from '../core/context';
import {
  isRole,
  namesAllowed,
  permissionRecord,
  permissionRefs,
  rolesWith,
  subroles,
  type RoleRecord,
} from './permissions';

function recordOf({ plane }: Context, ref: string): RoleRecord {
  const record = permissionRecord(ref) ?? plane.replica.record('role', asRef<'role'>(ref));
  if (!record) throw new XenError('HANDLE_INVALID', 'role', ref);
  return record;
}
async function all(context: Context): Promise<(readonly [string, RoleRecord])[]> {
  await context.plane.replica.fresh();
  const refs = [...context.plane.replica.refs('role'), ...permissionRefs()];
  return refs.map((ref) => [ref, recordOf(context, ref)] as const);
}
async function where(context: Context, expression: string): Promise<(readonly [string, RoleRecord])[]> {
  const filter = parseFilter(expression);
  return (await all(context)).filter(([, record]) =>
    evaluate(filter, (name) => (record as Readonly<Record<string, unknown>>)[name]),
  );
}
async function found(context: Context, of: (record: RoleRecord) => boolean): Promise<Ref<'role'>[]> {
  return (await all(context)).filter(([, record]) => of(record)).map(([ref]) => asRef(ref));
}
/** All permissions of a role, or the one that it is. */
function resolved(context: Context, self: Ref<'role'>): Ref<'role'>[] {
  recordOf(context, self);
  return isRole(self) ? [...subroles(self)] : [self];
}

export const roleCalls: CallsOf<typeof classes.role, Context> = {
  get_permissions: async (context, { self }) => resolved(context, self),
  get_permissions_name_label: async (context, { self }) => {
    recordOf(context, self);
    return namesAllowed([self]);
  },
  get_by_permission: async (context, { permission }) => rolesWith(recordOf(context, permission).name_label),
  get_by_permission_name_label: async (_context, { label }) => rolesWith(label),
};

type Self = { readonly self: Ref<'role'> };
const getters = Object.fromEntries(
  Object.keys(classNamed('role').fields).map((field) => [
    `get_${field}`,
    async (context: Context, { self }: Self): Promise<unknown> =>
      (recordOf(context, self) as Readonly<Record<string, unknown>>)[field],
  ]),
);

export const roleOverrides = {
  ...getters,
  get_record: async (context: Context, { self }: Self) => recordOf(context, self),
  get_by_uuid: async (context: Context, { uuid }: { uuid: string }) => {
    const [ref] = await found(context, (record) => record.uuid === uuid);
    if (!ref) throw new XenError('UUID_INVALID', 'role', uuid);
    return ref;
  },
  get_by_name_label: (context: Context, { label }: { label: string }) =>
    found(context, (record) => record.name_label === label),
  get_all: (context: Context) => found(context, () => true),
  get_all_records: async (context: Context) => Object.fromEntries(await all(context)),
  get_all_where: async (context: Context, { expr }: { expr: string }) =>
    (await where(context, expr)).map(([ref]) => ref),
  get_all_records_where: async (context: Context, { expr }: { expr: string }) =>
    Object.fromEntries(await where(context, expr)),
};
