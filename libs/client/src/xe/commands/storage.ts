/** Storage: `sr-*`, `vdi-*`, `vbd-*`, `pbd-*`, and the disks in CD storages. */
import { nullRefText } from '@xenplane/model';
import {
  assertForced,
  bytes,
  decimal,
  flagged,
  keyed,
  Misuse,
  optional,
  required,
  type Arguments,
} from '../arguments';
import type { Cell } from '../objects';
import { cellsOf } from '../printer';
import { hosts, make, perform, report, row, type Command } from '../row';
import type { Surroundings } from '../surroundings';
import { dataSources } from './measurements';

/** The host of the uuid; without one the coordinator, where it does not matter or there is no other. */
async function hostFor(args: Arguments, { objects }: Surroundings, anyWillDo = true): Promise<string> {
  const uuid = optional(args, 'host-uuid');
  if (uuid !== undefined) return objects.byUuid('host', uuid);
  if (!anyWillDo && (await objects.api.call<string[]>('host.get_all')).length > 1)
    throw new Misuse('Required parameter not found: host-uuid');
  const [pool] = Object.values(await objects.all('pool'));
  return String(pool?.['master'] ?? '');
}
/** Settings of the device; `device-config:key-filename=file` takes the content of a file of the user. */
async function deviceConfig(args: Arguments, { terminal }: Surroundings): Promise<Record<string, string>> {
  const config: Record<string, string> = {};
  for (const [key, value] of keyed(args, 'device-config'))
    if (key.endsWith('-filename')) {
      const content = await terminal.readFile(value).catch(() => {
        terminal.printError(`File not found: ${value}`);
        throw new Misuse('File not found');
      });
      config[key.slice(0, -'-filename'.length)] = Buffer.from(content).toString('utf8');
    } else config[key] = value;
  return config;
}
/** A text that is no size counts as none, as with xapi: the driver of the storage finds out. */
function sizeOf(text = '0'): number {
  try {
    return bytes('physical-size', text);
  } catch {
    return 0;
  }
}
const srCreate: Command = async (args, around) => {
  const shared = flagged(args, 'shared');
  const sr = await perform(
    around,
    'SR.create',
    await hostFor(args, around, shared),
    await deviceConfig(args, around),
    sizeOf(optional(args, 'physical-size')),
    required(args, 'name-label'),
    '',
    required(args, 'type'),
    optional(args, 'content-type') ?? '',
    shared,
    Object.fromEntries(keyed(args, 'sm-config')),
  );
  around.terminal.print(await around.objects.uuidOf('SR', String(sr)));
};
const probed = async (method: string, args: Arguments, around: Surroundings): Promise<unknown> =>
  perform(
    around,
    method,
    await hostFor(args, around),
    Object.fromEntries(keyed(args, 'device-config')),
    required(args, 'type'),
    Object.fromEntries(keyed(args, 'sm-config')),
  );
const srProbe: Command = async (args, around) =>
  around.printer.list([String(await probed('SR.probe', args, around))]);

interface Probed {
  readonly configuration: Readonly<Record<string, string>>;
  readonly complete: boolean;
  readonly sr?: Readonly<Record<string, unknown>>;
  readonly extra_info: Readonly<Record<string, string>>;
}
const srCells = (sr: Readonly<Record<string, unknown>>): Cell[] =>
  ['uuid', 'name_label', 'name_description', 'total_space', 'free_space', 'clustered', 'health']
    .filter((field) => sr[field] !== undefined)
    .map((field) => ({ name: field.replace('_', '-'), value: String(sr[field]) }));
const srProbeExt: Command = async (args, around) => {
  const { printer } = around;
  const all = (await probed('SR.probe_ext', args, around)) as readonly Probed[];
  const found = all.filter(({ sr }) => sr !== undefined).reverse(),
    rest = all.filter(({ sr }) => sr === undefined).reverse();
  if (found.length > 0) printer.message('The following SRs were found:');
  for (const [i, { sr = {}, configuration, extra_info: extra }] of found.entries()) {
    printer.message(`SR ${i}:`);
    printer.table([srCells(sr)]);
    printer.message(`SR ${i} configuration:`);
    printer.table([cellsOf(configuration)]);
    printer.message(`SR ${i} extra information:`);
    printer.table([cellsOf(extra)]);
  }
  const tell = (heading: string, some: readonly Probed[]): void => {
    if (some.length > 0) printer.message(heading);
    for (const [i, { configuration, extra_info: extra }] of some.entries()) {
      printer.message(`Configuration ${i}:`);
      printer.table([cellsOf(configuration)]);
      printer.message(`Configuration ${i} extra information:`);
      printer.table([cellsOf(extra)]);
    }
  };
  tell(
    'Found the following complete configurations that can be used to create SRs:',
    rest.filter(({ complete }) => complete),
  );
  tell(
    'Found the following incomplete configurations that may contain SRs:',
    rest.filter(({ complete }) => !complete),
  );
};

