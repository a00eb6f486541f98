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
import { updateHardware } from '../core/hardware';
import { endRuns, showEnded } from '../runs/halted-runs';
import { recordLostRuns, alertLostHosts, alertLostVms } from '../runs/lost-runs';
import { tokenHash } from './tokens';

interface HostRow {
  readonly host: Ref<'host'>;
  readonly uuid: string;
  readonly token_hash: string;
  readonly hypervisor_boot: string;
  readonly lost: boolean;
}
interface RunRow {
  readonly vm: string;
  readonly host: string;
  readonly uuid: string;
  readonly vm_epoch: number;
  readonly state: string;
  readonly boots: number;
}
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
    const epochs = await newEpochs(tx, returning);
    grantLeases(tx, plane, returning);
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

/** Locked in one order, so that two batches never wait for one another in a circle. */
async function knownOf(tx: Tx, registrations: readonly Registration[]): Promise<Returning[]> {
  const rows = await tx.query<HostRow>(
    'SELECT host, uuid, token_hash, hypervisor_boot, lost FROM host_run WHERE uuid = ANY($1) ORDER BY host FOR UPDATE',
    [registrations.map(({ host }) => host)],
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
  const runs = await tx.query<RunRow>(
    "SELECT r.vm, r.host, v.uuid, r.vm_epoch, r.state, r.boots FROM vm_run r JOIN vm v ON v.ref = r.vm WHERE r.host = ANY($1) AND r.state <> 'H' ORDER BY r.vm FOR UPDATE OF r",
    [returning.map(({ ref }) => ref)],
  );
  const held = new Set(
    returning.flatMap(({ ref, booted, domains }) =>
      booted ? [] : domains.map((d) => `${ref} ${d.vm} ${d.vmEpoch}`),
    ),
  );
  const isKept = (run: RunRow): boolean =>
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

async function newEpochs(tx: Tx, returning: readonly Returning[]): Promise<Map<string, number>> {
  const rows = await tx.query<{ host: string; host_epoch: number }>(
    `WITH new AS (
       UPDATE host_run h SET host_epoch = nextval('host_epochs'), alive = true, wake = false, lost = false,
         agent_boot = r.agent_boot, hypervisor_boot = r.hypervisor_boot, agent_url = r.agent_url, command_key = r.command_key
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS r(host, agent_boot, hypervisor_boot, agent_url, command_key)
       WHERE h.host = r.host RETURNING h.host, h.host_epoch),
     runs AS (UPDATE vm_run v SET host_epoch = n.host_epoch FROM new n WHERE v.host = n.host AND v.state <> 'H')
     SELECT host, host_epoch FROM new`,
    [
      returning.map(({ ref }) => ref),
      returning.map(({ agentBoot }) => agentBoot),
      returning.map(({ hypervisorBoot }) => hypervisorBoot),
      returning.map(({ agentUrl }) => agentUrl),
      returning.map(({ commandKey }) => commandKey),
    ],
  );
  return new Map(rows.map(({ host, host_epoch }) => [host, host_epoch]));
}

/**
 * How long leases last from now on. A host that has not booted may still believe in a longer one that it was given before:
 * whoever fences it waits for that.
 */
function grantLeases(tx: Tx, plane: Plane, returning: readonly Returning[]): void {
  tx.leave(
    'UPDATE host_lease SET lease_ms = CASE WHEN host = ANY($2) THEN $3::int ELSE greatest(lease_ms, $3::int) END WHERE host = ANY($1)',
    [
      returning.map(({ ref }) => ref),
      returning.filter(({ booted }) => booted).map(({ ref }) => ref),
      plane.settings.leaseMs,
    ],
  );
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
  await tx.query(
    `WITH back AS (UPDATE host_run SET accepting = true WHERE host = ANY($1) AND auto_enable RETURNING host)
     UPDATE host SET enabled = enabled OR ref IN (SELECT host FROM back), updates_requiring_reboot = '{}',
       display = CASE display WHEN 'disable_on_reboot' THEN 'disabled' WHEN 'enable_on_reboot' THEN 'enabled' ELSE display END WHERE ref = ANY($1)`,
    [booted],
  );
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
