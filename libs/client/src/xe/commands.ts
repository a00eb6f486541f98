/** The commands of the main job, each a few calls. */
import { nullRefText } from '@xenplane/model';
import { follow } from '../api';
import { bytes, isTrue, keyed, Misuse, optional, required, type Arguments } from './arguments';
import { find, type Output } from './generic';
import { tableNamed, type Objects, type Shown } from './objects';

export interface Surroundings {
  readonly objects: Objects;
  readonly out: Output;
  onProgress(fraction: number): void;
  /** Streams a local file to the server, `-` for standard input; answers what the server said. */
  upload(file: string, path: string): Promise<unknown>;
}
export type Command = (args: Arguments, around: Surroundings) => Promise<void>;

const byUuid = ({ objects }: Surroundings, cls: string, uuid: string): Promise<string> => objects.api.call<string>(`${cls}.get_by_uuid`, uuid);
const uuidOf = ({ objects }: Surroundings, cls: string, ref: string): Promise<string> => objects.api.call<string>(`${cls}.get_uuid`, ref);

/** Which objects a command is for: `vm=<name or uuid>`, or any filter of the list; more than one only with --multiple. */
async function select(cli: string, args: Arguments, { objects }: Surroundings, own: readonly string[]): Promise<Shown[]> {
  const table = tableNamed(cli);
  const name = optional(args, cli);
  const filters = args.pairs.filter(([n]) => n !== cli && !own.includes(n) && n !== 'multiple');
  const found =
    name === undefined
      ? await find(objects, table, [...filters, ...table.filters.filter(([n]) => !filters.some(([f]) => f === n))])
      : await namedOrUuid(cli, name, objects);
  if (name === undefined && filters.length === 0) throw new Misuse(`Required parameter not found: ${cli}`);
  if (found.length === 0) throw new Misuse(`No matching ${cli === 'vm' ? 'VM' : cli}s found`);
  if (found.length > 1 && !args.switches.has('multiple') && !isTrue(optional(args, 'multiple')))
    throw new Misuse(`Multiple matches found. --multiple required to complete the operation`);
  return found;
}
async function namedOrUuid(cli: string, name: string, objects: Objects): Promise<Shown[]> {
  const all = (await objects.list(tableNamed(cli))).filter(({ record }) => record['is_a_template'] !== true);
  return all.filter(({ record }) => record['uuid'] === name || record['name_label'] === name || record['hostname'] === name);
}

/** Does the same to each selected VM, as a task whose progress is shown. */
const onVms =
  (own: readonly string[], work: (vm: string, args: Arguments, around: Surroundings) => Promise<unknown>): Command =>
  async (args, around) => {
    for (const { ref } of await select('vm', args, around, own)) await work(ref, args, around);
  };
const task = ({ objects, onProgress }: Surroundings, method: string, ...params: readonly unknown[]): Promise<string> =>
  follow(objects.api, method, params, onProgress);
const forced = (args: Arguments): boolean => args.switches.has('force') || isTrue(optional(args, 'force'));
const refIn = (result: string): string => /OpaqueRef:[0-9a-f-]{36}/.exec(result)?.[0] ?? '';

async function start(vm: string, args: Arguments, around: Surroundings): Promise<unknown> {
  const on = optional(args, 'on'),
    paused = isTrue(optional(args, 'paused'));
  if (on === undefined) return task(around, 'VM.start', vm, paused, forced(args));
  const [host] = await namedOrUuid('host', on, around.objects);
  if (!host) throw new Misuse(`No matching hosts found`);
  return task(around, 'VM.start_on', vm, host.ref, paused, forced(args));
}

