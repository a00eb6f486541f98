/** The disks, CD drives, cards and migrations of VMs. */
import { nullRefText, XenError } from '@xenplane/model';
import { logOut, type Api } from '../../api';
import { bytes, flagged, keyed, Misuse, optional, required, type Arguments } from '../arguments';
import { chosen } from '../generic';
import { fieldCells, tableNamed, type Shown } from '../objects';
import { onEach, perform, type Command } from '../row';
import { selectVms } from '../select';
import type { ClassTable } from '../tables/fields';
import type { Surroundings } from '../terminal';
import { hostNamed, onVms } from './vm';

async function drivesOf({ objects }: Surroundings, vm: string, type: 'CD' | 'Disk'): Promise<Shown[]> {
  const refs = await objects.api.call<string[]>('VM.get_VBDs', vm);
  const all = await Promise.all(refs.map(async (ref) => ({ ref, record: (await objects.one('VBD', ref)) ?? {} })));
  return all.filter(({ record }) => record['type'] === type).sort((a, b) => Number(a.record['userdevice']) - Number(b.record['userdevice']));
}
const usualOfDisk = ['uuid', 'name-label', 'virtual-size', 'sr-name-label'];

/** Each drive and what is in it, under headings. */
export async function listDrives(args: Arguments, around: Surroundings, vm: string, type: 'CD' | 'Disk'): Promise<void> {
  const { objects, printer } = around;
  const usual = type === 'CD' ? ['uuid', 'vm-name-label', 'userdevice', 'empty'] : ['uuid', 'vm-name-label', 'userdevice'];
  for (const [i, drive] of (await drivesOf(around, vm, type)).entries()) {
    printer.message(`${type} ${i} VBD:`);
    printer.table([await chosen(around, tableNamed('vbd'), drive, optional(args, 'vbd-params'), usual)]);
    const ref = String(drive.record['VDI']);
    const record = drive.record['empty'] === true ? undefined : await objects.one('VDI', ref);
    if (!record) continue;
    printer.message(`${type} ${i} VDI:`);
    printer.table([await chosen(around, tableNamed('vdi'), { ref, record }, optional(args, 'vdi-params'), usualOfDisk)]);
  }
}
const drives = (type: 'CD' | 'Disk'): Command => onVms((vm, args, around) => listDrives(args, around, vm, type));

/** A drive is plugged at once where it can be; where it cannot, it is there at the next start. */
async function addDrive(
  around: Surroundings,
  drive: { VM: string; VDI: string; userdevice: string; type: 'CD' | 'Disk' },
  other_config: object,
): Promise<void> {
  const fixed = { mode: drive.type === 'CD' ? 'RO' : 'RW', bootable: false, empty: false, unpluggable: true, qos_algorithm_type: '', qos_algorithm_params: {} };
  const vbd = await perform(around, 'VBD.create', { ...drive, ...fixed, other_config });
  await perform(around, 'VBD.plug', vbd).catch((error: unknown) => {
    if (!(error instanceof XenError)) throw error;
  });
}
const diskAdd: Command = async (args, around) => {
  const { objects } = around;
  const uuid = optional(args, 'sr-uuid'),
    virtual_size = bytes('disk-size', required(args, 'disk-size')),
    userdevice = required(args, 'device');
  const SR = uuid === undefined ? await objects.api.call<string>('pool.get_default_SR', await objects.pool()) : await objects.byUuid('SR', uuid);
  if (uuid === undefined && !(await objects.one('SR', SR))) throw new Misuse('No default Pool SR set; you must specify an SR on the commandline');
  const name = 'Created by xe';
  await onVms(async (vm) => {
    const fixed = { type: 'user', sharable: false, read_only: false, other_config: {}, name_label: name, name_description: name };
    const vdi = String(await perform(around, 'VDI.create', { SR, virtual_size, ...fixed, sm_config: { vmhint: await objects.uuidOf('VM', vm) } }));
    try {
      await addDrive(around, { VM: vm, VDI: vdi, userdevice, type: 'Disk' }, { owner: '' });
    } catch (error) {
      await perform(around, 'VDI.destroy', vdi).catch(() => undefined);
      throw error;
    }
  })(args, around);
};
const diskRemove: Command = onVms(async (vm, args, around) => {
  const all = [...(await drivesOf(around, vm, 'Disk')), ...(await drivesOf(around, vm, 'CD'))];
  const found = all.find(({ record }) => record['userdevice'] === required(args, 'device'));
  if (!found) throw new Misuse('Disk not found');
  await perform(around, 'VBD.destroy', found.ref);
  await perform(around, 'VDI.destroy', String(found.record['VDI']));
});

