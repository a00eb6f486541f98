/** The table `vm_run` as agents change it: claims, reports, the epoch under which a host holds a placement (R4, R10, R13). */
import type { Reader, Tx } from '@xenplane/store';

interface Placed {
  readonly vm: string;
  readonly vmEpoch: number;
  readonly host: string;
  readonly hostEpoch: number;
  /** Not the VM's own run: the other side of a migration. */
  readonly aside: boolean;
}
/** The epoch under which a live host holds the placement now; undefined when it does not. */
export async function presentEpoch(
  reader: Reader,
  { vm, vmEpoch, host, hostEpoch, aside }: Placed,
): Promise<number | undefined> {
  const [row] = aside
    ? await reader.query<{ host_epoch: number }>(
        'SELECT host_epoch FROM host_run WHERE host = $1 AND host_epoch = $2 AND alive',
        [host, hostEpoch],
      )
    : await reader.query<{ host_epoch: number }>(
        "SELECT h.host_epoch FROM vm_run r JOIN vm v ON v.ref = r.vm JOIN host_run h ON h.host = r.host AND h.alive WHERE v.uuid = $1 AND r.vm_epoch = $2 AND r.host = $3 AND r.state <> 'H'",
        [vm, vmEpoch, host],
      );
  return row?.host_epoch;
}

export interface RunClaim {
  readonly host: string;
  readonly tokenHash: string;
  readonly hostEpoch: number;
  readonly vm: string;
  readonly vmEpoch: number;
  readonly nonce: string;
  /** Of a migration whose source wakes the guest. */
  readonly attempt?: number | undefined;
}
/** Which of the claims are granted, by their places in the list, from 1 on. */
export async function claimRuns(reader: Reader, claims: readonly RunClaim[]): Promise<ReadonlySet<number>> {
  const rows = await reader.query<{ i: number }>(
    `WITH asked AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::int[]) WITH ORDINALITY AS a(uuid, hash, host_epoch, vm_uuid, vm_epoch, nonce, attempt, i)),
          locked AS (SELECT r.vm, a.nonce, a.attempt, a.i FROM asked a
                     JOIN host_run h ON h.uuid = a.uuid AND h.token_hash = a.hash AND h.host_epoch = a.host_epoch AND h.alive
                     JOIN vm v ON v.uuid = a.vm_uuid
                     JOIN vm_run r ON r.vm = v.ref AND r.vm_epoch = a.vm_epoch AND r.host = h.host AND r.host_epoch = h.host_epoch
                       AND CASE WHEN a.attempt IS NULL THEN r.state = 'A' OR (r.state = 'C' AND r.claim_nonce = a.nonce) ELSE r.state = 'R' AND r.attempt = a.attempt END
                     ORDER BY r.vm FOR UPDATE OF r)
     UPDATE vm_run r SET state = CASE WHEN l.attempt IS NULL THEN 'C' ELSE r.state END, claim_nonce = l.nonce, since = now() FROM locked l WHERE r.vm = l.vm RETURNING l.i::int AS i`,
    [
      claims.map((c) => c.host),
      claims.map((c) => c.tokenHash),
      claims.map((c) => c.hostEpoch),
      claims.map((c) => c.vm),
      claims.map((c) => c.vmEpoch),
      claims.map((c) => c.nonce),
      claims.map((c) => c.attempt ?? null),
    ],
  );
  return new Set(rows.map((r) => r.i));
}

export interface ReportedRun extends Record<string, unknown> {
  readonly vm: string;
  readonly state: string;
  readonly domid: number;
  readonly guest_metrics: string | null;
}
/** The run of which an agent reports; undefined when any of the epochs is over, or the token is another. */
export async function lockReportedRun(
  tx: Tx,
  report: Pick<RunClaim, 'vm' | 'vmEpoch' | 'host' | 'hostEpoch' | 'tokenHash'>,
): Promise<ReportedRun | undefined> {
  const [row] = await tx.query<ReportedRun>(
    `SELECT r.vm, r.state, r.domid, v.guest_metrics FROM vm_run r JOIN vm v ON v.ref = r.vm JOIN host_run h ON h.host = r.host
     WHERE v.uuid = $1 AND r.vm_epoch = $2 AND h.uuid = $3 AND h.host_epoch = $4 AND r.host_epoch = h.host_epoch AND h.token_hash = $5 AND r.state IN ('C', 'R', 'S', 'M') FOR UPDATE OF r FOR NO KEY UPDATE OF v`,
    [report.vm, report.vmEpoch, report.host, report.hostEpoch, report.tokenHash],
  );
  return row;
}
const domidQuery = 'UPDATE vm_run SET domid = $2 WHERE vm = $1';
export async function setDomid(tx: Tx, vm: string, domid: number): Promise<void> {
  await tx.query(domidQuery, [vm, domid]);
}
/** Sent with the commit. */
export function leaveDomid(tx: Tx, vm: string, domid: number): void {
  tx.leave(domidQuery, [vm, domid]);
}

export interface HostsRun extends Record<string, unknown> {
  readonly vm: string;
  readonly host: string;
  readonly uuid: string;
  readonly vm_epoch: number;
  readonly state: string;
  readonly boots: number;
}
/** All that runs on these hosts, or is asked to. */
export const lockRunsOfHosts = (tx: Tx, hosts: readonly string[]): Promise<HostsRun[]> =>
  tx.query<HostsRun>(
    "SELECT r.vm, r.host, v.uuid, r.vm_epoch, r.state, r.boots FROM vm_run r JOIN vm v ON v.ref = r.vm WHERE r.host = ANY($1) AND r.state <> 'H' ORDER BY r.vm FOR UPDATE OF r",
    [hosts],
  );
