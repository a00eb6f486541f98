/**
 * High availability: VMs that are always to run are started again when they are found halted with nothing under way, in
 * their order. Any number of schedulers may look; a try is noted before it is made, and the next is made a while later.
 */
import { asRef, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { beginInternally } from '../begin/begin-operation';
import { raiseAlert } from '../core/alerts';
import { restartsHeldUntil } from '../pool/pool-ha';
import type { Plane } from '../core/context';
import { noteInSetting, removeSettingsBut, settingValue } from '../tables/settings';

const retrySeconds = 120;
const tryPrefix = 'ha-restart/';
interface Fallen {
  readonly ref: string;
  readonly uuid: string;
}
const fallen = `SELECT v.ref, v.uuid FROM vm v, pool p
  WHERE p.ha_enabled AND v.ha_always_run AND v.ha_restart_priority = 'restart' AND v.power_state = 'Halted' AND v.current_operations = '{}' AND NOT v.is_a_template
    AND coalesce((${settingValue(`'${restartsHeldUntil}'`)} #>> '{}')::timestamptz <= $1::timestamptz, true)`;

export async function restartProtected(plane: Plane): Promise<{ readonly begun: number }> {
  const now = plane.clock.now();
  const found = await plane.store.query<Fallen & { ref: string }>(`${fallen} ORDER BY v."order", v.ref`, [
    now.toISOString(),
  ]);
  let begun = 0;
  for (const { ref } of found)
    if (await inTransaction(plane.store, (tx) => restart(tx, plane, asRef<'VM'>(ref), now))) begun += 1;
  await forgetTries(plane);
  return { begun };
}

async function restart(tx: Tx, plane: Plane, vm: Ref<'VM'>, now: Date): Promise<boolean> {
  await tx.lock('VM', vm);
  const [still] = await tx.query<Fallen & { ref: string }>(`${fallen} AND v.ref = $2`, [
    now.toISOString(),
    vm,
  ]);
  if (!still) return false;
  const seconds = now.getTime() / 1000;
  const tries = await noteInSetting(tx, tryPrefix + still.uuid, {
    now: seconds,
    since: seconds - retrySeconds,
  });
  if (tries === undefined) return false;
  if (tries === 2) await tellFailed(tx, plane, still);
  await beginInternally(tx, plane, 'VM.start', { vm, start_paused: false, force: false });
  return true;
}

/** Alerted once, when the first try has failed. */
async function tellFailed(tx: Tx, plane: Plane, { uuid }: Fallen): Promise<void> {
  await raiseAlert(tx, plane, {
    name: 'HA_PROTECTED_VM_RESTART_FAILED',
    priority: 2,
    cls: 'VM',
    obj_uuid: uuid,
    body: '',
  });
}

/** A VM that runs, or is to be kept no more, has its failures counted anew. */
async function forgetTries({ store }: Plane): Promise<void> {
  await removeSettingsBut(
    store,
    tryPrefix,
    "SELECT v.uuid FROM vm v, pool p WHERE p.ha_enabled AND v.ha_always_run AND v.power_state = 'Halted'",
  );
}

/** A host of a pool with high availability is lost: an alert names it, and its best-effort VMs are tried once elsewhere. */
export async function alertHostLost(
  tx: Tx,
  plane: Plane,
  host: string,
  vms: readonly string[],
): Promise<void> {
  const [lost] = await tx.query<{ uuid: string; name: string }>(
    'SELECT h.uuid, h.name_label AS name FROM host h, pool p WHERE h.ref = $1 AND p.ha_enabled',
    [host],
  );
  if (!lost) return;
  await raiseAlert(tx, plane, {
    name: 'HA_HOST_FAILED',
    priority: 3,
    cls: 'Host',
    obj_uuid: lost.uuid,
    body: `Host '${lost.name}' has failed`,
  });
  const tried = await tx.query<{ ref: string }>(
    'SELECT ref FROM vm WHERE ref = ANY($1) AND ha_restart_priority = \'best-effort\' ORDER BY "order", ref',
    [vms],
  );
  for (const { ref } of tried)
    await beginInternally(tx, plane, 'VM.start', { vm: ref, start_paused: false, force: false });
}