const diskTypes = ['system', 'user', 'suspend', 'crashdump'];
function diskType(args: Arguments): string {
  const type = optional(args, 'type') ?? 'user';
  if (!diskTypes.includes(type)) throw new Misuse(`Unknown vdi type: ${type}`);
  return type;
}
const vdiCreate: Command = async (args, around) => {
  const { objects, printer } = around;
  const vdi = await perform(around, 'VDI.create', {
    SR: await objects.byUuid('SR', required(args, 'sr-uuid')),
    name_label: required(args, 'name-label'),
    name_description: '',
    virtual_size: bytes('virtual-size', required(args, 'virtual-size')),
    type: diskType(args),
    sharable: flagged(args, 'sharable'),
    read_only: false,
    other_config: {},
    xenstore_data: {},
    sm_config: Object.fromEntries(keyed(args, 'sm-config')),
    tags: keyed(args, 'tags').map(([tag]) => tag),
  });
  printer.list([await objects.uuidOf('VDI', String(vdi))]);
};
const vdiIntroduce: Command = async (args, around) => {
  const said = [
      'sharable',
      'read-only',
      'other-config:',
      'location',
      'xenstore-data:',
      'sm-config:',
      'managed=false',
    ],
    unsaid = [0, 0, nullRefText, false, '19700101T00:00:00Z', nullRefText].map((is) => ({ is }));
  await row(
    'VDI.introduce',
    'uuid',
    'name-label',
    'name-description',
    'sr-uuid',
    { is: diskType(args) },
    ...said,
    ...unsaid,
  )(args, around);
};
const driverParams = (args: Arguments): Record<string, string> =>
  Object.fromEntries(keyed(args, 'driver-params'));
const vdiClone: Command = async (args, around) => {
  const { objects } = around;
  const clone = String(
    await perform(
      around,
      'VDI.clone',
      await objects.byUuid('VDI', required(args, 'uuid')),
      driverParams(args),
    ),
  );
  for (const [name, call] of [
    ['new-name-label', 'VDI.set_name_label'],
    ['new-name-description', 'VDI.set_name_description'],
  ] as const) {
    const text = optional(args, name);
    if (text !== undefined) await objects.api.call(call, clone, text);
  }
  around.printer.list([await objects.uuidOf('VDI', clone)]);
};
const vdiSnapshot: Command = async (args, around) =>
  report(
    around,
    'VDI.snapshot',
    await perform(
      around,
      'VDI.snapshot',
      await around.objects.byUuid('VDI', required(args, 'uuid')),
      driverParams(args),
    ),
  );
const vdiCopy: Command = async (args, around) => {
  const { objects } = around;
  const ref = async (name: string, cls: string): Promise<string> => {
    const uuid = optional(args, name);
    return uuid === undefined ? nullRefText : objects.byUuid(cls, uuid);
  };
  const params = [
    await ref('sr-uuid', 'SR'),
    await ref('base-vdi-uuid', 'VDI'),
    await ref('into-vdi-uuid', 'VDI'),
  ];
  if ((params[0] === nullRefText) === (params[2] === nullRefText))
    throw new Misuse(
      'Please specify one but not both of: a destination sr-uuid (I will create a fresh VDI); or a destination into-vdi-uuid (I will copy the blocks into this VDI)',
    );
  await report(
    around,
    'VDI.copy',
    await perform(around, 'VDI.copy', await objects.byUuid('VDI', required(args, 'uuid')), ...params),
  );
};
const vdiResize: Command = async (args, around) => {
  const size = bytes('disk-size', required(args, 'disk-size'));
  await perform(
    around,
    flagged(args, 'online') ? 'VDI.resize_online' : 'VDI.resize',
    await around.objects.byUuid('VDI', required(args, 'uuid')),
    size,
  );
};
const vdiUnlock: Command = async (args, around) => {
  const vdi = await around.objects.byUuid('VDI', required(args, 'uuid'));
  assertForced(args);
  await perform(around, 'VDI.force_unlock', vdi);
};
/** The bitmap is printed whatever the form of the output. */
const changedBlocks: Command = async (args, { objects, terminal }) => {
  const [from, to] = [
    await objects.byUuid('VDI', required(args, 'vdi-from-uuid')),
    await objects.byUuid('VDI', required(args, 'vdi-to-uuid')),
  ];
  terminal.print(await objects.api.call<string>('VDI.list_changed_blocks', from, to));
};
const srIntroduce: Command = async (args, around) => {
  const rest = [
    required(args, 'name-label'),
    '',
    required(args, 'type'),
    optional(args, 'content-type') ?? '',
    flagged(args, 'shared'),
  ];
  await perform(
    around,
    'SR.introduce',
    required(args, 'uuid'),
    ...rest,
    Object.fromEntries(keyed(args, 'sm-config')),
  );
  around.printer.list([required(args, 'uuid')]);
};

