/** The allowed operations of a storage repository. */
import { enums, XenError, type StoredRecord, type TypeOf } from '@xenplane/model';
import { busy, isBusy } from './refusals';

export type SrOperation = TypeOf<typeof enums.storage_operations>;
export interface SrSubject {
  readonly ref: string;
  readonly sr: Pick<StoredRecord<'SR'>, 'current_operations' | 'is_tools_sr'>;
  readonly features: ReadonlySet<string>;
  readonly pbds: readonly Pick<StoredRecord<'PBD'>, 'currently_attached'>[];
  /** True if it has disks that the system manages, those for statistics left out. */
  readonly hasDisks: boolean;
}

const capability: Readonly<Partial<Record<SrOperation, string>>> = {
  vdi_create: 'VDI_CREATE',
  vdi_destroy: 'VDI_DELETE',
  vdi_resize: 'VDI_RESIZE',
  vdi_introduce: 'VDI_INTRODUCE',
  vdi_mirror: 'VDI_MIRROR',
  vdi_enable_cbt: 'VDI_CONFIG_CBT',
  vdi_disable_cbt: 'VDI_CONFIG_CBT',
  vdi_data_destroy: 'VDI_CONFIG_CBT',
  vdi_list_changed_blocks: 'VDI_CONFIG_CBT',
  vdi_set_on_boot: 'VDI_RESET_ON_BOOT',
  update: 'SR_UPDATE',
  vdi_revert: 'VDI_REVERT',
  vdi_snapshot: 'VDI_SNAPSHOT',
};

export function refusal(
  op: SrOperation,
  { ref, sr, features, pbds, hasDisks }: SrSubject,
): XenError | undefined {
  const needed = capability[op];
  const withheld = sr.is_tools_sr && (needed === 'VDI_CREATE' || needed === 'VDI_DELETE');
  if (needed && (withheld || !features.has(needed))) return new XenError('SR_OPERATION_NOT_SUPPORTED', ref);
  const removing = op === 'destroy' || op === 'forget';
  if (removing && pbds.some((p) => p.currently_attached)) return new XenError('SR_HAS_PBD', ref);
  if (op === 'destroy' && pbds.length === 0) return new XenError('SR_HAS_NO_PBDS', ref);
  if (op === 'destroy' && hasDisks) return new XenError('SR_NOT_EMPTY');
  const blocking =
    op === 'plug'
      ? Object.fromEntries(Object.entries(sr.current_operations).filter(([, c]) => c !== 'plug'))
      : sr.current_operations;
  return isBusy(blocking) ? busy('SR', ref, blocking) : undefined;
}
export const operations = (enums.storage_operations.values ?? []) as readonly SrOperation[];
const listed: readonly SrOperation[] = [
  'scan',
  'destroy',
  'forget',
  'plug',
  'unplug',
  'update',
  'vdi_create',
  'vdi_introduce',
  'vdi_destroy',
  'vdi_resize',
  'vdi_clone',
  'vdi_snapshot',
  'vdi_mirror',
  'vdi_enable_cbt',
  'vdi_disable_cbt',
  'vdi_data_destroy',
  'vdi_list_changed_blocks',
  'vdi_set_on_boot',
  'vdi_revert',
  'pbd_create',
  'pbd_destroy',
];
export const allowedOperations = (subject: SrSubject): SrOperation[] =>
  listed.filter((op) => !refusal(op, subject));
