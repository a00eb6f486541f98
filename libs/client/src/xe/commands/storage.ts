/** Storage: `sr-*`, `vdi-*`, `vbd-*`, `pbd-*`, and the disks in CD storages. */
import { nullRefText } from '@xenplane/model';
import { bytes, flagged, keyed, Misuse, optional, required } from '../arguments';
import { show } from '../generic';
import { tableNamed } from '../objects';
import { make, perform, report, row, type Command } from '../row';
import { dataSources } from './measurements';

/** The host of the uuid; a shared storage is made by the master. */
async function hostFor(...[args, { objects }]: Parameters<Command>): Promise<string> {
  const uuid = optional(args, 'host-uuid');
  if (uuid !== undefined) return objects.byUuid('host', uuid);
  const [pool] = Object.values(await objects.all('pool'));
  return String(pool?.['master'] ?? '');
}
/** Settings of the device; `device-config:key-filename=file` takes the content of a file of the user. */
async function deviceConfig(...[args, { terminal }]: Parameters<Command>): Promise<Record<string, string>> {
  const config: Record<string, string> = {};
  for (const [key, value] of keyed(args, 'device-config'))
    if (key.endsWith('-filename')) config[key.slice(0, -'-filename'.length)] = Buffer.from(await terminal.readFile(value)).toString('utf8');
    else config[key] = value;
  return config;
}
const srCreate: Command = async (args, around) => {
  const shared = flagged(args, 'shared'),
    hosts = await around.objects.api.call<string[]>('host.get_all');
  if (!shared && optional(args, 'host-uuid') === undefined && hosts.length > 1)
    throw new Misuse('host-uuid must be specified when creating a non-shared SR in a pool of several hosts');
  const sr = await perform(
    around,
    'SR.create',
    await hostFor(args, around),
    await deviceConfig(args, around),
    bytes('physical-size', optional(args, 'physical-size') ?? '0'),
    required(args, 'name-label'),
    optional(args, 'name-description') ?? '',
    required(args, 'type'),
    optional(args, 'content-type') ?? '',
    shared,
    Object.fromEntries(keyed(args, 'sm-config')),
  );
  await report(around, 'SR.create', sr);
};
const srProbe =
  (method: string): Command =>
  async (args, around) => {
    const found = await perform(
      around,
      method,
      await hostFor(args, around),
      await deviceConfig(args, around),
      required(args, 'type'),
      Object.fromEntries(keyed(args, 'sm-config')),
    );
    if (!Array.isArray(found)) return report(around, method, found);
    for (const one of found as readonly Readonly<Record<string, unknown>>[])
      around.terminal.print(
        Object.entries(one)
          .map(([k, v]) => `${k}: ${JSON.stringify(v)}`)
          .join('\n'),
      );
  };

const vdiCreate: Command = async (args, around) => {
  const { objects, terminal } = around;
  const vdi = await perform(around, 'VDI.create', {
    SR: await objects.byUuid('SR', required(args, 'sr-uuid')),
    name_label: required(args, 'name-label'),
    name_description: '',
    virtual_size: bytes('virtual-size', required(args, 'virtual-size')),
    type: (optional(args, 'type') ?? 'user').toLowerCase(),
    sharable: flagged(args, 'sharable'),
    read_only: false,
    other_config: {},
    xenstore_data: {},
    sm_config: Object.fromEntries(keyed(args, 'sm-config')),
    tags: keyed(args, 'tags').map(([, tag]) => tag),
  });
  terminal.print(await objects.uuidOf('VDI', String(vdi)));
};
const driverParams = (args: Parameters<Command>[0]): Record<string, string> =>
  Object.fromEntries(args.pairs.filter(([n]) => n.startsWith('driver-params-')).map(([n, v]) => [n.slice('driver-params-'.length), v]));