async function templateFor(args: Arguments, { objects }: Surroundings): Promise<string> {
  const wanted = optional(args, 'template') ?? optional(args, 'template-uuid') ?? optional(args, 'template-name-label');
  if (wanted === undefined) throw new Misuse('Required parameter not found: template');
  const found = Object.entries(await objects.all('VM')).find(
    ([, vm]) => vm['is_a_template'] === true && (vm['uuid'] === wanted || vm['name_label'] === wanted),
  );
  if (!found) throw new Misuse('No templates matched');
  return found[0];
}
const install: Command = async (args, around) => {
  const { call } = around.objects.api;
  const vm = await call<string>('VM.clone', await templateFor(args, around), required(args, 'new-name-label'));
  const sr = optional(args, 'sr-uuid');
  if (sr !== undefined) await useStorage(around, vm, sr);
  await call('VM.provision', vm);
  around.out.print(await uuidOf(around, 'VM', vm));
};
/** The disks that the template asks for go to this storage. */
async function useStorage({ objects: { api } }: Surroundings, vm: string, sr: string): Promise<void> {
  const { disks, ...rest } = await api.call<Record<string, string>>('VM.get_other_config', vm);
  if (disks !== undefined) await api.call('VM.set_other_config', vm, { ...rest, disks: disks.replace(/sr="[^"]*"/g, `sr="${sr}"`) });
}

const clone: Command = async (args, around) => {
  const [vm] = await select('vm', args, around, ['new-name-label', 'new-name-description']);
  const copy = await around.objects.api.call<string>('VM.clone', vm?.ref, required(args, 'new-name-label'));
  const description = optional(args, 'new-name-description');
  if (description !== undefined) await around.objects.api.call('VM.set_name_description', copy, description);
  around.out.print(await uuidOf(around, 'VM', copy));
};
const copy: Command = async (args, around) => {
  const [vm] = await select('vm', args, around, ['new-name-label', 'sr-uuid']);
  const sr = optional(args, 'sr-uuid');
  const result = await task(around, 'VM.copy', vm?.ref, required(args, 'new-name-label'), sr === undefined ? nullRefText : await byUuid(around, 'SR', sr));
  around.out.print(await uuidOf(around, 'VM', refIn(result)));
};

async function uninstall(vm: string, _args: Arguments, { objects: { api } }: Surroundings): Promise<void> {
  if ((await api.call('VM.get_power_state', vm)) !== 'Halted') await api.call('VM.hard_shutdown', vm);
  const vbds = await api.call<string[]>('VM.get_VBDs', vm);
  const records = await Promise.all(vbds.map((v) => api.call<{ VDI: string; type: string; empty: boolean }>('VBD.get_record', v)));
  await api.call('VM.destroy', vm);
  for (const { VDI } of records.filter((r) => r.type === 'Disk' && !r.empty)) await api.call('VDI.destroy', VDI);
}

const memoryLimits: Command = onVms(['static-min', 'static-max', 'dynamic-min', 'dynamic-max', 'uuid'], (vm, args, { objects }) => {
  const size = (name: string): number => bytes(name, required(args, name));
  return objects.api.call('VM.set_memory_limits', vm, size('static-min'), size('static-max'), size('dynamic-min'), size('dynamic-max'));
});

const diskAdd: Command = onVms(['disk-size', 'device', 'sr-uuid'], async (vm, args, around) => {
  const { call } = around.objects.api;
  const [pool] = await call<string[]>('pool.get_all');
  const given = optional(args, 'sr-uuid');
  const SR = given === undefined ? await call<string>('pool.get_default_SR', pool) : await byUuid(around, 'SR', given);
  const VDI = await call<string>('VDI.create', {
    SR,
    virtual_size: bytes('disk-size', required(args, 'disk-size')),
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
    name_label: 'Created by xe',
  });
  await call('VBD.create', vbd(vm, VDI, required(args, 'device'), 'RW', 'Disk'));
});
const vbd = (VM: string, VDI: string, userdevice: string, mode: string, type: string, bootable = false) => ({
  VM,
  VDI,
  userdevice,
  bootable,
  mode,
  type,
  empty: VDI === nullRefText,
  unpluggable: true,
  other_config: {},
  qos_algorithm_type: '',
  qos_algorithm_params: {},
});

const vbdCreate: Command = async (args, around) => {
  const VM = await byUuid(around, 'VM', required(args, 'vm-uuid')),
    disk = optional(args, 'vdi-uuid');
  const VDI = disk === undefined ? nullRefText : await byUuid(around, 'VDI', disk);
  const type = optional(args, 'type') ?? 'Disk',
    mode = (optional(args, 'mode') ?? (type === 'CD' ? 'RO' : 'RW')).toUpperCase();
  const made = await around.objects.api.call<string>('VBD.create', vbd(VM, VDI, required(args, 'device'), mode, type, isTrue(optional(args, 'bootable'))));
  around.out.print(await uuidOf(around, 'VBD', made));
};
const vifCreate: Command = async (args, around) => {
  const VM = await byUuid(around, 'VM', required(args, 'vm-uuid')),
    network = await byUuid(around, 'network', required(args, 'network-uuid'));
  const mac = optional(args, 'mac') ?? '';
  const made = await around.objects.api.call<string>('VIF.create', {
    VM,
    network,
    device: required(args, 'device'),
    MAC: mac === 'random' ? '' : mac,
    MTU: 1500,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  around.out.print(await uuidOf(around, 'VIF', made));
};
const vdiCreate: Command = async (args, around) => {
  const SR = await byUuid(around, 'SR', required(args, 'sr-uuid'));
  const record = {
    SR,
    name_label: required(args, 'name-label'),
    virtual_size: bytes('virtual-size', required(args, 'virtual-size')),
    type: (optional(args, 'type') ?? 'user').toLowerCase(),
    sharable: isTrue(optional(args, 'sharable')),
    read_only: false,
    other_config: {},
    sm_config: Object.fromEntries(keyed(args, 'sm-config')),
  };
  around.out.print(await uuidOf(around, 'VDI', await around.objects.api.call<string>('VDI.create', record)));
};
const networkCreate: Command = async (args, around) => {
  const record = {
    name_label: required(args, 'name-label'),
    name_description: optional(args, 'name-description') ?? '',
    bridge: optional(args, 'bridge') ?? '',
    MTU: Number(optional(args, 'MTU') ?? 1500),
    other_config: {},
  };
  around.out.print(await uuidOf(around, 'network', await around.objects.api.call<string>('network.create', record)));
};

/** One call about the object with this uuid. */
const simple =
  (cls: string, method: string, background = false): Command =>
  async (args, around) => {
    const ref = await byUuid(around, cls, required(args, 'uuid'));
    await (background ? task(around, method, ref) : around.objects.api.call(method, ref));
  };
const vmTask = (method: string, ...params: readonly unknown[]): Command =>
  onVms(['force', 'uuid-only'], (vm, _args, around) => task(around, method, vm, ...params));
const eitherVm = (clean: string, hard: string): Command => onVms(['force'], (vm, args, around) => task(around, forced(args) ? hard : clean, vm));

const cdInsert: Command = async (args, around) => {
  const vdi = Object.entries(await around.objects.all('VDI')).find(([, v]) => v['name_label'] === required(args, 'cd-name'));
  if (!vdi) throw new Misuse(`CD ${required(args, 'cd-name')} not found!`);
  for (const drive of await drives(args, around, ['cd-name'])) await around.objects.api.call('VBD.insert', drive, vdi[0]);
};
const cdEject: Command = async (args, around) => {
  for (const drive of await drives(args, around, [])) await around.objects.api.call('VBD.eject', drive);
};
async function drives(args: Arguments, around: Surroundings, own: readonly string[]): Promise<string[]> {
  const [vm] = await select('vm', args, around, own);
  const found = Object.entries(await around.objects.all('VBD')).filter(([, v]) => v['VM'] === vm?.ref && v['type'] === 'CD');
  if (found.length === 0) throw new Misuse('No CD drive found');
  return found.slice(0, 1).map(([ref]) => ref);
}

/** Waits until an object of the class has the values that are asked for. */
const eventWait: Command = async (args, { objects }) => {
  const table = tableNamed(required(args, 'class'));
  const wanted = args.pairs.filter(([n]) => n !== 'class');
  for (let token = ''; ;) {
    const batch = await objects.api.call<{ token: string; events: readonly { ref: string; snapshot?: Readonly<Record<string, unknown>> }[] }>(
      'event.from',
      [table.cls.toLowerCase()],
      token,
      30,
    );
    token = batch.token;
    for (const { ref, snapshot } of batch.events) if (snapshot && (await allHold(objects, table, { ref, record: snapshot }, wanted))) return;
  }
};
async function allHold(objects: Objects, table: ReturnType<typeof tableNamed>, shown: Shown, wanted: readonly (readonly [string, string])[]): Promise<boolean> {
  for (const [name, value] of wanted) {
    const not = value.startsWith('/='),
      field = table.fields.find(([n]) => n === name);
    if (!field) throw new Misuse(`Unknown field '${name}'`);
    if (((await objects.text(field, shown)) === (not ? value.slice(2) : value)) === not) return false;
  }
  return true;
}

const imageImport: Command = async (args, around) => {
  const { session } = around.objects.api,
    file = required(args, 'filename');
  const name = optional(args, 'name-label') ?? file;
  const answer = await around.upload(file, `/images?session_id=${encodeURIComponent(session)}&name_label=${encodeURIComponent(name)}`);
  around.out.print(String((answer as { template?: string }).template ?? ''));
};

export const commands: Readonly<Record<string, Command>> = {
  'vm-install': install,
  'vm-clone': clone,
  'vm-copy': copy,
  'vm-uninstall': onVms(['force'], uninstall),
  'vm-destroy': simple('VM', 'VM.destroy'),
  'vm-start': onVms(['on', 'paused', 'force'], start),
  'vm-shutdown': eitherVm('VM.clean_shutdown', 'VM.hard_shutdown'),
  'vm-reboot': eitherVm('VM.clean_reboot', 'VM.hard_reboot'),
  'vm-pause': vmTask('VM.pause'),
  'vm-unpause': vmTask('VM.unpause'),
  'vm-suspend': vmTask('VM.suspend'),
  'vm-resume': onVms(['on', 'force'], (vm, args, around) => task(around, 'VM.resume', vm, false, forced(args))),
  'vm-reset-powerstate': onVms(['force'], (vm, _args, { objects }) => objects.api.call('VM.power_state_reset', vm)),
  'vm-memory-limits-set': memoryLimits,
  'vm-memory-set': onVms(['memory'], (vm, args, { objects }) => objects.api.call('VM.set_memory', vm, bytes('memory', required(args, 'memory')))),
  'vm-vcpu-hotplug': onVms(['new-vcpus'], (vm, args, around) => task(around, 'VM.set_VCPUs_number_live', vm, Number(required(args, 'new-vcpus')))),
  'vm-disk-add': diskAdd,
  'vm-cd-insert': cdInsert,
  'vm-cd-eject': cdEject,
  'vdi-create': vdiCreate,
  'vdi-destroy': simple('VDI', 'VDI.destroy'),
  'vdi-resize': async (args, around) =>
    void (await around.objects.api.call('VDI.resize', await byUuid(around, 'VDI', required(args, 'uuid')), bytes('disk-size', required(args, 'disk-size')))),
  'vdi-clone': async (args, around) =>
    around.out.print(await uuidOf(around, 'VDI', await around.objects.api.call<string>('VDI.clone', await byUuid(around, 'VDI', required(args, 'uuid')), {}))),
  'vdi-copy': async (args, around) =>
    around.out.print(
      await uuidOf(
        around,
        'VDI',
        refIn(await task(around, 'VDI.copy', await byUuid(around, 'VDI', required(args, 'uuid')), await byUuid(around, 'SR', required(args, 'sr-uuid')))),
      ),
    ),
  'vbd-create': vbdCreate,
  'vbd-destroy': simple('VBD', 'VBD.destroy'),
  'vbd-plug': simple('VBD', 'VBD.plug', true),
  'vbd-unplug': simple('VBD', 'VBD.unplug', true),
  'vbd-eject': simple('VBD', 'VBD.eject'),
  'vbd-insert': async (args, around) =>
    void (await around.objects.api.call(
      'VBD.insert',
      await byUuid(around, 'VBD', required(args, 'uuid')),
      await byUuid(around, 'VDI', required(args, 'vdi-uuid')),
    )),
  'vif-create': vifCreate,
  'vif-destroy': simple('VIF', 'VIF.destroy'),
  'vif-plug': simple('VIF', 'VIF.plug', true),
  'vif-unplug': simple('VIF', 'VIF.unplug', true),
  'network-create': networkCreate,
  'network-destroy': simple('network', 'network.destroy'),
  'sr-scan': simple('SR', 'SR.scan'),
  'pbd-plug': simple('PBD', 'PBD.plug'),
  'pbd-unplug': simple('PBD', 'PBD.unplug'),
  'pbd-destroy': simple('PBD', 'PBD.destroy'),
  'host-enable': async (args, around) => enableHosts(args, around, 'host.enable'),
  'host-disable': async (args, around) => enableHosts(args, around, 'host.disable'),
  'task-cancel': simple('task', 'task.cancel'),
  'message-destroy': simple('message', 'message.destroy'),
  'event-wait': eventWait,
  'image-import': imageImport,
};
async function enableHosts(args: Arguments, around: Surroundings, method: string): Promise<void> {
  for (const { ref } of await select('host', args, around, [])) await around.objects.api.call(method, ref);
}