async function discs({ objects }: Surroundings): Promise<Shown[]> {
  const storages = Object.entries(await objects.all('SR')).flatMap(([ref, sr]) => (sr['content_type'] === 'iso' ? [ref] : []));
  return (await objects.list(tableNamed('vdi'))).filter(({ record }) => storages.includes(String(record['SR'])));
}
const discsNamed = async (around: Surroundings, name: string): Promise<Shown[]> => (await discs(around)).filter(({ record }) => record['name_label'] === name);

const cdAdd: Command = async (args, around) => {
  const name = required(args, 'cd-name');
  const [disc] = await discsNamed(around, name);
  if (!disc) throw new Misuse(`CD ${name} not found!`);
  await onVms((vm) => addDrive(around, { VM: vm, VDI: disc.ref, userdevice: required(args, 'device'), type: 'CD' }, {}))(args, around);
};
const cdRemove: Command = onVms(async (vm, args, around) => {
  const name = required(args, 'cd-name');
  const inDrives = await discsNamed(around, name);
  const found = (await drivesOf(around, vm, 'CD')).find(({ record }) =>
    record['empty'] === true ? name === '<EMPTY>' : inDrives.some(({ ref }) => ref === record['VDI']),
  );
  if (!found) throw new Misuse('Disk not found');
  await perform(around, 'VBD.destroy', found.ref);
});
const cdInsert: Command = async (args, around) => {
  const name = required(args, 'cd-name');
  const [disc, second] = await discsNamed(around, name);
  if (!disc) throw new Misuse(`CD ${name} not found`);
  if (second) throw new Misuse(`Multiple CDs named ${name} found. Please use vbd-insert and specify uuids`);
  await onVms(async (vm) => {
    const [drive, another] = (await drivesOf(around, vm, 'CD')).filter(({ record }) => record['empty'] === true);
    if (!drive) throw new XenError('VM_NO_EMPTY_CD_VBD', vm);
    if (another) throw new Misuse('Two or more empty CD devices found. Please use vbd-insert');
    await perform(around, 'VBD.insert', drive.ref, disc.ref);
  })(args, around);
};
const cdEject: Command = onVms(async (vm, _args, around) => {
  const [drive, another] = await drivesOf(around, vm, 'CD');
  if (!drive) throw new Misuse('No CDs found');
  if (another) throw new Misuse('Two or more CDs found. Please use vbd-eject');
  await perform(around, 'VBD.eject', drive.ref);
});
/** The disks of all CD storages. */
const cdList: Command = async (args, around) => {
  const found = (await discs(around)).map((disc) => chosen(around, tableNamed('vdi'), disc, optional(args, 'params'), ['name-label', 'uuid']));
  around.printer.table(await Promise.all(found));
};

const usualOfCard = ['uuid', 'device', 'MAC', 'network-uuid', 'network-name-label', 'vm-name-label'];
/** Of several VMs without being asked to. */
const vifList: Command = (args, around) =>
  onVms(async (vm, _args, { objects, printer }) => {
    const refs = await objects.api.call<string[]>('VM.get_VIFs', vm);
    const cards = refs.map(async (ref) =>
      chosen(around, tableNamed('vif'), { ref, record: (await objects.one('VIF', ref)) ?? {} }, optional(args, 'params'), usualOfCard),
    );
    printer.table(await Promise.all(cards));
  })({ ...args, pairs: [['multiple', 'true'], ...args.pairs.filter(([name]) => name !== 'params')] }, around);
