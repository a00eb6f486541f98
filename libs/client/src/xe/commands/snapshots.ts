/** Snapshots and templates, and what is destroyed with its disks after a question. */
import { flagged, Misuse, optional, required, type Arguments } from '../arguments';
import { perform, type Command } from '../row';
import { selectVms } from '../select';
import type { Surroundings } from '../terminal';
import { born, copyStorage } from './vm';
import { listDrives } from './vm-devices';

async function snapshotOf(args: Arguments, { objects }: Surroundings): Promise<string> {
  const uuid = optional(args, 'snapshot-uuid') ?? optional(args, 'uuid');
  if (uuid === undefined) throw new Misuse('Required parameter not found: snapshot-uuid');
  return objects.byUuid('VM', uuid);
}

/** Its own disks; what is in a CD drive belongs to others. */
async function disksOf({ objects }: Surroundings, vm: string): Promise<string[]> {
  const vbds = await objects.api.call<string[]>('VM.get_VBDs', vm);
  const records = await Promise.all(vbds.map((v) => objects.one('VBD', v)));
  return records.flatMap((r) => (r?.['type'] === 'Disk' && r['empty'] !== true ? [String(r['VDI'])] : []));
}
/** Says what will be gone, asks unless forced, and destroys it. */
async function uninstall(args: Arguments, around: Surroundings, vms: readonly string[]): Promise<void> {
  const { objects, terminal } = around;
  const plan = await Promise.all(vms.map(async (vm) => ({ vm, disks: await disksOf(around, vm) })));
  terminal.print('The following items are about to be destroyed');
  for (const { vm, disks } of plan) {
    const record = await objects.one('VM', vm);
    terminal.print(`VM : ${String(record?.['uuid'])} (${String(record?.['name_label'])})`);
    for (const disk of disks) {
      const vdi = await objects.one('VDI', disk);
      terminal.print(`VDI: ${String(vdi?.['uuid'])} (${String(vdi?.['name_label'])})`);
    }
  }
  if (!flagged(args, 'force')) {
    terminal.print("Type 'yes' to continue");
    const answer = await terminal.prompt();
    if (answer.trim().toLowerCase() !== 'yes') return terminal.print(`Aborted (you typed: '${answer}')`);
  }
  for (const { vm, disks } of plan) {
    if ((await objects.api.call('VM.get_power_state', vm)) !== 'Halted') await perform(around, 'VM.hard_shutdown', vm);
    await perform(around, 'VM.destroy', vm);
    for (const disk of disks) await perform(around, 'VDI.destroy', disk);
  }
  terminal.print('All objects destroyed');
}

const destroy: Command = async (args, around) => {
  const snapshot = await snapshotOf(args, around);
  if ((await around.objects.api.call('VM.get_power_state', snapshot)) !== 'Halted') await perform(around, 'VM.hard_shutdown', snapshot);
  await perform(around, 'VM.destroy', snapshot);
};
const resetPowerState: Command = async (args, around) => {
  if (!flagged(args, 'force')) throw new Misuse('This operation is extremely dangerous and may cause data loss. This operation must be forced (use --force).');
  await perform(around, 'VM.power_state_reset', await snapshotOf(args, around));
};

export const snapshotCommands: Readonly<Record<string, Command>> = {
  'vm-uninstall': async (args, around) => uninstall(args, around, await selectVms(args, around, [], false)),
  'snapshot-uninstall': async (args, around) => uninstall(args, around, [await snapshotOf(args, around)]),
  'template-uninstall': async (args, around) => uninstall(args, around, [await around.objects.byUuid('VM', required(args, 'template-uuid'))]),
  'snapshot-revert': async (args, around) => void (await perform(around, 'VM.revert', await snapshotOf(args, around))),
  'snapshot-destroy': destroy,
  'snapshot-clone': async (args, around) => born(await snapshotOf(args, around), 'VM.clone', args, around, []),
  'snapshot-copy': async (args, around) => born(await snapshotOf(args, around), 'VM.copy', args, around, await copyStorage(args, around)),
  'snapshot-disk-list': async (args, around) => listDrives(args, around, await snapshotOf(args, around), 'Disk'),
  'snapshot-reset-powerstate': resetPowerState,
};
