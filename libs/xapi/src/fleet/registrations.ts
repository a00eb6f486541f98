/** Agents start: their hosts get new epochs, and what the database and the hosts disagree about is settled (R11). */
import {
  type AdoptedVm,
  type Registration,
  type RegistrationAnswer,
  type RegistrationRequest,
  type RegistrationResult,
} from '@xenplane/hypervisor';
import type { Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import type { Plane } from '../core/context';
import { updateHardware } from '../tables/host-hardware';
import { endRuns, showEnded } from '../tables/runs/halted-runs';
import { recordLostRuns, alertLostHosts, alertLostVms } from '../tables/runs/lost-runs';
import { tokenHash } from './tokens';
import { lockRunsOfHosts, type HostsRun } from '../tables/runs/agent-runs';
import { grantLeases, lockHosts, renewEpochs } from '../tables/runs/agents';
import { enableBooted } from '../tables/runs/host-runs';

/** A host whose token is right, and what it says of itself. */
interface Returning extends Registration {
  readonly ref: Ref<'host'>;
  /** By another boot of its hypervisor than the one that was known. */
  readonly booted: boolean;
  /** It was fenced since it was last here. */
  readonly lost: boolean;
}

/** So many in one transaction: those of a larger request need not wait for the last. */
const batchSize = 50;

export async function registerHosts(
  plane: Plane,
  { registrations }: RegistrationRequest,
): Promise<RegistrationAnswer> {
  const hosts: RegistrationResult[] = [];
  for (let i = 0; i < registrations.length; i += batchSize)
    hosts.push(...(await registerLot(plane, registrations.slice(i, i + batchSize))));
  const { leasesUrl } = plane.settings;
  return leasesUrl === undefined ? { hosts } : { hosts, leasesUrl };
}

async function registerLot(
  plane: Plane,
  registrations: readonly Registration[],
): Promise<RegistrationResult[]> {
  return inTransaction(plane.store, async (tx) => {
    const returning = await knownOf(tx, registrations);
    const adopt = await settleRuns(tx, plane, returning);
    const epochs = await renewEpochs(tx, returning);
    grantLeases(tx, returning, plane.settings.leaseMs);
    await showAlive(
      tx,
      returning.map(({ ref }) => ref),
      true,
    );
    await alertLostHosts(
      tx,
      plane,
      'HOST_RETURNED',
      returning.filter(({ lost }) => lost).map(({ ref }) => ref),
    );
    await updateHardware(tx, returning);
    await showStarted(tx, plane, returning);
    const { leaseMs } = plane.settings;
    const refs = new Map(returning.map(({ host, ref }) => [host, ref]));
    return registrations.map(({ host }): RegistrationResult => {
      const ref = refs.get(host);
      const hostEpoch = ref === undefined ? undefined : epochs.get(ref);
      if (ref === undefined || hostEpoch === undefined)
        return { host, hostEpoch: 0, leaseMs, adopt: [], refused: 'unknown host or token' };
      return { host, hostEpoch, leaseMs, adopt: adopt.get(ref) ?? [] };
    });
  });
}

async function knownOf(tx: Tx, registrations: readonly Registration[]): Promise<Returning[]> {
  const rows = await lockHosts(
    tx,
    registrations.map(({ host }) => host),
  );
  const asked = new Map(registrations.map((one) => [one.host, one]));
  return rows.flatMap(({ host: ref, uuid, token_hash, hypervisor_boot, lost }) => {
    const one = asked.get(uuid);
    return one && token_hash === tokenHash(one.token)
      ? [{ ...one, ref, lost, booted: hypervisor_boot !== one.hypervisorBoot }]
      : [];
  });
}

/** Rows that were only asked for go back in every case; rows that ran are kept when the same hypervisor still holds their domain. */
async function settleRuns(
  tx: Tx,
  plane: Plane,
  returning: readonly Returning[],
): Promise<Map<string, AdoptedVm[]>> {
  const runs = await lockRunsOfHosts(
    tx,
    returning.map(({ ref }) => ref),
  );
  const held = new Set(
    returning.flatMap(({ ref, booted, domains }) =>
      booted ? [] : domains.map((d) => `${ref} ${d.vm} ${d.vmEpoch}`),
    ),
  );
  const isKept = (run: HostsRun): boolean =>
    run.state !== 'A' && held.has(`${run.host} ${run.uuid} ${run.vm_epoch}`);
  const over = runs.filter((run) => !isKept(run));
  const gone = over.map((run) => run.vm);
  const booted = new Set(returning.filter((one) => one.booted).map(({ ref }) => String(ref)));
  // A domain that is missing under the same boot has ended of itself.
  await alertLostVms(
    tx,
    plane,
    await recordLostRuns(
      tx,
      over.filter((run) => booted.has(run.host)).map((run) => run.vm),
    ),
  );
  await endRuns(tx, gone);
  await showEnded(tx, gone);
  const adopt = new Map<string, AdoptedVm[]>();
  for (const run of runs.filter(isKept))
    adopt.set(run.host, [...(adopt.get(run.host) ?? []), { vm: run.uuid, boots: run.boots }]);
  return adopt;
}

/** When the toolstack came up, and the host itself. A boot enables a host again, unless it was disabled for good. */
async function showStarted(tx: Tx, plane: Plane, returning: readonly Returning[]): Promise<void> {
  const now = `${Math.floor(plane.clock.now().getTime() / 1000)}.`;
  const refs = returning.map(({ ref }) => ref),
    booted = returning.filter((one) => one.booted).map(({ ref }) => ref);
  await tx.query(
    `UPDATE host SET other_config = other_config || jsonb_build_object('agent_start_time', $3::text) || CASE WHEN ref = ANY($2) THEN jsonb_build_object('boot_time', $3::text) ELSE '{}' END
     WHERE ref = ANY($1)`,
    [refs, booted, now],
  );
  await dropGuidance(tx, refs, ['restart_toolstack']);
  if (booted.length === 0) return;
  await dropGuidance(tx, booted, ['reboot_host', 'reboot_host_on_livepatch_failure']);
  await enableBooted(tx, booted);
}

/** Guidance that was pending after updates, and is fulfilled by this start. */
async function dropGuidance(tx: Tx, hosts: readonly string[], done: readonly string[]): Promise<void> {
  await tx.query(
    `UPDATE host SET pending_guidances = pending_guidances - $2::text[], pending_guidances_recommended = pending_guidances_recommended - $2::text[], pending_guidances_full = pending_guidances_full - $2::text[]
     WHERE ref = ANY($1) AND (pending_guidances || pending_guidances_recommended || pending_guidances_full) ?| $2::text[]`,
    [hosts, done],
  );
}

/** Shows in the hosts' metrics whether they live. */
export async function showAlive(tx: Tx, hosts: readonly string[], live: boolean): Promise<void> {
  await tx.query(
    'UPDATE host_metrics m SET live = $2 FROM host h WHERE h.ref = ANY($1) AND m.ref = h.metrics AND m.live <> $2',
    [hosts, live],
  );
}
