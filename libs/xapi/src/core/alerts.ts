/** Alerts of the control plane: messages about objects, written by the transaction that makes them true. */
import { asRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { dateTime, type Plane } from './context';

/** Urgency as clients know it: 1 data loss, 2 trouble, 3 warning, 4 minor, 5 for information. */
const vmAlerts = {
  VM_STARTED: 5,
  VM_SHUTDOWN: 5,
  VM_REBOOTED: 5,
  VM_SUSPENDED: 5,
  VM_RESUMED: 5,
  VM_PAUSED: 5,
  VM_UNPAUSED: 5,
  VM_SNAPSHOTTED: 5,
  VM_CHECKPOINTED: 5,
  VM_SNAPSHOT_REVERTED: 5,
  VM_CLONED: 5,
  VM_CRASHED: 2,
} as const;
export type VmAlert = keyof typeof vmAlerts;
export type Alert = Pick<StoredRecord<'message'>, 'name' | 'priority' | 'cls' | 'obj_uuid' | 'body'>;

export async function raiseAlert(tx: Tx, plane: Plane, alert: Alert): Promise<Ref<'message'>> {
  const { name, priority, cls, obj_uuid, body } = alert;
  const uuid = plane.ids.uuid(),
    ref = asRef<'message'>(`OpaqueRef:${uuid}`);
  await tx.insert('message', ref, {
    uuid,
    name,
    priority,
    cls,
    obj_uuid,
    body,
    timestamp: dateTime(plane.clock.now()),
  });
  return ref;
}

interface VmEvent {
  readonly vm: Ref<'VM'>;
  readonly name: VmAlert;
  /** The text behind the VM's name: `was started`. */
  readonly text: string;
  /** Where it happened. */
  readonly host?: Ref<'host'> | undefined;
}
/** One statement, since every start waits for it. */
export async function raiseVmAlert(tx: Tx, plane: Plane, { vm, name, text, host }: VmEvent): Promise<void> {
  const uuid = plane.ids.uuid();
  tx.leave(
    `INSERT INTO message(ref, uuid, name, priority, cls, obj_uuid, "timestamp", body)
     SELECT $1, $2, $3, $4, 'VM', v.uuid, $5::timestamptz, 'VM ''' || v.name_label || ''' ' || $6::text || coalesce(' on host: ' || h.name_label || ' (uuid: ' || h.uuid || ')', '')
     FROM vm v LEFT JOIN host h ON h.ref = $7 WHERE v.ref = $8`,
    [`OpaqueRef:${uuid}`, uuid, name, vmAlerts[name], dateTime(plane.clock.now()), text, host ?? null, vm],
  );
}
