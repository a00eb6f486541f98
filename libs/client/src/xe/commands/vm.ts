/** `vm-*`: life, power, memory and processors of VMs. */
import { nullRefText } from '@xenplane/model';
import { logOut, type Api } from '../../api';
import { decimal, flagged, Misuse, optional, required, type Arguments } from '../arguments';
import { onEach, perform, row, vms, type Command } from '../row';
import { selectVms } from '../select';
import type { Surroundings } from '../terminal';
import { tableNamed } from '../objects';
import { find } from '../generic';
import { dataSources } from './measurements';

/** The same for each selected VM. */
const onVms =
  (work: (vm: string, args: Arguments, around: Surroundings) => Promise<unknown>): Command =>
  async (args, around) =>
    onEach(around, 'VM', await selectVms(args, around, [], false), async (vm) => void (await work(vm, args, around)));
const onOne =
  (work: (vm: string, args: Arguments, around: Surroundings) => Promise<unknown>): Command =>
  async (args, around) => {
    const [vm = ''] = await selectVms(args, around, [], true);
    await work(vm, args, around);
  };

async function hostNamed(name: string, { objects }: Surroundings): Promise<string> {
  for (const field of ['uuid', 'name-label', 'hostname']) {
    const [host] = await find(objects, tableNamed('host'), [[field, name]]);
    if (host) return host.ref;
  }
  throw new Misuse('No matching hosts found');
}
async function start(vm: string, args: Arguments, around: Surroundings): Promise<unknown> {
  const on = optional(args, 'on'),
    paused = flagged(args, 'paused'),
    force = flagged(args, 'force');
  if (on === undefined) return perform(around, 'VM.start', vm, paused, force);
  return perform(around, 'VM.start_on', vm, await hostNamed(on, around), paused, force);
}
async function resume(vm: string, args: Arguments, around: Surroundings): Promise<unknown> {
  const on = optional(args, 'on'),
    force = flagged(args, 'force');
  if (on === undefined) return perform(around, 'VM.resume', vm, false, force);
  return perform(around, 'VM.resume_on', vm, await hostNamed(on, around), false, force);
}
const either = (clean: string, hard: string): Command => onVms((vm, args, around) => perform(around, flagged(args, 'force') ? hard : clean, vm));

