/** Makes the disks that a template's description in other_config asks for, then lets the VM be a VM. */
import { isNullRef, XenError, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import type { Context } from '../core/context';
import { createVbd } from '../storage/vbd';
import { createVdi } from '../storage/vdi';

interface Wanted {
  readonly device: string;
  readonly size: number;
  readonly sr: string;
  readonly bootable: boolean;
  readonly type: 'system' | 'user';
}

/** `<provision><disk device="0" size=".." sr="uuid or nothing" bootable="true" type="system"/></provision>` */
export function wantedDisks(xml: string): Wanted[] {
  const disks = xml.match(/<disk\b[^>]*\/?>/g) ?? [];
  return disks.slice(0, 255).map((disk) => {
    const attribute = (name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(disk)?.[1] ?? '';
    return {
      device: attribute('device'),
      size: Number(attribute('size')),
      sr: attribute('sr'),
      bootable: attribute('bootable') === 'true',
      type: attribute('type') === 'user' ? 'user' : 'system',
    };
  });
}

async function storageFor({ tx }: Context, uuid: string): Promise<Ref<'SR'>> {
  if (uuid !== '') {
    const [sr] = await tx.find('SR', { uuid });
    if (!sr) throw new XenError('UUID_INVALID', 'SR', uuid);
    return sr.ref;
  }
  const [pool] = await tx.find('pool', {});
  if (!pool || isNullRef(pool.default_SR)) throw new XenError('DEFAULT_SR_NOT_FOUND', pool?.default_SR ?? '');
  return pool.default_SR;
}

export async function provisionDisks(context: Context, vm: Ref<'VM'>): Promise<void> {
  const { tx } = context;
  const record = await tx.get('VM', vm);
  for (const wanted of wantedDisks(record.other_config['disks'] ?? '')) {
    if (!Number.isSafeInteger(wanted.size) || wanted.size <= 0)
      throw new XenError('PROVISION_FAILED_OUT_OF_SPACE');
    const SR = await storageFor(context, wanted.sr);
    const VDI = await createVdi(context, {
      SR,
      virtual_size: wanted.size,
      type: wanted.type,
      sharable: false,
      read_only: false,
      name_label: `${record.name_label} ${wanted.device}`,
      name_description: 'Created by template provisioner',
      other_config: {},
    });
    await createVbd(context, {
      VM: vm,
      VDI,
      userdevice: wanted.device,
      bootable: wanted.bootable,
      mode: 'RW',
      type: 'Disk',
      empty: false,
      other_config: { owner: '' },
    });
  }
  const { disks: _disks, ...kept } = record.other_config;
  await tx.update('VM', vm, { other_config: kept });
  await install(tx, record);
}

/** A template becomes a VM: from then on it counts as installed. */
export async function install(tx: Tx, { ref, metrics }: Row<'VM'>): Promise<void> {
  await tx.update('VM', ref, { is_a_template: false, is_default_template: false });
  await tx.query('UPDATE vm_metrics SET install_time = now() WHERE ref = $1', [metrics]);
}
