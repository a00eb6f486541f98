/** The firmware of a VM: SMBIOS strings and the UEFI variables. */
import { platform as platformRules } from '@xenplane/domain';
import { asRef, biosStringKeys, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import { admitVm } from '../begin/admission';
import type { Context } from '../core/context';
import { changeKeys, keysOfPool } from '../pool/secure-boot';
import { storing } from '../core/setters';

const longestString = 512;
const printable = /^[\x20-\x7e]+$/;

/** Strings can be given once; what is not given keeps its ordinary value. */
async function setBiosStrings(
  { tx }: Context,
  self: Ref<'VM'>,
  value: Record<string, string>,
): Promise<void> {
  const vm = await tx.lock('VM', self);
  if (Object.keys(vm.bios_strings).length > 0) throw new XenError('VM_BIOS_STRINGS_ALREADY_SET');
  for (const [key, text] of Object.entries(value)) {
    if (!biosStringKeys.includes(key)) throw new XenError('INVALID_VALUE', key, 'Unknown key');
    if (text.length > longestString)
      throw new XenError('INVALID_VALUE', key, `${text} has more than ${longestString} characters`);
    if (!printable.test(text)) throw new XenError('INVALID_VALUE', key, text);
  }
  await tx.update('VM', self, { bios_strings: { ...ordinaryStrings, ...value } });
}
/** The SMBIOS strings that a guest sees by default. */
export const ordinaryStrings = {
  'bios-vendor': 'Xen',
  'bios-version': '',
  'system-manufacturer': 'Xen',
  'system-product-name': 'HVM domU',
  'system-version': '',
  'system-serial-number': '',
};

async function copyBiosStrings({ tx }: Context, self: Ref<'VM'>, host: Ref<'host'>): Promise<void> {
  const vm = await tx.lock('VM', self);
  if (Object.keys(vm.bios_strings).length > 0) throw new XenError('VM_BIOS_STRINGS_ALREADY_SET');
  await tx.update('VM', self, { bios_strings: (await tx.get('host', host)).bios_strings });
}

const nvram =
  (call: string) =>
  async (context: Context, args: Readonly<Record<string, unknown>>): Promise<void> => {
    await admitVm(context, asRef(String(args['self'])), 'changing_NVRAM');
    await storing('VM', call)(context, args);
  };

type Readiness =
  'not_supported' | 'disabled' | 'first_boot' | 'ready' | 'ready_no_dbx' | 'setup_mode' | 'certs_incomplete';

/** The variable store holds names in UTF-16; what is asked is only whether each key is there. */
function readinessOf({ domain_type, HVM_boot_params, platform, NVRAM }: StoredRecord<'VM'>): Readiness {
  if (domain_type === 'pv' || HVM_boot_params['firmware'] !== 'uefi') return 'not_supported';
  if (!platformRules.isOn(platform, 'secureboot')) return 'disabled';
  const variables = NVRAM['EFI-variables'];
  if (variables === undefined || variables === '') return 'first_boot';
  const store = Buffer.from(variables, 'base64');
  const has = (name: string): boolean =>
    store.includes(Buffer.from(`${name}\0`, 'utf16le')) || store.includes(Buffer.from(name, 'utf16le'));
  if (!has('PK')) return 'setup_mode';
  if (!has('KEK') || !has('db')) return 'certs_incomplete';
  return has('dbx') ? 'ready' : 'ready_no_dbx';
}

/** User mode has the pool's keys, setup mode none, so that the guest may enrol its own. The tool that does it on a host says nothing when it went well. */
async function setUefiMode(context: Context, self: Ref<'VM'>, mode: 'setup' | 'user'): Promise<string> {
  const vm = await admitVm(context, self, 'changing_NVRAM');
  const [pool] = await context.tx.find('pool', {});
  const keys = mode === 'user' && pool ? keysOfPool(pool) : {};
  if (mode === 'user' && !keys.PK)
    throw new XenError('INTERNAL_ERROR', 'The pool has no platform key to enrol');
  await changeKeys(context.tx, self, vm, keys);
  return '';
}

async function markForRenewal({ tx }: Context, self: Ref<'VM'>, mark: boolean): Promise<void> {
  const { secureboot_certificates_state: state } = await tx.lock('VM', self);
  if (state === 'ok' && mark)
    throw new XenError('OPERATION_NOT_ALLOWED', 'The Secure Boot certificates of the VM are up to date');
  if (state !== 'ok')
    await tx.update('VM', self, {
      secureboot_certificates_state: mark ? 'update_on_boot' : 'update_available',
    });
}

interface Self {
  readonly self: Ref<'VM'>;
}
export const vmFirmware = {
  set_NVRAM: nvram('set_NVRAM'),
  add_to_NVRAM: nvram('add_to_NVRAM'),
  remove_from_NVRAM: nvram('remove_from_NVRAM'),
  set_bios_strings: (context: Context, { self, value }: Self & { value: Record<string, string> }) =>
    setBiosStrings(context, self, value),
  copy_bios_strings: (context: Context, { vm, host }: { vm: Ref<'VM'>; host: Ref<'host'> }) =>
    copyBiosStrings(context, vm, host),
  set_uefi_mode: (context: Context, { self, mode }: Self & { mode: 'setup' | 'user' }) =>
    setUefiMode(context, self, mode),
  update_secureboot_certificates_on_boot: (context: Context, { self, mark }: Self & { mark: boolean }) =>
    markForRenewal(context, self, mark),
  get_secureboot_readiness: async ({ tx }: Context, { self }: Self) => readinessOf(await tx.get('VM', self)),
};