/** A class without commands of its own. */
const crashdump: ClassTable = {
  ...{ cls: 'crashdump', list: [], filters: [], commands: [] },
  fields: [
    ['uuid', 'crashdump.uuid', 'RO'],
    ['vm-uuid', 'crashdump.VM', 'RO'],
    ['vm-name-label', 'crashdump.VM', 'RO', { shown: 'name' }],
    ['vdi-uuid', 'crashdump.VDI', 'RO'],
  ],
};
const crashdumps: Command = onVms(async (vm, _args, { objects, printer }) => {
  const refs = await objects.api.call<string[]>('VM.get_crash_dumps', vm);
  printer.table(
    await Promise.all(
      refs.map(async (ref) => fieldCells(objects, crashdump, crashdump.fields, { ref, record: (await objects.one('crashdump', ref)) ?? {} }, false)),
    ),
  );
});

/** What is said of how it goes. */
function optionsOf(args: Arguments): Record<string, string> {
  const compress = optional(args, 'compress');
  const truths = ['force', 'live', 'copy'].flatMap((name) => (optional(args, name) === undefined ? [] : [[name, String(flagged(args, name))]]));
  return { ...(compress === undefined ? {} : { compress }), ...(Object.fromEntries(truths) as Record<string, string>) };
}
const abroadWords = ['remote-master', 'remote-username', 'vif', 'remote-password', 'remote-network', 'vdi', 'vgpu'];
const migrate: Command = async (args, around) => {
  if (args.pairs.some(([name]) => abroadWords.some((word) => name.startsWith(word)))) return migrateAway(args, around);
  const name = optional(args, 'host') ?? optional(args, 'host-uuid') ?? optional(args, 'host-name');
  if (name === undefined) throw new Misuse('No destination host specified');
  const host = await hostNamed(name, around);
  await onVms((vm) => perform(around, 'VM.pool_migrate', vm, host, optionsOf(args)))(args, around);
};
/** To another pool, by a session there. */
async function migrateAway(args: Arguments, around: Surroundings): Promise<void> {
  around.printer.message("Performing a storage live migration. Your VM's VDIs will be migrated with the VM.");
  const [master, user, password] = [optional(args, 'remote-master'), optional(args, 'remote-username'), optional(args, 'remote-password')];
  if (master === undefined || user === undefined || password === undefined)
    throw new Misuse(
      "Storage live migration requires remote-master, remote-username, and remote-password to be specified. Please see 'xe help vm-migrate' for help.",
    );
  const there = await around.abroad({ url: master, user, password });
  await sendTo(there, args, around).finally(() => logOut(there));
}
async function sendTo(there: Api, args: Arguments, around: Surroundings): Promise<void> {
  const { objects, printer } = around;
  const { host, via } = await destinationOf(args, there);
  const mapped = async (name: string, here: string, asThere: (word: string) => Promise<string>): Promise<Record<string, string>> =>
    Object.fromEntries(
      await Promise.all(keyed(args, name).map(async ([from, into]): Promise<[string, string]> => [await objects.byUuid(here, from), await asThere(into)])),
    );
  const pairs = (name: string, here: string, far: string): Promise<Record<string, string>> =>
    mapped(name, here, (uuid) => there.call<string>(`${far}.get_by_uuid`, uuid));
  const disks = await pairs('vdi', 'VDI', 'SR'),
    cards = await pairs('vif', 'VIF', 'network'),
    graphics = await pairs('vgpu', 'VGPU', 'GPU_group'),
    formats = await mapped('image-format', 'VDI', (format) => Promise.resolve(format));
  await onEach(around, 'VM', await selectVms(args, around, ['vgpu'], false), async (vm) => {
    const all = { ...(await unmapped(around, vm, () => storageOf(there, host))), ...disks };
    await tellMapping(around, there, { host, via, disks: all });
    const destination = await there.call('host.migrate_receive', host, via, optionsOf(args));
    const networks = { ...(await cardsTo(around, vm, via)), ...cards };
    const sent = await perform(around, 'VM.migrate_send', vm, destination, true, all, networks, optionsOf(args), graphics, formats);
    if (flagged(args, 'copy')) printer.list([await there.call<string>('VM.get_uuid', sent)]);
  });
}
async function destinationOf(args: Arguments, there: Api): Promise<{ readonly host: string; readonly via: string }> {
  const wanted = optional(args, 'host') ?? optional(args, 'host-uuid') ?? optional(args, 'host-name'),
    network = optional(args, 'remote-network');
  const host = await firstThere(there, 'host', ['hostname', 'name_label', 'uuid'], wanted);
  if (host === undefined) throw new Misuse(wanted === undefined ? 'Failed to find a suitable host' : `Failed to find host: ${wanted}`);
  if (network === undefined) return { host, via: await managementOf(there, host) };
  const via = await firstThere(there, 'network', ['bridge', 'name_label', 'uuid'], network);
  if (via === undefined) throw new Misuse(`Failed to find network: ${network}`);
  return { host, via };
}
async function firstThere(there: Api, cls: string, fields: readonly string[], wanted: string | undefined): Promise<string | undefined> {
  const all = Object.entries(await there.call<Record<string, Record<string, unknown>>>(`${cls}.get_all_records`));
  return all.find(([, record]) => wanted === undefined || fields.some((field) => record[field] === wanted))?.[0];
}
interface Mapping {
  readonly host: string;
  readonly via: string;
  readonly disks: Readonly<Record<string, string>>;
}
async function tellMapping({ objects, printer }: Surroundings, there: Api, { host, via, disks }: Mapping): Promise<void> {
  const [hostName, networkName] = [await there.call<string>('host.get_name_label', host), await there.call<string>('network.get_name_label', via)];
  printer.message(`Will migrate to remote host: ${hostName}, using remote network: ${networkName}. Here is the VDI mapping:`);
  for (const [vdi, sr] of Object.entries(disks))
    printer.message(`VDI ${await objects.uuidOf('VDI', vdi)} -> SR ${await there.call<string>('SR.get_uuid', sr)}`);
}

