/** Snapshot schedules: what they may say. They are followed by a reconciler. */
import { classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import { snapshotSchedule } from '@xenplane/domain';
import type { Context } from '../../core/context';
import { createPlain } from '../../core/implied-calls';

type Vmss = StoredRecord<'VMSS'>;

async function create(context: Context, given: Vmss): Promise<Ref<'VMSS'>> {
  const refused = snapshotSchedule.refuseRetained(given.retained_snapshots);
  if (refused) throw refused;
  const schedule = snapshotSchedule.complete(given.frequency, given.schedule);
  return (await createPlain(context, 'VMSS', { ...given, schedule })) as Ref<'VMSS'>;
}

async function destroy({ tx }: Context, self: Ref<'VMSS'>): Promise<void> {
  const { uuid } = await tx.lock('VMSS', self);
  if ((await tx.find('VM', { snapshot_schedule: self })).length > 0) throw new XenError('VMSS_HAS_VM');
  await tx.query("DELETE FROM message WHERE cls = 'VMSS' AND obj_uuid = $1", [uuid]);
  await tx.remove('VMSS', self);
}

async function setSchedule(
  { tx }: Context,
  self: Ref<'VMSS'>,
  change: (vmss: Vmss) => Record<string, string>,
): Promise<void> {
  const vmss = await tx.lock('VMSS', self);
  await tx.update('VMSS', self, { schedule: snapshotSchedule.complete(vmss.frequency, change(vmss)) });
}
const without = (map: Readonly<Record<string, string>>, key: string): Record<string, string> =>
  Object.fromEntries(Object.entries(map).filter(([k]) => k !== key));

export const vmssCalls: CallsOf<typeof classes.VMSS, Context> = {
  set_retained_snapshots: async ({ tx }, { self, value }) => {
    const refused = snapshotSchedule.refuseRetained(value);
    if (refused) throw refused;
    await tx.update('VMSS', self, { retained_snapshots: value });
  },
  set_frequency: async ({ tx }, { self, value }) => {
    const { schedule } = await tx.lock('VMSS', self);
    await tx.update('VMSS', self, { frequency: value, schedule: snapshotSchedule.complete(value, schedule) });
  },
  set_schedule: (context, { self, value }) => setSchedule(context, self, () => value),
  add_to_schedule: (context, { self, key, value }) =>
    setSchedule(context, self, ({ schedule }) => ({ ...schedule, [key]: value })),
  remove_from_schedule: (context, { self, key }) =>
    setSchedule(context, self, ({ schedule }) => without(schedule, key)),
  set_last_run_time: async ({ tx }, { self, value }) => tx.update('VMSS', self, { last_run_time: value }),
  set_type: async ({ tx }, { self, value }) => tx.update('VMSS', self, { type: value }),
};

export const vmssOverrides = {
  create: (context: Context, { args }: { args: Vmss }) => create(context, args),
  destroy: (context: Context, { self }: { self: Ref<'VMSS'> }) => destroy(context, self),
};
