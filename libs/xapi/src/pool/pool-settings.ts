/** Settings of the pool that mean more than their value. */
import { asRef, isNullRef, nullRef, XenError, type Ref } from '@xenplane/model';
import { type Context } from '../core/context';
import { recordWith } from '../core/records';
import { lockPool } from './pool-record';
import { createNewBlob } from '../storage/blob';
import { certificateFiles, reviewCertificates } from './secure-boot';
import { firstDeadHost } from '../tables/runs/host-runs';

type Self = { readonly self: Ref<'pool'> };
type Of<T> = Self & { readonly value: T };

const atLeast =
  (
    field:
      'local_auth_max_threads' | 'ext_auth_max_threads' | 'ext_auth_cache_size' | 'ext_auth_cache_expiry',
    least: number,
  ) =>
  async ({ tx }: Context, { self, value }: Of<number>): Promise<void> => {
    if (value < least) throw new XenError('INVALID_VALUE', field, String(value));
    await tx.update('pool', self, { [field]: value });
  };

/** A secret that only the pool's record points at: the old one goes with it. */
export async function newSecret(
  { tx, plane }: Context,
  old: Ref<'secret'>,
  value: string | undefined,
): Promise<Ref<'secret'>> {
  if (!isNullRef(old)) await tx.query('DELETE FROM secret WHERE ref = $1', [old]);
  if (value === undefined) return nullRef();
  const uuid = plane.ids.uuid(),
    ref = asRef<'secret'>(`OpaqueRef:${uuid}`);
  await tx.insert('secret', ref, recordWith('secret', { uuid, value }));
  return ref;
}

const longestTelemetryWaitMs = 93 * 24 * 3600 * 1000;
const momentOf = (text: string): number => Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T/, '$1-$2-$3T'));

async function setNextCollection({ tx, plane }: Context, { self, value }: Of<string>): Promise<void> {
  await tx.lock('pool', self);
  if (momentOf(value) > plane.clock.now().getTime() + longestTelemetryWaitMs)
    throw new XenError('TELEMETRY_NEXT_COLLECTION_TOO_LATE', value);
  await tx.update('pool', self, { telemetry_next_collection: value });
}
async function resetTelemetry(context: Context, self: Ref<'pool'>): Promise<void> {
  const { telemetry_uuid } = await context.tx.lock('pool', self);
  await context.tx.update('pool', self, {
    telemetry_uuid: await newSecret(context, telemetry_uuid, context.plane.ids.uuid()),
  });
}

async function setUefiCertificates({ tx }: Context, self: Ref<'pool'>, value: string): Promise<void> {
  await tx.lock('pool', self);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value))
    throw new XenError('INVALID_VALUE', 'custom_uefi_certificates', 'not base64');
  await tx.update('pool', self, { custom_uefi_certificates: value, uefi_certificates: value });
  await reviewCertificates(tx, await tx.get('pool', self));
}

async function secureBootReadiness(
  { tx }: Context,
  self: Ref<'pool'>,
): Promise<'ready' | 'ready_no_dbx' | 'not_ready'> {
  const { uefi_certificates } = await tx.get('pool', self);
  const names = certificateFiles(uefi_certificates);
  if (!['PK.auth', 'KEK.auth', 'db.auth'].every((n) => names.has(n))) return 'not_ready';
  return names.has('dbx.auth') ? 'ready' : 'ready_no_dbx';
}

/** Members prove who they are by tokens of their own, so that no secret is shared that could be replaced; what forbids it is checked all the same. */
async function rotateSecret(context: Context): Promise<void> {
  const pool = await lockPool(context);
  if (pool.ha_enabled) throw new XenError('HA_IS_ENABLED');
  if (pool.is_psr_pending) throw new XenError('POOL_SECRET_ROTATION_PENDING');
  const dead = await firstDeadHost(context.tx);
  if (dead !== undefined) throw new XenError('CANNOT_CONTACT_HOST', dead);
}

async function setController(context: Context, address: string): Promise<void> {
  if (address !== '' && !/^[\w.:-]{1,253}$/.test(address))
    throw new XenError('INVALID_IP_ADDRESS_SPECIFIED', 'address');
  await context.tx.update('pool', (await lockPool(context)).ref, { vswitch_controller: address });
}

export const poolSettings = {
  set_local_auth_max_threads: atLeast('local_auth_max_threads', 1),
  set_ext_auth_max_threads: atLeast('ext_auth_max_threads', 1),
  set_ext_auth_cache_size: atLeast('ext_auth_cache_size', 1),
  set_ext_auth_cache_expiry: atLeast('ext_auth_cache_expiry', 1),
  set_ext_auth_cache_enabled: async ({ tx }: Context, { self, value }: Of<boolean>): Promise<void> =>
    tx.update('pool', self, { ext_auth_cache_enabled: value }),
  set_telemetry_next_collection: setNextCollection,
  reset_telemetry_uuid: (context: Context, { self }: Self): Promise<void> => resetTelemetry(context, self),
  set_uefi_certificates: (context: Context, { self, value }: Of<string>): Promise<void> =>
    setUefiCertificates(context, self, value),
  set_custom_uefi_certificates: (context: Context, { self, value }: Of<string>): Promise<void> =>
    setUefiCertificates(context, self, value),
  get_guest_secureboot_readiness: (context: Context, { self }: Self) => secureBootReadiness(context, self),
  rotate_secret: rotateSecret,
  create_new_blob: createNewBlob('pool', 'pool'),
  set_vswitch_controller: (context: Context, { address }: { address: string }): Promise<void> =>
    setController(context, address),
  test_archive_target: async (): Promise<never> => {
    throw new XenError('MESSAGE_REMOVED');
  },
};
