/** The Secure Boot keys of the pool and of its VMs: which they have, and how they get newer ones. */
import { firmware } from '@xenplane/domain';
import { XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

type Vm = StoredRecord<'VM'>;
const storeKey = 'EFI-variables';
const tarBlock = 512;

/** The files of the tar archive that the pool's certificates are kept as, by their names without folders. */
export function certificateFiles(base64: string): ReadonlyMap<string, Uint8Array> {
  const archive = Buffer.from(base64, 'base64'),
    files = new Map<string, Uint8Array>();
  for (let at = 0; at + tarBlock <= archive.length;) {
    const name = archive.toString('latin1', at, at + 100).split('\0')[0] ?? '';
    const size = parseInt(archive.toString('latin1', at + 124, at + 136), 8);
    if (name === '' || !(size >= 0)) break;
    files.set(name.replace(/^.*\//, ''), archive.subarray(at + tarBlock, at + tarBlock + size));
    at += tarBlock * (1 + Math.ceil(size / tarBlock));
  }
  return files;
}

export function keysOfPool({
  uefi_certificates,
}: Pick<StoredRecord<'pool'>, 'uefi_certificates'>): firmware.Keys {
  const files = certificateFiles(uefi_certificates);
  return Object.fromEntries(
    firmware.keyNames.flatMap((name) => {
      const file = files.get(`${name}.auth`);
      return file ? [[name, firmware.contentOf(file)]] : [];
    }),
  );
}

/** The variables of a VM; none before its first boot. */
function variablesOf({ NVRAM }: Vm): firmware.EfiVariable[] | undefined {
  const stored = NVRAM[storeKey];
  return stored ? firmware.readVariables(Buffer.from(stored, 'base64')) : [];
}
const isUefi = ({ domain_type, HVM_boot_params }: Vm): boolean =>
  domain_type !== 'pv' && HVM_boot_params['firmware'] === 'uefi';

/** Puts these keys in place of the ones that the VM has. */
export async function changeKeys(tx: Tx, ref: Ref<'VM'>, vm: Vm, keys: firmware.Keys): Promise<void> {
  if (!isUefi(vm)) throw new XenError('OPERATION_NOT_ALLOWED', 'The firmware of the VM is not UEFI');
  const variables = variablesOf(vm);
  if (!variables) throw new XenError('INTERNAL_ERROR', 'The UEFI variables of the VM cannot be read');
  const store = Buffer.from(firmware.writeVariables(firmware.withKeys(variables, keys))).toString('base64');
  await tx.update('VM', ref, {
    NVRAM: { ...vm.NVRAM, [storeKey]: store },
    secureboot_certificates_state: 'ok',
  });
}

/** True for a VM that has keys other than these: one in setup mode has none that could be outdated. */
function isOutdated(vm: Vm, keys: firmware.Keys): boolean {
  const present = isUefi(vm) ? firmware.keysIn(variablesOf(vm) ?? []) : {};
  return Object.keys(present).length > 0 && Object.keys(keys).length > 0 && !firmware.sameKeys(present, keys);
}

/** After the pool got other certificates: says of every VM whether its own are behind. */
export async function reviewCertificates(tx: Tx, pool: StoredRecord<'pool'>): Promise<void> {
  const keys = keysOfPool(pool);
  const behind = pool.auto_update_vm_secureboot_certificates ? 'update_on_boot' : 'update_available';
  const holders = await tx.query<{ ref: Ref<'VM'> }>(
    `SELECT ref FROM vm WHERE "NVRAM" ? '${storeKey}' AND NOT is_a_snapshot ORDER BY ref FOR NO KEY UPDATE`,
  );
  for (const vm of await tx.getMany(
    'VM',
    holders.map((h) => h.ref),
  )) {
    const state = !isOutdated(vm, keys)
      ? 'ok'
      : vm.secureboot_certificates_state === 'update_on_boot'
        ? 'update_on_boot'
        : behind;
    if (state !== vm.secureboot_certificates_state)
      tx.leaveUpdate('VM', vm.ref, { secureboot_certificates_state: state });
  }
}

/** At a boot: a VM that was marked for it gets the pool's keys. */
export async function renewCertificates(tx: Tx, ref: Ref<'VM'>): Promise<void> {
  const vm = await tx.lock('VM', ref);
  const [pool] = await tx.find('pool', {});
  if (vm.secureboot_certificates_state === 'update_on_boot' && pool && isUefi(vm) && variablesOf(vm))
    await changeKeys(tx, ref, vm, keysOfPool(pool));
}