const vdiClone: Command = async (args, around) => {
  const { objects } = around;
  const clone = String(await perform(around, 'VDI.clone', await objects.byUuid('VDI', required(args, 'uuid')), driverParams(args)));
  for (const [name, call] of [
    ['new-name-label', 'VDI.set_name_label'],
    ['new-name-description', 'VDI.set_name_description'],
  ] as const) {
    const text = optional(args, name);
    if (text !== undefined) await objects.api.call(call, clone, text);
  }
  around.terminal.print(await objects.uuidOf('VDI', clone));
};
const vdiSnapshot: Command = async (args, around) =>
  report(around, 'VDI.snapshot', await perform(around, 'VDI.snapshot', await around.objects.byUuid('VDI', required(args, 'uuid')), driverParams(args)));
const vdiCopy: Command = async (args, around) => {
  const { objects } = around;
  const ref = async (name: string, cls: string): Promise<string> => {
    const uuid = optional(args, name);
    return uuid === undefined ? nullRefText : objects.byUuid(cls, uuid);
  };
  const params = [await ref('sr-uuid', 'SR'), await ref('base-vdi-uuid', 'VDI'), await ref('into-vdi-uuid', 'VDI')];
  if (params[0] === nullRefText && params[2] === nullRefText) throw new Misuse('Please specify one of: a destination sr-uuid or an into-vdi-uuid');
  await report(around, 'VDI.copy', await perform(around, 'VDI.copy', await objects.byUuid('VDI', required(args, 'uuid')), ...params));
};
const vdiResize: Command = async (args, around) => {
  const size = bytes('disk-size', required(args, 'disk-size'));
  await perform(around, flagged(args, 'online') ? 'VDI.resize_online' : 'VDI.resize', await around.objects.byUuid('VDI', required(args, 'uuid')), size);
};
const vdiUnlock: Command = async (args, around) => {
  if (!flagged(args, 'force')) throw new Misuse('This operation is extremely dangerous and may cause data loss. This operation must be forced (use --force).');
  await perform(around, 'VDI.force_unlock', await around.objects.byUuid('VDI', required(args, 'uuid')));
};
/** What may be done with a disk and who has it. */
const vdiStatus: Command = async (args, { objects, terminal }) => {
  const vdi = await objects.one('VDI', await objects.byUuid('VDI', required(args, 'uuid')));
  const vbds = await Promise.all(((vdi?.['VBDs'] ?? []) as readonly string[]).map((r) => objects.one('VBD', r)));
  terminal.print(`allowed operations: ${((vdi?.['allowed_operations'] ?? []) as readonly string[]).join('; ')}`);
  terminal.print(`current operations: ${Object.values((vdi?.['current_operations'] ?? {}) as Readonly<Record<string, string>>).join('; ')}`);
  for (const vbd of vbds) if (vbd) terminal.print(`VBD ${String(vbd['uuid'])}: attached: ${String(vbd['currently_attached'])}; mode: ${String(vbd['mode'])}`);
};

