/** A host's agent starts: it gets a new epoch, and what the database and the host disagree about is settled (R11). */
import { leaseMs, type AdoptedVm, type Registration, type RegistrationAnswer, type RegistrationRequest, type RegistrationResult } from '@xenplane/hypervisor';
import { asRef } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import type { Plane } from '../context';
import { updateHardware } from '../hardware';
import { endRuns, showHalted } from './halt';
import { tokenHash } from './tokens';

interface HostRow {
  host: string;
  token_hash: string;
  hypervisor_boot: string;
}
interface RunRow {
  vm: string;
  uuid: string;
  vm_epoch: number;
  state: string;
  boots: number;
}

/** So many at once: each is a transaction of its own, on connections that others want too. */
const atOnce = 4;

export async function register(plane: Plane, { registrations }: RegistrationRequest): Promise<RegistrationAnswer> {
  const hosts: RegistrationResult[] = [];
  for (let i = 0; i < registrations.length; i += atOnce)
    hosts.push(...(await Promise.all(registrations.slice(i, i + atOnce).map((one) => registerOne(plane, one)))));
  return { hosts };
}

async function registerOne(plane: Plane, registration: Registration): Promise<RegistrationResult> {
  const { host: uuid, token } = registration;
  return inTransaction(plane.store, async (tx) => {
    const [row] = await tx.query<HostRow>('SELECT host, token_hash, hypervisor_boot FROM host_run WHERE uuid = $1 FOR UPDATE', [uuid]);
    if (!row || row.token_hash !== tokenHash(token)) return { host: uuid, hostEpoch: 0, leaseMs, adopt: [], refused: 'unknown host or token' };
    const adopt = await settleRuns(tx, row, registration);
    const hostEpoch = await newEpoch(tx, row.host, registration);
    await tx.query('UPDATE vm_run SET host_epoch = $2 WHERE host = $1 AND state <> $3', [row.host, hostEpoch, 'H']);
    await showAlive(tx, row.host, true);
    await updateHardware(tx, row.host, registration.inventory, row.hypervisor_boot !== registration.hypervisorBoot);
    await showStarted(tx, plane, row.host, row.hypervisor_boot !== registration.hypervisorBoot);
    return { host: uuid, hostEpoch, leaseMs, adopt };
  });
}

/** Rows that were only asked for go back in every case; rows that ran are kept when the same hypervisor still holds their domain. */
async function settleRuns(tx: Tx, row: HostRow, { hypervisorBoot, domains }: Registration): Promise<AdoptedVm[]> {
  const runs = await tx.query<RunRow>(
    "SELECT r.vm, v.uuid, r.vm_epoch, r.state, r.boots FROM vm_run r JOIN vm v ON v.ref = r.vm WHERE r.host = $1 AND r.state <> 'H' ORDER BY r.vm FOR UPDATE OF r",
    [row.host],
  );
  const held = new Set(row.hypervisor_boot === hypervisorBoot ? domains.map((d) => `${d.vm} ${d.vmEpoch}`) : []);
  const kept = runs.filter((r) => r.state !== 'A' && held.has(`${r.uuid} ${r.vm_epoch}`));
  const gone = runs.filter((r) => !kept.includes(r)).map((r) => r.vm);
  await endRuns(tx, gone);
  await showHalted(tx, gone);
  return kept.map((r) => ({ vm: r.uuid, boots: r.boots }));
}

async function newEpoch(tx: Tx, host: string, { agentBoot, hypervisorBoot, agentUrl, commandKey }: Registration): Promise<number> {
  const [row] = await tx.query<{ host_epoch: number }>(
    `UPDATE host_run SET host_epoch = nextval('host_epochs'), lease_seq = lease_seq + 1, alive = true, wake = false, agent_boot = $2, hypervisor_boot = $3, agent_url = $4, command_key = $5
     WHERE host = $1 RETURNING host_epoch`,
    [host, agentBoot, hypervisorBoot, agentUrl, commandKey],
  );
  return row?.host_epoch ?? 0;
}

/** When the toolstack came up, and the host itself. A boot enables a host again, unless it was disabled for good. */
async function showStarted(tx: Tx, plane: Plane, host: string, booted: boolean): Promise<void> {
  const { other_config, display } = await tx.lock('host', asRef<'host'>(host));
  const now = `${Math.floor(plane.clock.now().getTime() / 1000)}.`;
  await tx.update('host', asRef<'host'>(host), { other_config: { ...other_config, agent_start_time: now, ...(booted ? { boot_time: now } : {}) } });
  await dropGuidance(tx, host, booted ? ['reboot_host', 'reboot_host_on_livepatch_failure', 'restart_toolstack'] : ['restart_toolstack']);
  if (!booted) return;
  const [row] = await tx.query<{ host: string }>('UPDATE host_run SET accepting = true WHERE host = $1 AND auto_enable RETURNING host', [host]);
  await tx.update('host', asRef<'host'>(host), {
    ...(row ? { enabled: true } : {}),
    updates_requiring_reboot: [],
    display: display === 'disable_on_reboot' ? 'disabled' : display === 'enable_on_reboot' ? 'enabled' : display,
  });
}

/** What was still to be done after updates, and is done by this start. */
async function dropGuidance(tx: Tx, host: string, done: readonly string[]): Promise<void> {
  await tx.query(
    `UPDATE host SET pending_guidances = pending_guidances - $2::text[], pending_guidances_recommended = pending_guidances_recommended - $2::text[], pending_guidances_full = pending_guidances_full - $2::text[]
     WHERE ref = $1 AND (pending_guidances || pending_guidances_recommended || pending_guidances_full) ?| $2::text[]`,
    [host, done],
  );
}

/** Shows in the host's metrics whether it lives. */
export async function showAlive(tx: Tx, host: string, live: boolean): Promise<void> {
  const { metrics } = await tx.get('host', asRef(host));
  const [row] = await tx.query<{ live: boolean }>('SELECT live FROM host_metrics WHERE ref = $1', [metrics]);
  if (row && row.live !== live) await tx.update('host_metrics', metrics, { live });
}