async function templateFor(args: Arguments, { objects }: Surroundings): Promise<string> {
  const wanted = optional(args, 'template') ?? optional(args, 'template-uuid') ?? optional(args, 'template-name-label') ?? optional(args, 'template-name');
  if (wanted === undefined) throw new Misuse('Template not specified');
  const templates = Object.entries(await objects.all('VM')).filter(([, vm]) => vm['is_a_template'] === true);
  const found = templates.filter(([, vm]) => vm['uuid'] === wanted);
  const named = found.length > 0 ? found : templates.filter(([, vm]) => vm['name_label'] === wanted && vm['is_a_snapshot'] !== true);
  const [first, second] = named;
  if (!first) throw new Misuse('No templates matched');
  if (second) throw new Misuse('More than one matching template found');
  return first[0];
}
async function storageFor(args: Arguments, { objects }: Surroundings): Promise<string | undefined> {
  const uuid = optional(args, 'sr-uuid'),
    name = optional(args, 'sr-name-label');
  if (uuid !== undefined) return objects.byUuid('SR', uuid);
  if (name === undefined) return undefined;
  const [first, second] = await find(objects, tableNamed('sr'), [['name-label', name]]);
  if (!first) throw new Misuse('No SR with that name-label found');
  if (second) throw new Misuse('Multiple SRs with that name-label found');
  return first.ref;
}
const install: Command = async (args, around) => {
  const { api } = around.objects;
  const template = await templateFor(args, around),
    storage = await storageFor(args, around),
    name = required(args, 'new-name-label');
  const vm = String(storage === undefined ? await perform(around, 'VM.clone', template, name) : await perform(around, 'VM.copy', template, name, storage));
  try {
    await api.call('VM.set_name_description', vm, 'Installed via xe CLI');
    if (storage !== undefined) await useStorage(around, vm, await around.objects.uuidOf('SR', storage));
    const bios = optional(args, 'copy-bios-strings-from');
    if (bios !== undefined) await api.call('VM.copy_bios_strings', vm, await around.objects.byUuid('host', bios));
    await perform(around, 'VM.provision', vm);
  } catch (error) {
    await api.call('VM.destroy', vm).catch(() => undefined);
    throw error;
  }
  around.terminal.print(await around.objects.uuidOf('VM', vm));
};
/** The disks that the template asks for go to this storage. */
async function useStorage({ objects: { api } }: Surroundings, vm: string, sr: string): Promise<void> {
  const { disks, ...rest } = await api.call<Record<string, string>>('VM.get_other_config', vm);
  if (disks !== undefined) await api.call('VM.set_other_config', vm, { ...rest, disks: disks.replace(/sr="[^"]*"/g, `sr="${sr}"`) });
}

/** A new VM out of one, with its own description when one was given. */
export const derive = (method: string, more: (args: Arguments, around: Surroundings) => Promise<readonly unknown[]> = () => Promise.resolve([])): Command =>
  onOne(async (vm, args, around) => born(vm, method, args, around, await more(args, around)));
export async function born(vm: string, method: string, args: Arguments, around: Surroundings, more: readonly unknown[]): Promise<void> {
  const made = String(await perform(around, method, vm, required(args, 'new-name-label'), ...more));
  const description = optional(args, 'new-name-description');
  if (description !== undefined) await around.objects.api.call('VM.set_name_description', made, description);
  around.terminal.print(await around.objects.uuidOf('VM', made));
}
const storageOrNone = async (args: Arguments, around: Surroundings): Promise<readonly unknown[]> => [(await storageFor(args, around)) ?? nullRefText];
const ignored = async (args: Arguments, { objects }: Surroundings): Promise<readonly unknown[]> => {
  const uuids = optional(args, 'ignore-vdi-uuids')?.split(',').filter(Boolean) ?? [];
  return [await Promise.all(uuids.map((uuid) => objects.byUuid('VDI', uuid)))];
};
export const copyStorage = storageOrNone;

const resetPowerState = onVms(async (vm, args, around) => {
  if (!flagged(args, 'force')) throw new Misuse('This operation is extremely dangerous and may cause data loss. This operation must be forced (use --force).');
  await perform(around, 'VM.power_state_reset', vm);
});

const isCustomised: Command = onOne(async (vm, _args, { objects, terminal }) => {
  const strings = ((await objects.one('VM', vm))?.['bios_strings'] ?? {}) as Readonly<Record<string, string>>;
  if (Object.keys(strings).length === 0) return terminal.print('The BIOS strings of this VM have not yet been set.');
  terminal.print(strings['bios-vendor'] === 'Xen' ? 'This VM is BIOS-generic.' : 'This VM is BIOS-customized.');
});
const create: Command = async (args, around) => {
  const limit = 256 * 2 ** 20;
  const made = await perform(around, 'VM.create', {
    name_label: required(args, 'name-label'),
    name_description: optional(args, 'name-description') ?? '',
    user_version: 1,
    is_a_template: false,
    affinity: nullRefText,
    ...{ memory_static_max: limit, memory_dynamic_max: limit, memory_dynamic_min: limit, memory_static_min: 16 * 2 ** 20 },
    ...{ VCPUs_params: {}, VCPUs_max: 1, VCPUs_at_startup: 1 },
    ...{ actions_after_shutdown: 'destroy', actions_after_reboot: 'restart', actions_after_crash: 'restart' },
    ...{ PV_bootloader: '', PV_kernel: '', PV_ramdisk: '', PV_args: '', PV_bootloader_args: '', PV_legacy_args: '' },
    ...{ HVM_boot_policy: 'BIOS order', HVM_boot_params: { order: 'cd' }, platform: {}, PCI_bus: '', other_config: {}, recommendations: '' },
  });
  around.terminal.print(await around.objects.uuidOf('VM', String(made)));
};
/** What keeps a VM from starting, host by host. */
const status: Command = async (args, { objects, terminal }) => {
  const vm = await objects.byUuid('VM', required(args, 'uuid'));
  const says = (call: string, ...params: unknown[]): Promise<string> =>
    objects.api.call(call, vm, ...params).then(
      () => 'OK',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
  terminal.print(`Checking to see whether disks are attachable:`);
  for (const vbd of ((await objects.one('VM', vm))?.['VBDs'] ?? []) as readonly string[]) {
    const record = await objects.one('VBD', vbd);
    const fine = await objects.api.call('VBD.assert_attachable', vbd).then(
      () => 'OK',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    terminal.print(`  ${String(record?.['userdevice'])}: ${fine}`);
  }
  terminal.print('Checking to see whether VM can boot on each host');
  for (const [host, record] of Object.entries(await objects.all('host')))
    terminal.print(`  ${String(record['name_label'])}: ${await says('VM.assert_can_boot_here', host)}`);
  terminal.print(`Checking whether VM can be moved to any host: ${await says('VM.assert_agile')}`);
};
const plugin =
  (method: string): Command =>
  async (args, around) => {
    const vm = await around.objects.byUuid('VM', required(args, 'vm-uuid'));
    const params = Object.fromEntries(args.pairs.filter(([n]) => n.startsWith('args:')).map(([n, v]) => [n.slice('args:'.length), v]));
    around.terminal.print(String(await perform(around, method, vm, required(args, 'plugin'), required(args, 'fn'), params)));
  };
/** From the database on the disk that `database:vdi-uuid` names, and else from the pool's own. */
export const recovering =
  (cls: string, method: string, forced: boolean): Command =>
  async (args, { objects }) => {
    const { api } = objects;
    const disk = optional(args, 'database:vdi-uuid');
    const more = forced ? [flagged(args, 'force')] : [];
    const recover = async (from: Api): Promise<void> => {
      const ref = await from.call<string>(`${cls}.get_by_uuid`, required(args, 'uuid'));
      await from.call(method, ref, api.session, ...more);
    };
    if (disk === undefined) return recover(api);
    const database = api.as(await api.call<string>('VDI.open_database', await objects.byUuid('VDI', disk)));
    await recover(database).finally(() => logOut(database));
  };
const sysprep: Command = onVms(async (vm, args, around) => {
  const answers = Buffer.from(await around.terminal.readFile(required(args, 'filename'))).toString('utf8');
  await perform(around, 'VM.sysprep', vm, answers, decimal('timeout', optional(args, 'timeout') ?? '180'));
});

export const vmCommands: Readonly<Record<string, Command>> = {
  'vm-create': create,
  'vm-destroy': row('VM.destroy', 'uuid'),
  'vm-install': install,
  'vm-clone': derive('VM.clone'),
  'vm-copy': derive('VM.copy', storageOrNone),
  'vm-snapshot': derive('VM.snapshot', ignored),
  'vm-snapshot-with-quiesce': derive('VM.snapshot_with_quiesce'),
  'vm-checkpoint': derive('VM.checkpoint'),
  'vm-start': onVms(start),
  'vm-resume': onVms(resume),
  'vm-shutdown': either('VM.clean_shutdown', 'VM.hard_shutdown'),
  'vm-reboot': either('VM.clean_reboot', 'VM.hard_reboot'),
  'vm-suspend': vms('VM.suspend'),
  'vm-pause': vms('VM.pause'),
  'vm-unpause': vms('VM.unpause'),
  'vm-reset-powerstate': resetPowerState,
  'vm-restart-device-models': vms('VM.restart_device_models'),
  'vm-query-services': vms('VM.query_services'),
  'vm-retrieve-wlb-recommendations': vms('VM.retrieve_wlb_recommendations'),
  'vm-compute-memory-overhead': vms('VM.compute_memory_overhead'),
  'vm-compute-maximum-memory': vms('VM.maximise_memory', '@', 'total', 'approximate'),
  'vm-memory-balloon': vms('VM.set_memory_dynamic_range', '@', 'target', 'target'),
  'vm-memory-dynamic-range-set': vms('VM.set_memory_dynamic_range', '@', 'min', 'max'),
  'vm-memory-static-range-set': vms('VM.set_memory_static_range', '@', 'min', 'max'),
  'vm-memory-limits-set': vms('VM.set_memory_limits', '@', 'static-min', 'static-max', 'dynamic-min', 'dynamic-max'),
  'vm-memory-set': vms('VM.set_memory', '@', 'memory'),
  'vm-memory-target-set': vms('VM.set_memory_dynamic_range', '@', 'target', 'target'),
  'vm-memory-target-wait': vms('VM.wait_memory_target_live'),
  'vm-memory-shadow-multiplier-set': vms('VM.set_shadow_multiplier_live', '@', 'multiplier'),
  'vm-vcpu-hotplug': vms('VM.set_VCPUs_number_live', '@', 'new-vcpus'),
  'vm-copy-bios-strings': vms('VM.copy_bios_strings', '@', 'host-uuid'),
  'vm-is-bios-customized': isCustomised,
  'vm-call-plugin': plugin('VM.call_plugin'),
  'vm-call-host-plugin': plugin('VM.call_host_plugin'),
  'vm-recover': recovering('VM', 'VM.recover', true),
  'vm-assert-can-be-recovered': recovering('VM', 'VM.assert_can_be_recovered', false),
  'vm-set-uefi-mode': row('VM.set_uefi_mode', 'uuid', 'mode'),
  'vm-get-secureboot-readiness': row('VM.get_secureboot_readiness', 'uuid'),
  'vm-update-secureboot-certificates-on-boot': vms('VM.update_secureboot_certificates_on_boot', '@', 'mark'),
  'vm-sysprep': sysprep,
  'diagnostic-vm-status': status,
  ...dataSources('vm', 'VM'),
};