const modes: Readonly<Record<string, string>> = { ro: 'RO', rw: 'RW' };
const drives: Readonly<Record<string, string>> = { cd: 'CD', disk: 'Disk', floppy: 'Floppy' };
function wordOf(words: Readonly<Record<string, string>>, text: string, wrong: string): string {
  const word = words[text.toLowerCase()];
  if (word === undefined) throw new Misuse(wrong);
  return word;
}
const vbdCreate: Command = async (args, around) => {
  const { objects, printer } = around;
  const disk = optional(args, 'vdi-uuid'),
    givenMode = (optional(args, 'mode') ?? 'rw').toLowerCase(),
    givenType = (optional(args, 'type') ?? 'disk').toLowerCase();
  const mode = wordOf(modes, givenMode, `Unknown mode: ${givenMode} (should be "ro" or "rw"`),
    type = wordOf(drives, givenType, `"Unknown type: ${givenType} (should be "cd", "disk" or "floppy"`);
  if (type === 'Disk' && disk === undefined) throw new Misuse('Empty VBDs can only be made for type=CD');
  const made = await perform(around, 'VBD.create', {
    VM: await objects.byUuid('VM', required(args, 'vm-uuid')),
    VDI: disk === undefined ? nullRefText : await objects.byUuid('VDI', disk),
    userdevice: required(args, 'device'),
    ...{ bootable: flagged(args, 'bootable'), mode, type, empty: disk === undefined },
    unpluggable: optional(args, 'unpluggable') === undefined || flagged(args, 'unpluggable'),
    ...{ other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} },
  });
  printer.list([await objects.uuidOf('VBD', String(made))]);
};
/** A guest here lets a disk go or does not: `timeout=` has nothing to wait for, but has to be a number. */
const vbdUnplug: Command = async (args, around) => {
  const vbd = await around.objects.byUuid('VBD', required(args, 'uuid'));
  decimal('timeout', optional(args, 'timeout') ?? '0');
  await perform(around, flagged(args, 'force') ? 'VBD.unplug_force' : 'VBD.unplug', vbd);
};

export const storageCommands: Readonly<Record<string, Command>> = {
  'sr-create': srCreate,
  'sr-probe': srProbe,
  'sr-probe-ext': srProbeExt,
  'sr-scan': row('SR.scan', 'uuid'),
  'sr-introduce': srIntroduce,
  'sr-destroy': row('SR.destroy', 'uuid'),
  'sr-forget': row('SR.forget', 'uuid'),
  'sr-update': row('SR.update', 'uuid'),
  'sr-enable-database-replication': row('SR.enable_database_replication', 'uuid'),
  'sr-disable-database-replication': row('SR.disable_database_replication', 'uuid'),
  ...dataSources('sr', 'SR'),
  'lvhd-enable-thin-provisioning': hosts(
    'LVHD.enable_thin_provisioning',
    '@',
    'sr-uuid',
    'initial-allocation',
    'allocation-quantum',
  ),
  'vdi-create': vdiCreate,
  'vdi-destroy': row('VDI.destroy', 'uuid'),
  'vdi-forget': row('VDI.forget', 'uuid'),
  'vdi-update': row('VDI.update', 'uuid'),
  'vdi-introduce': vdiIntroduce,
  'vdi-resize': vdiResize,
  'vdi-generate-config': row(
    'VDI.generate_config',
    { of: 'host-uuid', cls: 'host' },
    { of: 'uuid', cls: 'VDI' },
  ),
  'vdi-copy': vdiCopy,
  'vdi-pool-migrate': row('VDI.pool_migrate', 'uuid', 'sr-uuid', { is: {} }),
  'vdi-clone': vdiClone,
  'vdi-snapshot': vdiSnapshot,
  'vdi-unlock': vdiUnlock,
  'vdi-enable-cbt': row('VDI.enable_cbt', 'uuid'),
  'vdi-disable-cbt': row('VDI.disable_cbt', 'uuid'),
  'vdi-data-destroy': row('VDI.data_destroy', 'uuid'),
  'vdi-list-changed-blocks': changedBlocks,
  'vbd-create': vbdCreate,
  'vbd-destroy': row('VBD.destroy', 'uuid'),
  'vbd-insert': row('VBD.insert', 'uuid', 'vdi-uuid'),
  'vbd-eject': row('VBD.eject', 'uuid'),
  'vbd-plug': row('VBD.plug', 'uuid'),
  'vbd-unplug': vbdUnplug,
  'vbd-pause': row('VBD.pause', { of: 'uuid', cls: 'VBD' }),
  'vbd-unpause': row('VBD.unpause', { of: 'uuid', cls: 'VBD' }, 'token'),
  'pbd-create': make('PBD', {
    host: 'host-uuid',
    SR: 'sr-uuid',
    device_config: 'device-config:',
    other_config: { is: {} },
  }),
  'pbd-destroy': row('PBD.destroy', 'uuid'),
  'pbd-plug': row('PBD.plug', 'uuid'),
  'pbd-unplug': row('PBD.unplug', 'uuid'),
};
