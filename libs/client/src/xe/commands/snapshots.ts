/** Snapshots and templates, and what is destroyed with its disks after a question. */
import { isRef } from '../../api';
import { assertForced, flagged, Misuse, optional, required, type Arguments } from '../arguments';
import type { Objects } from '../objects';
import { agrees } from '../question';
import { perform, type Command } from '../row';
import { selectVms } from '../select';
import type { Surroundings } from '../surroundings';
import { born, describedAs, storageOrNone } from './vm';
import { listDrives } from './vm-devices';

/** A VM by its uuid, which has to be a snapshot, or a template. */
export async function ofKind(kind: 'snapshot' | 'template', uuid: string, objects: Objects): Promise<string> {
  const ref = await objects.byUuid('VM', uuid);
  if ((await objects.one('VM', ref))?.[`is_a_${kind}`] !== true)
    throw new Misuse(`This operation can only be performed on a VM ${kind}. ${uuid} is not a VM ${kind}.`);
  return ref;
}
async function snapshotOf(args: Arguments, { objects }: Surroundings): Promise<string> {
  const uuid = optional(args, 'snapshot-uuid') ?? optional(args, 'uuid');
  if (uuid === undefined) throw new Misuse('Required parameter not found: snapshot-uuid or uuid.');
  return ofKind('snapshot', uuid, objects);
}

/** A VM, the disks that are its own (those in a drive marked with `owner`), and what it was suspended to. */
interface DestroyedVm {
  readonly vm: string;
  readonly disks: readonly string[];
  readonly suspended: string | undefined;
}
async function doomed(vm: string, objects: Objects): Promise<DestroyedVm> {
  const record = await objects.one('VM', vm);
  const drives = await Promise.all(
    ((record?.['VBDs'] ?? []) as readonly string[]).map((vbd) => objects.one('VBD', vbd)),
  );
  const owned = drives.flatMap((drive) =>
    'owner' in ((drive?.['other_config'] ?? {}) as object) ? [String(drive?.['VDI'])] : [],
  );
  const disks = [];
  for (const vdi of owned) if (isRef(vdi) && (await objects.one('VDI', vdi))) disks.push(vdi);
  const suspended = record?.['suspend_VDI'];
  return {
    vm,
    disks,
    suspended: isRef(suspended) && (await objects.one('VDI', suspended)) ? suspended : undefined,
  };
}
async function diskLine(vdi: string, objects: Objects): Promise<string> {
  const record = await objects.one('VDI', vdi);
  const shared = ((record?.['VBDs'] ?? []) as readonly string[]).length > 1;
  return `VDI: ${String(record?.['uuid'])} (${String(record?.['name_label'])}) ${shared ? ' ** WARNING: disk is shared by other VMs' : ''}`;
}
/** Says what will be gone, asks unless forced, and destroys it. */
async function uninstall(args: Arguments, around: Surroundings, vms: readonly string[]): Promise<void> {
  const { objects, terminal } = around;
  const plan = await Promise.all(vms.map((vm) => doomed(vm, objects)));
  terminal.print('The following items are about to be destroyed');
  for (const { vm, disks, suspended } of plan) {
    const record = await objects.one('VM', vm);
    terminal.print(`VM : ${String(record?.['uuid'])} (${String(record?.['name_label'])})`);
    for (const disk of suspended === undefined ? disks : [...disks, suspended])
      terminal.print(await diskLine(disk, objects));
  }
  if (!flagged(args, 'force') && !(await agrees(terminal))) return;
  for (const { vm, disks, suspended } of plan) {
    if ((await objects.api.call('VM.get_power_state', vm)) !== 'Halted')
      await perform(around, 'VM.hard_shutdown', vm);
    await perform(around, 'VM.destroy', vm);
    for (const disk of disks) await perform(around, 'VDI.destroy', disk);
    if (suspended !== undefined) await perform(around, 'VDI.destroy', suspended).catch(() => undefined);
  }
  terminal.print('All objects destroyed');
}
const uninstallVms: Command = async (args, around) => {
  const vms = await selectVms(args, around, [], false);
  const snapshots = await Promise.all(
    vms.map((vm) => around.objects.api.call<string[]>('VM.get_snapshots', vm)),
  );
  await uninstall(args, around, [...vms, ...snapshots.flat()]);
};

const destroy: Command = async (args, around) => {
  const snapshot = await snapshotOf(args, around);
  if ((await around.objects.api.call('VM.get_power_state', snapshot)) !== 'Halted')
    await perform(around, 'VM.hard_shutdown', snapshot);
  await perform(around, 'VM.destroy', snapshot);
};
const resetPowerState: Command = async (args, around) => {
  assertForced(args);
  await perform(around, 'VM.power_state_reset', await snapshotOf(args, around));
};
const derived =
  (method: string, more: (args: Arguments, around: Surroundings) => Promise<readonly unknown[]>): Command =>
  async (args, around) => {
    const made = await born(await snapshotOf(args, around), method, args, around, await more(args, around));
    await describedAs(made, args, around);
    around.printer.list([await around.objects.uuidOf('VM', made)]);
  };

export const snapshotCommands: Readonly<Record<string, Command>> = {
  'vm-uninstall': uninstallVms,
  'snapshot-uninstall': async (args, around) => uninstall(args, around, [await snapshotOf(args, around)]),
  'template-uninstall': async (args, around) =>
    uninstall(args, around, [await ofKind('template', required(args, 'template-uuid'), around.objects)]),
  'snapshot-revert': async (args, around) =>
    void (await perform(around, 'VM.revert', await snapshotOf(args, around))),
  'snapshot-destroy': destroy,
  'snapshot-clone': derived('VM.clone', () => Promise.resolve([])),
  'snapshot-copy': derived('VM.copy', storageOrNone),
  'snapshot-disk-list': async (args, around) =>
    listDrives(args, around, await snapshotOf(args, around), 'Disk'),
  'snapshot-reset-powerstate': resetPowerState,
};
