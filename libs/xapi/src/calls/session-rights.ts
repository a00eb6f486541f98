/** What a session may do, told when it is asked for: a list of two thousand names is kept in no record. */
import { asRef, XenError, type Ref, type Role, type XenRecord } from '@xenplane/model';
import type { Context } from '../context';
import { namesOfRole } from '../permissions';

type Self = { readonly self: Ref<'session'> };

async function recordOf({ plane, tx }: Context, self: Ref<'session'>): Promise<XenRecord<'session'>> {
  await plane.replica.fresh();
  const record = plane.replica.record('session', asRef<'session'>(self));
  const [state] = await tx.query<{ role: Role }>('SELECT role FROM session_state WHERE session = $1', [self]);
  if (!record || !state) throw new XenError('HANDLE_INVALID', 'session', self);
  return { ...record, rbac_permissions: [...namesOfRole(state.role)] };
}

export const sessionOverrides = {
  get_record: (context: Context, { self }: Self): Promise<XenRecord<'session'>> => recordOf(context, self),
  get_rbac_permissions: async (context: Context, { self }: Self): Promise<string[]> => (await recordOf(context, self)).rbac_permissions,
};
