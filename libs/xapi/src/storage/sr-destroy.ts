/** The end of repositories: erased, or only forgotten. */
import { isNullRef, nullRef, XenError, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { admitSr } from '../begin/admission';
import type { Context } from '../core/context';
import { dropSecrets, removePbds } from './device-secrets';
import { dropLayers } from '../tables/layers/layers';
import { eraseMedium, leaveVolume } from '../tables/layers/media';

/** Devices let go of a disk: a drive is empty from now on, other devices go with it. */
export async function detach(tx: Tx, vdi: Ref<'VDI'>): Promise<void> {
  for (const vbd of await tx.find('VBD', { VDI: vdi })) {
    if (vbd.type === 'CD') await tx.update('VBD', vbd.ref, { VDI: nullRef(), empty: true });
    else await tx.remove('VBD', vbd.ref);
  }
}

/** Takes the record away; who named the repository as theirs names none. */
async function removeSr(tx: Tx, sr: Ref<'SR'>): Promise<void> {
  await removePbds(tx, 'SR', [sr]);
  for (const [table, column] of [
    ['pool', 'default_SR'],
    ['pool', 'suspend_image_SR'],
    ['pool', 'crash_dump_SR'],
    ['host', 'suspend_image_sr'],
    ['host', 'crash_dump_sr'],
    ['host', 'local_cache_sr'],
    ['vm', 'suspend_SR'],
  ] as const)
    await tx.query(`UPDATE ${table} SET "${column}" = NULL WHERE "${column}" = $1`, [sr]);
  await tx.remove('SR', sr);
}

export async function destroySr(context: Context, ref: Ref<'SR'>): Promise<void> {
  const { tx } = context;
  const { uuid, other_config, sm_config } = await admitSr(context, ref, 'destroy');
  if (other_config['indestructible'] === 'true') throw new XenError('SR_INDESTRUCTIBLE', ref);
  for (const vdi of await tx.find('VDI', { SR: ref, managed: true })) {
    await detach(tx, vdi.ref);
    await dropLayers(tx, vdi.ref);
    await tx.remove('VDI', vdi.ref);
  }
  await eraseMedium(tx, uuid);
  await dropSecrets(tx, sm_config);
  await removeSr(tx, ref);
}

export async function forgetSr(context: Context, ref: Ref<'SR'>): Promise<void> {
  const { tx } = context;
  const { uuid } = await admitSr(context, ref, 'forget');
  for (const vdi of await tx.find('VDI', { SR: ref, managed: true })) {
    await detach(tx, vdi.ref);
    await leaveVolume(tx, uuid, vdi);
    await dropLayers(tx, vdi.ref);
    await tx.remove('VDI', vdi.ref);
  }
  await removeSr(tx, ref);
}

/** A host that keeps its cache of disks in the repository needs it. */
export async function assertNoCache({ tx }: Context, sr: Ref<'SR'>): Promise<void> {
  const [host] = await tx.query<{ ref: Ref<'host'> }>(
    'SELECT ref FROM host WHERE local_cache_sr = $1 LIMIT 1',
    [sr],
  );
  if (host && !isNullRef(host.ref)) throw new XenError('SR_IS_CACHE_SR', host.ref);
}