async function managementOf(there: Api, host: string): Promise<string> {
  const pif = await there.call<string>('host.get_management_interface', host);
  return there.call<string>('PIF.get_network', pif);
}
/** Of the storages that the host has, a shared one before others, then the one with the most room. */
async function storageOf(there: Api, host: string): Promise<string> {
  const pbds = await Promise.all(
    (await there.call<string[]>('host.get_PBDs', host)).map((pbd) => there.call<{ SR: string; currently_attached: boolean }>('PBD.get_record', pbd)),
  );
  const refs = pbds.filter((pbd) => pbd.currently_attached).map((pbd) => pbd.SR);
  const srs = await Promise.all(refs.map(async (ref) => ({ ref, ...(await there.call<Storage>('SR.get_record', ref)) })));
  const room = (sr: Storage): number => sr.physical_size - sr.physical_utilisation;
  const better = (a: Storage, b: Storage): number => Number(b.shared) - Number(a.shared) || room(b) - room(a);
  return srs.filter((sr) => sr.content_type !== 'iso').sort(better)[0]?.ref ?? nullRefText;
}
interface Storage {
  readonly content_type: string;
  readonly shared: boolean;
  readonly physical_size: number;
  readonly physical_utilisation: number;
}
async function unmapped(around: Surroundings, vm: string, sr: () => Promise<string>): Promise<Record<string, string>> {
  const drives = (await drivesOf(around, vm, 'Disk')).filter(({ record }) => record['empty'] !== true);
  const target = drives.length > 0 ? await sr() : '';
  return Object.fromEntries(drives.map(({ record }) => [String(record['VDI']), target]));
}
async function cardsTo({ objects }: Surroundings, vm: string, network: string): Promise<Record<string, string>> {
  return Object.fromEntries((await objects.api.call<string[]>('VM.get_VIFs', vm)).map((vif) => [vif, network]));
}

export const deviceCommands: Readonly<Record<string, Command>> = {
  'vm-disk-list': drives('Disk'),
  'vm-disk-add': diskAdd,
  'vm-disk-remove': diskRemove,
  'cd-list': cdList,
  'vm-cd-list': drives('CD'),
  'vm-cd-add': cdAdd,
  'vm-cd-remove': cdRemove,
  'vm-cd-insert': cdInsert,
  'vm-cd-eject': cdEject,
  'vm-vif-list': vifList,
  'vm-crashdump-list': crashdumps,
  'vm-migrate': migrate,
};
