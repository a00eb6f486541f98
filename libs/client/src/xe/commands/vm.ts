/** `vm-*`: life, power, memory and processors of VMs. */
import { nullRefText, XenError } from '@xenplane/model';
import { assertForced, flagged, listed, Misuse, optional, required, type Arguments } from '../arguments';
import { inDatabaseOnDisk } from '../database';
import { fileOf, pluginArguments } from '../loaded';
import { cellsOf } from '../printer';
import { onEach, perform, saying, vms, type Command } from '../row';
import { selectVms } from '../select';
import type { Surroundings } from '../surroundings';
import { reportHosts } from './diagnostics';
import { dataSources } from './measurements';
import { install } from './vm-install';

/** The same for each selected VM. */
export const onVms =
  (work: (vm: string, args: Arguments, around: Surroundings) => Promise<unknown>): Command =>
  async (args, around) =>
    onEach(
      around,
      'VM',
      await selectVms(args, around, [], false),
      async (vm) => void (await work(vm, args, around)),
    );
export async function hostNamed(name: string, { objects }: Surroundings): Promise<string> {
  const hosts = Object.entries(await objects.all('host'));
  const [ref] = hosts.find(([, host]) => host['name_label'] === name || host['uuid'] === name) ?? [];
  if (ref === undefined) throw new Misuse(`Host ${name} not found`);
  return ref;
}
/** A VM that no host can take is an error that lists each host's reason. */
async function withReasons(around: Surroundings, vm: string, work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof XenError && error.code === 'NO_HOSTS_AVAILABLE') {
      around.printer.list([
        'There are no suitable hosts to start this VM on.',
        'The following table provides per-host reasons for why the VM could not be started:',
        '',
      ]);
      await reportHosts(around, vm);
    }
    throw error;
  }
}
async function start(vm: string, args: Arguments, around: Surroundings): Promise<unknown> {
  const on = optional(args, 'on'),
    paused = flagged(args, 'paused'),
    force = flagged(args, 'force');
  if (on === undefined) return withReasons(around, vm, perform(around, 'VM.start', vm, paused, force));
  return withReasons(
    around,
    vm,
    perform(around, 'VM.start_on', vm, await hostNamed(on, around), paused, force),
  );
}
async function resume(vm: string, args: Arguments, around: Surroundings): Promise<unknown> {
  const on = optional(args, 'on'),
    force = flagged(args, 'force');
  if (on === undefined) return withReasons(around, vm, perform(around, 'VM.resume', vm, false, force));
  return perform(around, 'VM.resume_on', vm, await hostNamed(on, around), false, force);
}
const either = (clean: string, hard: string): Command =>
  onVms((vm, args, around) => perform(around, flagged(args, 'force') ? hard : clean, vm));

/** A new VM out of each, the last one first; that one gets the description when one was given. */
export const derive =
  (
    method: string,
    more: (args: Arguments, around: Surroundings) => Promise<readonly unknown[]> = () => Promise.resolve([]),
    single = false,
  ): Command =>
  async (args, around) => {
    const params = await more(args, around),
      made: string[] = [];
    await onEach(
      around,
      'VM',
      await selectVms(args, around, [], single),
      async (vm) => void made.unshift(await born(vm, method, args, around, params)),
    );
    await describedAs(made[0] ?? '', args, around);
    around.printer.list(await Promise.all(made.map((vm) => around.objects.uuidOf('VM', vm))));
  };
export const born = async (
  vm: string,
  method: string,
  args: Arguments,
  around: Surroundings,
  more: readonly unknown[],
): Promise<string> => String(await perform(around, method, vm, required(args, 'new-name-label'), ...more));
export async function describedAs(vm: string, args: Arguments, { objects }: Surroundings): Promise<void> {
  const description = optional(args, 'new-name-description');
  if (description !== undefined) await objects.api.call('VM.set_name_description', vm, description);
}
export const storageOrNone = async (
  args: Arguments,
  { objects }: Surroundings,
): Promise<readonly unknown[]> => {
  const uuid = optional(args, 'sr-uuid');
  return [uuid === undefined ? nullRefText : await objects.byUuid('SR', uuid)];
};
const ignored = async (args: Arguments, { objects }: Surroundings): Promise<readonly unknown[]> => {
  return [await Promise.all(listed(args, 'ignore-vdi-uuids').map((uuid) => objects.byUuid('VDI', uuid)))];
};

const resetPowerState: Command = (args, around) => {
  assertForced(args);
  return vms('VM.power_state_reset')(args, around);
};

