/** Summarises failed logins in one alert an hour. */
import { inTransaction } from '@xenplane/store';
import { raiseAlert } from '../core/alerts';
import type { Plane } from '../core/context';

/** The alert names the host that old clients call the master. */
export async function alertFailedLogins(plane: Plane): Promise<void> {
  const body = plane.failedLogins.take();
  if (body === undefined) return;
  await inTransaction(plane.store, async (tx) => {
    const [pool] = await tx.find('pool', {});
    const [master] = pool ? await tx.getMany('host', [pool.master]) : [];
    if (master)
      await raiseAlert(tx, plane, {
        name: 'FAILED_LOGIN_ATTEMPTS',
        priority: 3,
        cls: 'Host',
        obj_uuid: master.uuid,
        body,
      });
  });
}
