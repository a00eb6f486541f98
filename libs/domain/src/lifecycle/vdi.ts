/** The allowed operations of a virtual disk. */
import { enums, XenError, type StoredRecord, type TypeOf } from '@xenplane/model';
import { busy, isBusy } from './refusals';

export type VdiOperation = TypeOf<typeof enums.vdi_operations>;
type Vdi = StoredRecord<'VDI'>;
export interface VdiSubject {
  readonly ref: string;
  readonly vdi: Pick<
    Vdi,
    'SR' | 'current_operations' | 'sharable' | 'on_boot' | 'type' | 'is_a_snapshot' | 'cbt_enabled'
  >;
  readonly sr: Pick<StoredRecord<'SR'>, 'type' | 'is_tools_sr'>;
  /** Features of the repository's driver. */
  readonly features: ReadonlySet<string>;
  /** True if any host has the repository plugged. */
  readonly plugged: boolean;
  readonly haEnabled: boolean;
  /** Devices that hold the disk: attached now, or busy. */
  readonly vbds: readonly Pick<StoredRecord<'VBD'>, 'currently_attached' | 'mode' | 'current_operations'>[];
}

/** Operations that may begin while a VM uses the disk. */
const whileLive: ReadonlySet<VdiOperation> = new Set([
  'snapshot',
  'resize_online',
  'blocked',
  'clone',
  'revert_to',
  'mirror',
  'enable_cbt',
  'disable_cbt',
  'data_destroy',
]);
const whileRead: ReadonlySet<VdiOperation> = new Set(['copy']);
const capability: Readonly<Partial<Record<VdiOperation, string>>> = {
  snapshot: 'VDI_SNAPSHOT',
  destroy: 'VDI_DELETE',
  resize: 'VDI_RESIZE',
  update: 'VDI_UPDATE',
  resize_online: 'VDI_RESIZE_ONLINE',
  generate_config: 'VDI_GENERATE_CONFIG',
  clone: 'VDI_CLONE',
  revert_to: 'VDI_CLONE',
  revert_from: 'VDI_CLONE',
  mirror: 'VDI_MIRROR',
  enable_cbt: 'VDI_CONFIG_CBT',
  disable_cbt: 'VDI_CONFIG_CBT',
  data_destroy: 'VDI_CONFIG_CBT',
  list_changed_blocks: 'VDI_CONFIG_CBT',
  set_on_boot: 'VDI_RESET_ON_BOOT',
};
const notOnCbtMetadata: ReadonlySet<VdiOperation> = new Set([
  'clone',
  'copy',
  'disable_cbt',
  'enable_cbt',
  'mirror',
  'resize',
  'resize_online',
  'snapshot',
  'revert_to',
  'revert_from',
  'set_on_boot',
]);
type Check = (op: VdiOperation, subject: VdiSubject) => XenError | undefined;

/** How errors call the types. */
export const typeNames: Readonly<Record<Vdi['type'], string>> = {
  system: 'System',
  user: 'User',
  ephemeral: 'Ephemeral',
  suspend: 'Suspend',
  crashdump: 'Crashdump',
  ha_statefile: 'HA statefile',
  metadata: 'Metadata',
  redo_log: 'Redo log',
  rrd: 'RRD',
  pvs_cache: 'PVS cache',
  cbt_metadata: 'CBT metadata',
};
/** Types of disks that no VM is given: the pool keeps them for itself. */
const kept: ReadonlySet<Vdi['type']> = new Set(['ha_statefile', 'redo_log', 'pvs_cache', 'cbt_metadata']);
export const refuseDevice = (ref: string, type: Vdi['type']): XenError | undefined =>
  kept.has(type) ? new XenError('VDI_INCOMPATIBLE_TYPE', ref, typeNames[type]) : undefined;

/** A copy reads the disk as an attached device would: what must not happen to an attached disk waits for it. */
const besideCopy = (op: VdiOperation): boolean =>
  (whileLive.has(op) && op !== 'data_destroy') || whileRead.has(op);
const concurrent: Check = (op, { ref, vdi }) => {
  const passed = (current: VdiOperation): boolean =>
    (current === 'copy' && besideCopy(op)) || (current === 'mirror' && op === 'destroy');
  return busyWith(
    ref,
    Object.fromEntries(Object.entries(vdi.current_operations).filter(([, current]) => !passed(current))),
  );
};
export const busyWith = (ref: string, current: Readonly<Record<string, string>>): XenError | undefined =>
  isBusy(current) ? busy('VDI', ref, current) : undefined;
const unplugged: Check = (op, { vdi, plugged }) =>
  op === 'resize' && !plugged ? new XenError('SR_HAS_NO_PBDS', vdi.SR) : undefined;
