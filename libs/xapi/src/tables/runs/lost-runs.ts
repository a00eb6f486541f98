/** The runs of a lost host: kept until the VM runs again, so that it can be started elsewhere and so that operations can say why they failed. */
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { dateTime, type Plane } from '../../core/context';

/** Called before these runs are ended; answers those that ran. A VM that was being stopped is not to be started again. */
export async function recordLostRuns(tx: Tx, vms: readonly string[]): Promise<readonly string[]> {
  if (vms.length === 0) return [];
  const rows = await tx.query<{ vm: string }>(
    `INSERT INTO lost_vm(vm, host, restart) SELECT r.vm, r.host, r.state <> 'S' FROM vm_run r JOIN vm v ON v.ref = r.vm
     WHERE r.vm = ANY($1) AND r.state <> 'H' AND v.power_state IN ('Running', 'Paused')
     ON CONFLICT (vm) DO UPDATE SET host = excluded.host, restart = excluded.restart, at = now() RETURNING vm`,
    [vms],
  );
  return rows.map((r) => r.vm);
}

/** As urgent as the messages of high availability about the same. */
const hostAlerts = { HOST_LOST: 3, HOST_RETURNED: 4 } as const;
const said: Readonly<Record<keyof typeof hostAlerts, string>> = {
  HOST_LOST: 'was lost: it is fenced, and its VMs are halted',
  HOST_RETURNED: 'is back after it was lost',
};

/** Where high availability speaks of a lost host itself, this says nothing of it. One statement for any number of hosts. */
export async function alertLostHosts(
  tx: Tx,
  plane: Plane,
  name: keyof typeof hostAlerts,
  hosts: readonly Ref<'host'>[],
): Promise<void> {
  if (hosts.length === 0) return;
  await tx.query(
    `INSERT INTO message(ref, uuid, name, priority, cls, obj_uuid, "timestamp", body)
     SELECT 'OpaqueRef:' || u.uuid, u.uuid, $3, $4, 'Host', h.uuid, $5::timestamptz, 'Host ''' || h.name_label || ''' ' || $6::text
     FROM unnest($1::text[], $2::text[]) AS u(ref, uuid) JOIN host h ON h.ref = u.ref WHERE $3 <> 'HOST_LOST' OR NOT EXISTS (SELECT 1 FROM pool p WHERE p.ha_enabled)`,
    [
      hosts,
      hosts.map(() => plane.ids.uuid()),
      name,
      hostAlerts[name],
      dateTime(plane.clock.now()),
      said[name],
    ],
  );
}

/** Of each VM that was lost, with the name of the host. One statement for any number of VMs. */
export async function alertLostVms(tx: Tx, plane: Plane, vms: readonly string[]): Promise<void> {
  if (vms.length === 0) return;
  await tx.query(
    `INSERT INTO message(ref, uuid, name, priority, cls, obj_uuid, "timestamp", body)
     SELECT 'OpaqueRef:' || u.uuid, u.uuid, 'VM_LOST_WITH_HOST', 3, 'VM', v.uuid, $3::timestamptz, 'VM ''' || v.name_label || ''' was halted when its host ''' || h.name_label || ''' was lost'
     FROM unnest($1::text[], $2::text[]) AS u(ref, uuid) JOIN vm v ON v.ref = u.ref JOIN lost_vm l ON l.vm = v.ref JOIN host h ON h.ref = l.host`,
    [vms, vms.map(() => plane.ids.uuid()), dateTime(plane.clock.now())],
  );
}

/** The VMs that ran on a lost host and are to be started elsewhere, in their order. */
export async function restartableVms(tx: Tx, host: string): Promise<Ref<'VM'>[]> {
  const rows = await tx.query<{ vm: Ref<'VM'> }>(
    `SELECT l.vm FROM lost_vm l JOIN vm v ON v.ref = l.vm WHERE l.host = $1 AND l.restart AND v.power_state = 'Halted' AND NOT v.is_a_template ORDER BY v."order", l.vm`,
    [host],
  );
  return rows.map((r) => r.vm);
}

/** SQL: the host with which the VM was lost, or NULL. */
export const lostOn = (vm: string): string => `(SELECT l.host FROM lost_vm l WHERE l.vm = ${vm})`;