const vbdCreate: Command = async (args, around) => {
  const { objects, terminal } = around;
  const disk = optional(args, 'vdi-uuid'),
    type = optional(args, 'type')?.toLowerCase() === 'cd' ? 'CD' : 'Disk';
  const made = await perform(around, 'VBD.create', {
    VM: await objects.byUuid('VM', required(args, 'vm-uuid')),
    VDI: disk === undefined ? nullRefText : await objects.byUuid('VDI', disk),
    userdevice: required(args, 'device'),
    bootable: flagged(args, 'bootable'),
    mode: (optional(args, 'mode') ?? (type === 'CD' ? 'RO' : 'RW')).toUpperCase(),
    type,
    empty: disk === undefined,
    unpluggable: (optional(args, 'unpluggable') ?? 'true') === 'true',
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  terminal.print(await objects.uuidOf('VBD', String(made)));
};
const vbdUnplug: Command = async (args, around) =>
  void (await perform(around, flagged(args, 'force') ? 'VBD.unplug_force' : 'VBD.unplug', await around.objects.byUuid('VBD', required(args, 'uuid'))));

/** The disks of all CD storages. */
const cdList: Command = async (args, around) => {
  const { objects } = around;
  const storages = Object.entries(await objects.all('SR')).flatMap(([ref, sr]) => (sr['content_type'] === 'iso' ? [ref] : []));
  const found = (await objects.list(tableNamed('vdi'))).filter(({ record }) => storages.includes(String(record['SR'])));
  await show(around, tableNamed('vdi'), found, optional(args, 'params'), ['name-label', 'uuid']);
};

export const storageCommands: Readonly<Record<string, Command>> = {
  'sr-create': srCreate,
  'sr-probe': srProbe('SR.probe'),
  'sr-probe-ext': srProbe('SR.probe_ext'),
  'sr-scan': row('SR.scan', 'uuid'),
  'sr-introduce': row('SR.introduce', 'uuid', 'name-label', 'name-description', 'type', 'content-type', 'shared', 'sm-config:'),
  'sr-destroy': row('SR.destroy', 'uuid'),
  'sr-forget': row('SR.forget', 'uuid'),
  'sr-update': row('SR.update', 'uuid'),
  'sr-enable-database-replication': row('SR.enable_database_replication', 'uuid'),
  'sr-disable-database-replication': row('SR.disable_database_replication', 'uuid'),
  ...dataSources('sr', 'SR'),
  'lvhd-enable-thin-provisioning': row('LVHD.enable_thin_provisioning', { is: nullRefText }, 'sr-uuid', 'initial-allocation', 'allocation-quantum'),
  'vdi-create': vdiCreate,
  'vdi-destroy': row('VDI.destroy', 'uuid'),
  'vdi-forget': row('VDI.forget', 'uuid'),
  'vdi-update': row('VDI.update', 'uuid'),
  'vdi-introduce': row(
    'VDI.introduce',
    'uuid',
    'name-label',
    'name-description',
    'sr-uuid',
    'type',
    'sharable',
    'read-only',
    'other-config:',
    'location',
    'xenstore-data:',
    'sm-config:',
    'managed=true',
    { is: 0 },
    { is: 0 },
    { is: nullRefText },
    { is: false },
    { is: '19700101T00:00:00Z' },
    { is: nullRefText },
  ),
  'vdi-resize': vdiResize,
  'vdi-generate-config': row('VDI.generate_config', { of: 'host-uuid', cls: 'host' }, { of: 'uuid', cls: 'VDI' }),
  'vdi-copy': vdiCopy,
  'vdi-pool-migrate': row('VDI.pool_migrate', 'uuid', 'sr-uuid', { is: {} }),
  'vdi-clone': vdiClone,
  'vdi-snapshot': vdiSnapshot,
  'vdi-unlock': vdiUnlock,
  'vdi-enable-cbt': row('VDI.enable_cbt', 'uuid'),
  'vdi-disable-cbt': row('VDI.disable_cbt', 'uuid'),
  'vdi-data-destroy': row('VDI.data_destroy', 'uuid'),
  'vdi-list-changed-blocks': row('VDI.list_changed_blocks', 'vdi-from-uuid', 'vdi-to-uuid'),
  'diagnostic-vdi-status': vdiStatus,
  'vbd-create': vbdCreate,
  'vbd-destroy': row('VBD.destroy', 'uuid'),
  'vbd-insert': row('VBD.insert', 'uuid', 'vdi-uuid'),
  'vbd-eject': row('VBD.eject', 'uuid'),
  'vbd-plug': row('VBD.plug', 'uuid'),
  'vbd-unplug': vbdUnplug,
  'vbd-pause': row('VBD.pause', { of: 'uuid', cls: 'VBD' }),
  'vbd-unpause': row('VBD.unpause', { of: 'uuid', cls: 'VBD' }, 'token'),
  'pbd-create': make('PBD', { host: 'host-uuid', SR: 'sr-uuid', device_config: 'device-config:', other_config: { is: {} } }),
  'pbd-destroy': row('PBD.destroy', 'uuid'),
  'pbd-plug': row('PBD.plug', 'uuid'),
  'pbd-unplug': row('PBD.unplug', 'uuid'),
  'cd-list': cdList,
};