const attached: Check = (op, { ref, vbds }) => {
  const active = vbds.filter((v) => v.currently_attached);
  if (active.length === 0 || whileLive.has(op) || (whileRead.has(op) && active.every((v) => v.mode === 'RO')))
    return undefined;
  return new XenError('VDI_IN_USE', ref, op);
};
const deviceBusy: Check = (op, { ref, vbds }) => {
  const found = vbds.find((v) => isBusy(v.current_operations));
  return found && op !== 'data_destroy' ? busy('VDI', ref, found.current_operations) : undefined;
};
const incapable: Check = (op, { vdi, features }) => {
  const needed = capability[op];
  return needed && !features.has(needed) ? new XenError('SR_OPERATION_NOT_SUPPORTED', vdi.SR) : undefined;
};
const metadata: Check = (op, { ref, vdi }) =>
  vdi.type === 'cbt_metadata' && notOnCbtMetadata.has(op)
    ? new XenError('VDI_INCOMPATIBLE_TYPE', ref, typeNames.cbt_metadata)
    : undefined;
const tracked: Check = (op, { ref, vdi }) =>
  vdi.cbt_enabled && (op === 'mirror' || op === 'set_on_boot')
    ? new XenError('VDI_CBT_ENABLED', ref)
    : undefined;

const isHaState = (type: Vdi['type']): boolean => type === 'ha_statefile' || type === 'redo_log';
const snapshot: Check = (op, { ref, vdi }) => {
  if (op !== 'snapshot') return undefined;
  if (vdi.sharable) return new XenError('VDI_IS_SHARABLE', ref);
  if (vdi.on_boot === 'reset') return new XenError('VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION');
  return Object.values(vdi.current_operations).includes('copy')
    ? new XenError('OPERATION_NOT_ALLOWED', 'Snapshot operation not allowed during copy.')
    : undefined;
};
const mirror: Check = (op, { vdi }) =>
  op === 'mirror' && vdi.on_boot === 'reset'
    ? new XenError('VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION')
    : undefined;
const copy: Check = (op, { vdi }) => {
  if (op !== 'copy') return undefined;
  if (vdi.on_boot === 'reset') return new XenError('VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION');
  return isHaState(vdi.type)
    ? new XenError('OPERATION_NOT_ALLOWED', 'A disk with the state of HA cannot be copied')
    : undefined;
};
const destroy: Check = (op, { ref, vdi, sr, haEnabled }) => {
  if (op !== 'destroy' && op !== 'data_destroy' && op !== 'forget' && op !== 'revert_from') return undefined;
  if (op !== 'forget' && sr.type === 'udev') return new XenError('VDI_IS_A_PHYSICAL_DEVICE', ref);
  if (op !== 'forget' && sr.is_tools_sr) return new XenError('SR_OPERATION_NOT_SUPPORTED', vdi.SR);
  if (vdi.type === 'rrd') return new XenError('VDI_HAS_RRDS', ref);
  return isHaState(vdi.type) && haEnabled ? new XenError('HA_IS_ENABLED') : undefined;
};
const resizing: Check = (op, { vdi, haEnabled }) =>
  (op === 'resize' || op === 'resize_online') && isHaState(vdi.type) && haEnabled
    ? new XenError('HA_IS_ENABLED')
    : undefined;
const tracking: Check = (op, { ref, vdi }) => {
  if (op !== 'enable_cbt' && op !== 'disable_cbt') return undefined;
  if (vdi.is_a_snapshot) return new XenError('OPERATION_NOT_ALLOWED', 'VDI is a snapshot');
  if (vdi.type !== 'user' && vdi.type !== 'system')
    return new XenError('VDI_INCOMPATIBLE_TYPE', ref, typeNames[vdi.type]);
  return vdi.on_boot === 'reset' ? new XenError('VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION') : undefined;
};
const dataDestroy: Check = (op, { ref, vdi }) => {
  if (op !== 'data_destroy') return undefined;
  if (!vdi.is_a_snapshot) return new XenError('OPERATION_NOT_ALLOWED', 'VDI is not a snapshot');
  return vdi.cbt_enabled ? undefined : new XenError('VDI_NO_CBT_METADATA', ref);
};
const reverting: Check = (op, { vdi }) =>
  op === 'revert_to' && !vdi.is_a_snapshot ? new XenError('REVERT_ONLY_ALLOWED_ON_SNAPSHOT') : undefined;
const checks: readonly Check[] = [
  concurrent,
  unplugged,
  attached,
  deviceBusy,
  incapable,
  metadata,
  tracked,
  snapshot,
  mirror,
  copy,
  dataDestroy,
  destroy,
  resizing,
  tracking,
  reverting,
];

export function refusal(op: VdiOperation, subject: VdiSubject): XenError | undefined {
  for (const check of checks) {
    const refused = check(op, subject);
    if (refused) return refused;
  }
  return undefined;
}
const listed: readonly VdiOperation[] = [
  'clone',
  'copy',
  'resize',
  'resize_online',
  'snapshot',
  'destroy',
  'forget',
  'update',
  'generate_config',
];
export const operations = (enums.vdi_operations.values ?? []) as readonly VdiOperation[];
export const allowedOperations = (subject: VdiSubject): VdiOperation[] =>
  listed.filter((op) => !refusal(op, subject));
