/** Fields of a session that are computed when it is read, and kept in no record: two thousand permissions, its last use, its tasks. */
import { asRef, XenError, type Ref, type XenRecord } from '@xenplane/model';
import type { Context } from '../core/context';
import { namesOfRole } from '../people/permissions';
import { sessionFacts } from '../tables/sessions/sessions';

type Self = { readonly self: Ref<'session'> };

async function recordOf({ plane, tx }: Context, self: Ref<'session'>): Promise<XenRecord<'session'>> {
  await plane.replica.fresh();
  const record = plane.replica.record('session', asRef<'session'>(self));
  const state = await sessionFacts(tx, self);
  if (!record || !state) throw new XenError('HANDLE_INVALID', 'session', self);
  const { role, last_active, tasks } = state;
  return { ...record, last_active, tasks, rbac_permissions: [...namesOfRole(role)] };
}

export const sessionOverrides = {
  get_record: (context: Context, { self }: Self): Promise<XenRecord<'session'>> => recordOf(context, self),
  get_last_active: async (context: Context, { self }: Self): Promise<string> =>
    (await recordOf(context, self)).last_active,
  get_tasks: async (context: Context, { self }: Self): Promise<Ref<'task'>[]> =>
    (await recordOf(context, self)).tasks,
  get_rbac_permissions: async (context: Context, { self }: Self): Promise<string[]> =>
    (await recordOf(context, self)).rbac_permissions,
};