/** The BIOS strings of a VM that was given none; all others are empty. */
const genericStrings: Readonly<Record<string, string>> = {
  'bios-vendor': 'Xen',
  'system-manufacturer': 'Xen',
  'system-product-name': 'HVM domU',
};
const isCustomised: Command = onVms(async (vm, _args, { objects, printer }) => {
  const strings = Object.entries(
    ((await objects.one('VM', vm))?.['bios_strings'] ?? {}) as Readonly<Record<string, string>>,
  );
  if (strings.length === 0) return printer.message('The BIOS strings of this VM have not yet been set.');
  const generic = strings.every(([key, text]) => text === (genericStrings[key] ?? ''));
  printer.message(generic ? 'This VM is BIOS-generic.' : 'This VM is BIOS-customized.');
});
const create: Command = async (args, around) => {
  const most = 256 * 2 ** 20,
    least = 128 * 2 ** 20;
  const made = await perform(around, 'VM.create', {
    name_label: required(args, 'name-label'),
    name_description: optional(args, 'name-description') ?? '',
    user_version: 0,
    is_a_template: false,
    affinity: nullRefText,
    ...{
      memory_static_max: most,
      memory_dynamic_max: most,
      memory_dynamic_min: least,
      memory_static_min: least,
    },
    ...{ VCPUs_params: {}, VCPUs_max: 1, VCPUs_at_startup: 1 },
    ...{ actions_after_shutdown: 'destroy', actions_after_reboot: 'restart', actions_after_crash: 'destroy' },
    ...{
      PV_bootloader: '',
      PV_kernel: '',
      PV_ramdisk: '',
      PV_args: '',
      PV_bootloader_args: '',
      PV_legacy_args: '',
    },
    ...{
      HVM_boot_policy: '',
      HVM_boot_params: {},
      platform: {},
      PCI_bus: '',
      other_config: {},
      recommendations: '',
    },
  });
  around.printer.list([await around.objects.uuidOf('VM', String(made))]);
};
const destroy: Command = async (args, around) => {
  const vm = await around.objects.byUuid('VM', required(args, 'uuid'));
  if ((await around.objects.one('VM', vm))?.['is_control_domain'] === true)
    throw new XenError('OPERATION_NOT_ALLOWED', 'You cannot destroy a control domain via the CLI');
  await perform(around, 'VM.destroy', vm);
};

const plugin =
  (method: string): Command =>
  async (args, around) => {
    const vm = await around.objects.byUuid('VM', required(args, 'vm-uuid'));
    around.printer.list([
      String(
        await perform(
          around,
          method,
          vm,
          required(args, 'plugin'),
          required(args, 'fn'),
          await pluginArguments(args, around),
        ),
      ),
    ]);
  };
/** From the database on the disk that `database:vdi-uuid` names. */
export const recovering =
  (cls: string, method: string, forced: boolean): Command =>
  async (args, { objects }) => {
    const more = forced ? [flagged(args, 'force')] : [];
    await inDatabaseOnDisk(args, objects, async (from) => {
      const ref = await from.call<string>(`${cls}.get_by_uuid`, required(args, 'uuid'));
      await from.call(method, ref, objects.api.session, ...more);
    });
  };
const sysprep: Command = async (args, around) => {
  const timeout = Number(optional(args, 'timeout') ?? NaN);
  const answers = await fileOf(around, required(args, 'filename'), 'Failed to read file.');
  await onVms((vm) =>
    perform(around, 'VM.sysprep', vm, answers, Number.isNaN(timeout) ? 180 : Math.max(0, timeout)),
  )(args, around);
};

export const vmCommands: Readonly<Record<string, Command>> = {
  'vm-create': create,
  'vm-destroy': destroy,
  'vm-install': install,
  'vm-clone': derive('VM.clone'),
  'vm-copy': derive('VM.copy', storageOrNone, true),
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
  'vm-query-services': onVms(async (vm, _args, { objects, printer }) =>
    printer.table([
      cellsOf({ Type: 'Name', ...(await objects.api.call<Record<string, string>>('VM.query_services', vm)) }),
    ]),
  ),
  'vm-retrieve-wlb-recommendations': vms('VM.retrieve_wlb_recommendations'),
  'vm-compute-memory-overhead': onVms(async (vm, _args, { objects, printer }) =>
    printer.message(String(await objects.api.call('VM.compute_memory_overhead', vm))),
  ),
  'vm-compute-maximum-memory': vms('VM.maximise_memory', '@', 'total', 'approximate'),
  'vm-memory-balloon': vms('VM.set_memory_dynamic_range', '@', 'target', 'target'),
  'vm-memory-dynamic-range-set': vms('VM.set_memory_dynamic_range', '@', 'min', 'max'),
  'vm-memory-static-range-set': vms('VM.set_memory_static_range', '@', 'min', 'max'),
  'vm-memory-limits-set': vms(
    'VM.set_memory_limits',
    '@',
    'static-min',
    'static-max',
    'dynamic-min',
    'dynamic-max',
  ),
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
  'vm-set-uefi-mode': saying('VM.set_uefi_mode', 'uuid', 'mode'),
  'vm-get-secureboot-readiness': saying('VM.get_secureboot_readiness', 'uuid'),
  'vm-update-secureboot-certificates-on-boot': vms('VM.update_secureboot_certificates_on_boot', '@', 'mark'),
  'vm-sysprep': sysprep,
  ...dataSources('vm', 'VM'),
};
