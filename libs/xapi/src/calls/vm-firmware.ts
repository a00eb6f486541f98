/** What the firmware of a VM shows and keeps: SMBIOS strings and the UEFI variables. */
import { asRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import { admitVm } from '../admission';
import type { Context } from '../context';
import { storing } from './setters';

const knownStrings: ReadonlySet<string> = new Set([
  'bios-vendor',
  'bios-version',
  'system-manufacturer',
  'system-product-name',
  'system-version',
  'system-serial-number',
  'baseboard-manufacturer',
  'baseboard-product-name',
  'baseboard-version',
  'baseboard-serial-number',
  'baseboard-asset-tag',
  'baseboard-location-in-chassis',
  'enclosure-asset-tag',
]);
const longestString = 512;
const printable = /^[\x20-\x7e]+$/;

/** Strings can be given once; what is not given keeps its ordinary value. */
async function setBiosStrings({ tx }: Context, self: Ref<'VM'>, value: Record<string, string>): Promise<void> {
  const vm = await tx.lock('VM', self);
  if (Object.keys(vm.bios_strings).length > 0) throw new XenError('VM_BIOS_STRINGS_ALREADY_SET');
  for (const [key, text] of Object.entries(value)) {
    if (!knownStrings.has(key)) throw new XenError('INVALID_VALUE', key, 'Unknown key');
    if (text.length > longestString) throw new XenError('INVALID_VALUE', key, `${text} has more than ${longestString} characters`);
    if (!printable.test(text)) throw new XenError('INVALID_VALUE', key, text);
  }
  await tx.update('VM', self, { bios_strings: { ...ordinary, ...value } });
}
const ordinary = {
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

type Readiness = 'not_supported' | 'disabled' | 'first_boot' | 'ready' | 'ready_no_dbx' | 'setup_mode' | 'certs_incomplete';

/** The variable store holds names in UTF-16; what is asked is only whether each key is there. */
function readinessOf({ domain_type, HVM_boot_params, platform, NVRAM }: StoredRecord<'VM'>): Readiness {
  if (domain_type === 'pv' || HVM_boot_params['firmware'] !== 'uefi') return 'not_supported';
  if (platform['secureboot'] !== 'true' && platform['secureboot'] !== 'auto') return 'disabled';
  const variables = NVRAM['EFI-variables'];
  if (variables === undefined || variables === '') return 'first_boot';
  const store = Buffer.from(variables, 'base64');
  const has = (name: string): boolean => store.includes(Buffer.from(`${name}\0`, 'utf16le')) || store.includes(Buffer.from(name, 'utf16le'));
  if (!has('PK')) return 'setup_mode';
  if (!has('KEK') || !has('db')) return 'certs_incomplete';
  return has('dbx') ? 'ready' : 'ready_no_dbx';
}

interface Self {
  readonly self: Ref<'VM'>;
}
export const vmFirmware = {
  set_NVRAM: nvram('set_NVRAM'),
  add_to_NVRAM: nvram('add_to_NVRAM'),
  remove_from_NVRAM: nvram('remove_from_NVRAM'),
  set_bios_strings: (context: Context, { self, value }: Self & { value: Record<string, string> }) => setBiosStrings(context, self, value),
  copy_bios_strings: (context: Context, { vm, host }: { vm: Ref<'VM'>; host: Ref<'host'> }) => copyBiosStrings(context, vm, host),
  get_secureboot_readiness: async ({ tx }: Context, { self }: Self) => readinessOf(await tx.get('VM', self)),
};
