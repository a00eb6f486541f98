import type { Kit, Scenarios } from '../kit';

const snapshotOf = async (kit: Kit, vm: string): Promise<string> => {
  await kit.run('VM.snapshot', vm, 'kept', []);
  return (await kit.call<string[]>('VM.get_snapshots', vm))[0] ?? '';
};
async function appliance(kit: Kit, ...vms: string[]): Promise<string> {
  const made = await kit.call<string>('VM_appliance.create', { name_label: 'walked', name_description: '' });
  for (const [i, vm] of vms.entries()) {
    await kit.call('VM.set_order', vm, i);
    await kit.call('VM.set_appliance', vm, made);
  }
  return made;
}

export const snapshotScenarios: Scenarios = {
  'VM.snapshot': async (kit) => [await kit.newVm(), 'snapped', []],
  'VM.checkpoint': async (kit) => [await kit.runningVm(), 'checked'],
  'VM.revert': async (kit) => {
    const vm = await kit.runningVm();
    return [await snapshotOf(kit, vm)];
  },
  'VMSS.snapshot_now': async (kit) => {
    const schedule = {
      name_label: 'walked',
      name_description: '',
      enabled: false,
      type: 'snapshot',
      retained_snapshots: 2,
      frequency: 'daily',
      schedule: {},
    };
    const vmss = await kit.call<string>('VMSS.create', schedule);
    await kit.call('VM.set_snapshot_schedule', await kit.newVm(), vmss);
    return [vmss];
  },
  'VM_appliance.start': async (kit) => [await appliance(kit, await kit.newVm(), await kit.newVm()), false],
  'VM_appliance.clean_shutdown': async (kit) => [await appliance(kit, await kit.runningVm())],
  'VM_appliance.hard_shutdown': async (kit) => [await appliance(kit, await kit.runningVm())],
  'VM_appliance.shutdown': async (kit) => [await appliance(kit, await kit.runningVm())],
};
