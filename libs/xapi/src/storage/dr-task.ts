/** Disaster recovery: repositories of a lost pool are brought in for a while, so that its VMs can be found on them. */
import { asRef, classes, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import { admitSr } from '../begin/admission';
import type { Context } from '../core/context';
import { driver } from './drivers';
import { mediaAt, type StorageMedium } from '../tables/layers/media';
import { pbdCalls, pbdOverrides } from './pbd';
import { forgetSr } from './sr-destroy';
import { introduceSr } from './sr-create';

type Config = StoredRecord<'PBD'>['device_config'];

/** Connected to every host, all that is said of it as the storage says. */
async function bringIn(
  context: Context,
  { uuid, type, label, description }: StorageMedium,
  device_config: Config,
  task: Ref<'DR_task'>,
): Promise<void> {
  const { tx } = context;
  const given = {
    uuid,
    name_label: label,
    name_description: description,
    type,
    content_type: 'user',
    shared: true,
    sm_config: {},
  };
  const SR = await introduceSr(context, given);
  await tx.update('SR', SR, { introduced_by: task });
  for (const { ref: host } of await tx.find('host', {})) {
    const self = await pbdOverrides.create(context, { args: { host, SR, device_config } });
    await pbdCalls.plug(context, { self });
  }
}

async function create(
  context: Context,
  type: string,
  config: Config,
  whitelist: readonly string[],
): Promise<Ref<'DR_task'>> {
  const { tx, plane, session } = context;
  const [host] = await tx.getMany('host', [session.host]);
  const found = await mediaAt(tx, type, driver(type).locate(config, host?.uuid ?? '').key);
  const uuid = plane.ids.uuid(),
    ref = asRef<'DR_task'>(`OpaqueRef:${uuid}`);
  await tx.insert('DR_task', ref, { uuid });
  for (const medium of found) {
    const wanted = whitelist.length === 0 || whitelist.includes(medium.uuid);
    if (wanted && (await tx.find('SR', { uuid: medium.uuid })).length === 0)
      await bringIn(context, medium, config, ref);
  }
  return ref;
}

async function destroy(context: Context, self: Ref<'DR_task'>): Promise<void> {
  const { tx } = context;
  await tx.lock('DR_task', self);
  for (const sr of await tx.find('SR', { introduced_by: self })) {
    await admitSr(context, sr.ref, 'unplug');
    for (const pbd of await tx.find('PBD', { SR: sr.ref })) await pbdCalls.unplug(context, { self: pbd.ref });
    await forgetSr(context, sr.ref);
  }
  await tx.remove('DR_task', self);
}

export const drTaskCalls: CallsOf<typeof classes.DR_task, Context> = {
  create: (context, { type, device_config, whitelist }) => create(context, type, device_config, whitelist),
  destroy: (context, { self }) => destroy(context, self),
};
