/**
 * The one host of this pool goes into another. Its agent decides: called back before it has registered there, it comes
 * home; once it has, only the other pool lets it go. So both pools can be asked again after any crash, and agree.
 * Then its VMs and local disks are copied there. Here they go with the last step, together with the host's records.
 */
import { nullRef, XenError, type classes, type OperationParams, type Ref } from '@xenplane/model';
import type { InvitationAnswer } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { releaseHost } from './pool-eject';
import { lockPool } from '../pool/pool-record';
import type { Plane } from '../core/context';
import { removeSent } from '../migration/to-pool/send';
import { assertNothingElse, joiningObjectsOf, type JoiningObjects } from './joining-objects';
import { copyToPool, releaseAll, type CopiedObjects } from './copy-to-pool';
import { assertMayLeave } from './checks';
import { OtherPool } from './other-pool';
import { becomeMember, beginJoining, abortJoining } from '../tables/sessions/pool-membership';
import { lockOnlyHost } from '../tables/runs/agents';
import { hostLife, isRegisteredAnew, setAccepting } from '../tables/runs/host-runs';

type Join = OperationParams<typeof classes.pool, 'join'>;
export const poolJoin = (plane: Plane) => ({
  join: (run: Run<Tx>, given: Join) => join(plane, run, given.master_address),
  join_force: (run: Run<Tx>, given: Join) => join(plane, run, given.master_address),
});

interface Leaving {
  readonly host: Ref<'host'>;
  readonly uuid: string;
  readonly nameLabel: string;
  readonly nameDescription: string;
  readonly accepting: boolean;
}
type Invitation = InvitationAnswer & { readonly apiUrl: string };

async function join(plane: Plane, run: Run<Tx>, address: string): Promise<void> {
  const { session } = run.context['sealed'] as { session: string };
  const other = await OtherPool.at(plane.store, address, session);
  run.undo('log out', () => other.logOut());
  const leaving = await run.commit(
    'begin',
    (tx) => begin(tx, run, address),
    (tx, { host, accepting }) => stay(tx, run, host, accepting),
  );
  const { host, uuid, nameLabel, nameDescription } = leaving;
  const invitation = await run.step(
    'invite',
    () => other.invite({ host: uuid, nameLabel, nameDescription }),
    () =>
      other
        .withdraw(uuid)
        .catch((error: unknown) => plane.log.warn({ host, error }, 'an invitation was not withdrawn')),
  );
  const epoch = await run.step(
    'send',
    () => send(plane, host, invitation),
    async () => void (await callBack(plane, host)),
  );
  await run.step('wait', () => untilThere(plane, other, { ...leaving, epoch }));
  const joiningObjects = await run.commit('joining objects', joiningObjectsOf);
  const copied = await copyToPool(plane, run, { url: other.url, session, host: uuid }, joiningObjects);
  await run.step('release', () => releaseAll(copied));
  await run.conclude('leave', (tx) => leave(plane, tx, { host, operation: run.ref, joiningObjects, copied }));
  await other.logOut();
}

/** Nothing is placed on the host from now on. */
async function begin(tx: Tx, run: Run<Tx>, address: string): Promise<Leaving> {
  await lockPool({ tx });
  await assertMayLeave(tx);
  await beginJoining(tx, address, run.ref);
  const found = await lockOnlyHost(tx);
  if (!found?.alive) throw new XenError('HOST_OFFLINE', found?.host ?? nullRef());
  await setAccepting(tx, found.host, false);
  const { host, uuid, nameLabel, nameDescription, accepting } = found;
  return { host, uuid, nameLabel, nameDescription, accepting };
}
async function stay(tx: Tx, run: Run<Tx>, host: Ref<'host'>, accepting: boolean): Promise<void> {
  await abortJoining(tx, run.ref);
  await setAccepting(tx, host, accepting);
}

const retryMs = 200;
const sendLimitMs = 60_000;
/** Answers the host's last epoch here; an agent that restarts meanwhile has another. */
async function send(
  plane: Plane,
  host: Ref<'host'>,
  { apiUrl, imagesUrl, secret }: Invitation,
): Promise<number> {
  for (const from = plane.clock.monotonic(); ;) {
    const run = await hostLife(plane.store, host);
    const answer =
      run && (await plane.agents.sendAway(host, { hostEpoch: run.host_epoch, apiUrl, imagesUrl, secret }));
    if (answer?.phase === 'visiting')
      throw new XenError(
        'OPERATION_NOT_ALLOWED',
        'The host has joined from another control plane, to which pool.eject gives it back',
      );
    if (answer && answer.phase !== 'refused') return run.host_epoch;
    if (plane.clock.monotonic() - from > sendLimitMs) throw new XenError('HOST_OFFLINE', host);
    await plane.clock.wait(retryMs);
  }
}

const callBackLimitMs = 30_000;
/** True when the host has come home; an agent that cannot be reached asks the other pool by itself, which refuses it. */
async function callBack(plane: Plane, host: Ref<'host'>): Promise<'done' | 'settled'> {
  for (const from = plane.clock.monotonic(); plane.clock.monotonic() - from < callBackLimitMs;) {
    const answer = await plane.agents.callBack(host);
    if (answer?.phase === 'done' || answer?.phase === 'settled') return answer.phase;
    await plane.clock.wait(retryMs);
  }
  plane.log.warn({ host }, 'a host could not be called back');
  return 'done';
}

const arrivalLimitMs = 60_000;
async function untilThere(
  plane: Plane,
  other: OtherPool,
  { host, uuid, epoch }: Leaving & { readonly epoch: number },
): Promise<void> {
  const from = plane.clock.monotonic();
  for (;;) {
    const remoteSide = await other.hasLive(uuid).catch((error: unknown) => error);
    if (remoteSide === true) return;
    // Turned away there, it registers here anew.
    if (
      plane.clock.monotonic() - from > arrivalLimitMs ||
      (await isRegisteredAnew(plane.store, host, epoch))
    ) {
      if ((await callBack(plane, host)) === 'settled') return;
      throw remoteSide instanceof XenError && remoteSide.code === 'JOINING_HOST_CONNECTION_FAILED'
        ? remoteSide
        : new XenError('JOINING_HOST_SERVICE_FAILED');
    }
    await plane.clock.wait(retryMs);
  }
}
interface Left {
  readonly host: Ref<'host'>;
  readonly operation: string;
  readonly joiningObjects: JoiningObjects;
  readonly copied: readonly CopiedObjects[];
}
/** The host takes its own with it; the pool stays, without a host, and says where that is. */
async function leave(plane: Plane, tx: Tx, { host, operation, joiningObjects, copied }: Left): Promise<void> {
  const pool = await lockPool({ tx });
  await assertMayLeave(tx, operation);
  await assertNothingElse(tx, joiningObjects);
  for (const { sending } of copied) await removeSent(plane, tx, sending.migration);
  await tx.update('pool', pool.ref, { master: nullRef() });
  await releaseHost(tx, await tx.lock('host', host));
  await becomeMember(tx);
}
