/** A host goes down, comes back, or only its toolstack does. The agent does it; the host's lease and epoch show that it is done. */
import { classes, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { PowerCommand } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import { Later, type Run } from '@xenplane/work';
import type { Plane } from '../core/context';
import { assertUnused } from './host-use';
import { hostLife, setWake, type HostLife } from '../tables/runs/host-runs';

export const hostPower = (plane: Plane) => ({
  shutdown: (run: Run<Tx>, { host }: OperationParams<typeof classes.host, 'shutdown'>) =>
    goDown(plane, run, host, 'off'),
  reboot: (run: Run<Tx>, { host }: OperationParams<typeof classes.host, 'reboot'>) =>
    goDown(plane, run, host, 'reboot'),
  restart_agent: (run: Run<Tx>, { host }: OperationParams<typeof classes.host, 'restart_agent'>) =>
    restartToolstack(plane, run, host),
  power_on: (run: Run<Tx>, { host }: OperationParams<typeof classes.host, 'power_on'>) =>
    powerOn(plane, run, host),
});

const leaseOf = async (read: Pick<Tx, 'query'>, host: Ref<'host'>): Promise<HostLife> =>
  (await hostLife(read, host)) ?? { alive: false, host_epoch: 0 };

async function goDown(
  plane: Plane,
  run: Run<Tx>,
  host: Ref<'host'>,
  action: 'off' | 'reboot',
): Promise<void> {
  const { host_epoch } = await run.commit('begin', async (tx) => {
    await assertUnused(tx, host);
    return leaseOf(tx, host);
  });
  await run.step('power', () =>
    command(
      plane,
      host,
      { hostEpoch: host_epoch, action },
      ({ alive, host_epoch: now }) => !alive || now !== host_epoch,
    ),
  );
  return run.conclude('end', async () => undefined);
}

async function restartToolstack(plane: Plane, run: Run<Tx>, host: Ref<'host'>): Promise<void> {
  const { host_epoch } = await run.commit('begin', (tx) => leaseOf(tx, host));
  await run.step('restart', () =>
    command(
      plane,
      host,
      { hostEpoch: host_epoch, action: 'toolstack' },
      ({ host_epoch: now }) => now !== host_epoch,
    ),
  );
  return run.conclude('end', async () => undefined);
}

const retryMs = 100;
const limitMs = 60_000;
/** Asks, and looks whether the lease shows that the host obeyed; until it does, it is asked again. A host that was lost meanwhile is down as well. */
async function command(
  plane: Plane,
  host: Ref<'host'>,
  power: PowerCommand,
  obeyed: (lease: HostLife) => boolean,
): Promise<void> {
  await plane.agents.power(host, power);
  const lease = await leaseOf(plane.store, host);
  if (obeyed(lease)) return;
  const offline = new XenError('HOST_OFFLINE', host);
  throw lease.alive ? new Later(retryMs, limitMs, offline) : offline;
}

const bootLimitMs = 600_000;
/** The wake-up stands in the database until the host has asked for it, and is taken back when the task is cancelled. */
async function powerOn(plane: Plane, run: Run<Tx>, host: Ref<'host'>): Promise<void> {
  await run.commit(
    'wake',
    async (tx) => setWake(tx, host, true),
    async (tx) => setWake(tx, host, false),
  );
  await run.step('wait', async () => {
    if (!(await leaseOf(plane.store, host)).alive)
      throw new Later(retryMs, bootLimitMs, new XenError('INTERNAL_ERROR', 'The host failed to power on.'));
  });
  return run.conclude('end', async () => undefined);
}
