/** The disks, CD drives, cards and migrations of VMs. */
import { nullRefText } from '@xenplane/model';
import type { Api } from '../../api';
import { bytes, flagged, keyed, Misuse, optional, required, type Arguments } from '../arguments';
import { find, show } from '../generic';
import { minimal, tableNamed, type Shown } from '../objects';
import { onEach, perform, type Command } from '../row';
import { selectVms } from '../select';
import type { Surroundings } from '../terminal';

async function drivesOf({ objects }: Surroundings, vm: string, type: 'CD' | 'Disk'): Promise<Shown[]> {
  const refs = await objects.api.call<string[]>('VM.get_VBDs', vm);
  const all = await Promise.all(refs.map(async (ref) => ({ ref, record: (await objects.one('VBD', ref)) ?? {} })));
  return all.filter(({ record }) => record['type'] === type).sort((a, b) => Number(a.record['userdevice']) - Number(b.record['userdevice']));
}
const usualOfDisk = ['uuid', 'name-label', 'sr-name-label', 'virtual-size'];

/** Each drive and what is in it, under headings. */
export async function listDrives(args: Arguments, around: Surroundings, vm: string, type: 'CD' | 'Disk'): Promise<void> {
  const { objects, terminal } = around;
  const drives = await drivesOf(around, vm, type);
  if (around.minimal) return terminal.print(minimal(drives.map(({ record }) => String(record['uuid']))));
  const usual = type === 'CD' ? ['uuid', 'vm-name-label', 'empty', 'userdevice'] : ['uuid', 'vm-name-label', 'userdevice'];
  for (const [i, drive] of drives.entries()) {
    terminal.print(`${type} ${i} VBD:`);
    await show(around, tableNamed('vbd'), [drive], optional(args, 'vbd-params'), usual);
    const ref = String(drive.record['VDI']);
    const record = drive.record['empty'] === true ? undefined : await objects.one('VDI', ref);
    if (!record) continue;
    terminal.print(`${type} ${i} VDI:`);
    await show(around, tableNamed('vdi'), [{ ref, record }], optional(args, 'vdi-params'), usualOfDisk);
  }
}
const drives =
  (type: 'CD' | 'Disk'): Command =>
  async (args, around) => {
    for (const vm of await selectVms(args, around, [], false)) await listDrives(args, around, vm, type);
  };

const drive = (VM: string, VDI: string, userdevice: string, type: 'CD' | 'Disk'): Readonly<Record<string, unknown>> => ({
  ...{ VM, VDI, userdevice, type, mode: type === 'CD' ? 'RO' : 'RW', bootable: false, empty: VDI === nullRefText, unpluggable: true },
  ...{ other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} },
});
/** A drive is plugged at once when its VM runs. */
async function plugIfRunning(around: Surroundings, vm: string, vbd: string): Promise<void> {
  if ((await around.objects.api.call('VM.get_power_state', vm)) === 'Running') await perform(around, 'VBD.plug', vbd);
}

const diskAdd: Command = async (args, around) => {
  const { objects } = around;
  const uuid = optional(args, 'sr-uuid'),
    virtual_size = bytes('disk-size', required(args, 'disk-size')),
    device = required(args, 'device');
  await onEach(around, 'VM', await selectVms(args, around, [], false), async (vm) => {
    const SR = uuid === undefined ? await objects.api.call<string>('pool.get_default_SR', await objects.pool()) : await objects.byUuid('SR', uuid);
    const fixed = { type: 'user', sharable: false, read_only: false, other_config: {}, name_label: 'Created by xe', name_description: '' };
    const vdi = String(await perform(around, 'VDI.create', { SR, virtual_size, ...fixed }));
    try {
      await plugIfRunning(around, vm, String(await perform(around, 'VBD.create', drive(vm, vdi, device, 'Disk'))));
    } catch (error) {
      await perform(around, 'VDI.destroy', vdi).catch(() => undefined);
      throw error;
    }
  });
};
const diskRemove: Command = async (args, around) => {
  const device = required(args, 'device');
  await onEach(around, 'VM', await selectVms(args, around, [], false), async (vm) => {
    const found = (await drivesOf(around, vm, 'Disk')).find(({ record }) => record['userdevice'] === device);
    if (!found) throw new Misuse('Disk not found');
    await perform(around, 'VBD.destroy', found.ref);
    await perform(around, 'VDI.destroy', String(found.record['VDI']));
  });
};

async function discNamed({ objects }: Surroundings, name: string): Promise<string> {
  const storages = Object.entries(await objects.all('SR')).flatMap(([ref, sr]) => (sr['content_type'] === 'iso' ? [ref] : []));
  const found = (await find(objects, tableNamed('vdi'), [['name-label', name]])).filter(({ record }) => storages.includes(String(record['SR'])));
  const [first, second] = found;
  if (!first) throw new Misuse(`CD ${name} not found!`);
  if (second) throw new Misuse(`Multiple CDs named ${name} found. Please use vbd-insert and vbd-eject`);
  return first.ref;
}
/** The one drive that can take, or give, a disc. */
async function cdDrive(around: Surroundings, vm: string, empty: boolean): Promise<string> {
  const all = await drivesOf(around, vm, 'CD');
  if (all.length === 0) throw new Misuse('No CDs drives found');
  const fit = all.filter(({ record }) => record['empty'] === empty);
  const [first, second] = fit;
  if (!first) throw new Misuse(empty ? 'The CD drive is not empty. Use vm-cd-eject first' : 'The CD drive is empty');
  if (second) throw new Misuse('Two or more CD drives found. Please use vbd-insert and vbd-eject');
  return first.ref;
}
const onEachVm =
  (work: (vm: string, args: Arguments, around: Surroundings) => Promise<unknown>): Command =>
  async (args, around) =>
    onEach(around, 'VM', await selectVms(args, around, [], false), async (vm) => void (await work(vm, args, around)));

const cdAdd: Command = onEachVm(async (vm, args, around) => {
  const disc = await discNamed(around, required(args, 'cd-name'));
  await plugIfRunning(around, vm, String(await perform(around, 'VBD.create', drive(vm, disc, required(args, 'device'), 'CD'))));
});
const cdRemove: Command = onEachVm(async (vm, args, around) => {
  const name = required(args, 'cd-name');
  for (const { ref, record } of await drivesOf(around, vm, 'CD'))
    if ((await around.objects.one('VDI', String(record['VDI'])))?.['name_label'] === name) return perform(around, 'VBD.destroy', ref);
  throw new Misuse(`CD ${name} not found!`);
});
const cdInsert: Command = onEachVm(async (vm, args, around) => {
  const disc = await discNamed(around, required(args, 'cd-name'));
  await perform(around, 'VBD.insert', await cdDrive(around, vm, true), disc);
});
const cdEject: Command = onEachVm(async (vm, _args, around) => perform(around, 'VBD.eject', await cdDrive(around, vm, false)));

const vifList: Command = async (args, around) => {
  const { objects } = around;
  for (const vm of await selectVms(args, around, [], false)) {
    const refs = await objects.api.call<string[]>('VM.get_VIFs', vm);
    const found = await Promise.all(refs.map(async (ref) => ({ ref, record: (await objects.one('VIF', ref)) ?? {} })));
    await show(around, tableNamed('vif'), found, optional(args, 'params'), ['uuid', 'vm-name-label', 'device', 'MAC', 'network-uuid', 'network-name-label']);
  }
};
const crashdumps: Command = async (args, around) => {
  for (const vm of await selectVms(args, around, [], false)) {
    const refs = await around.objects.api.call<string[]>('VM.get_crash_dumps', vm);
    for (const ref of refs) around.terminal.print(await around.objects.uuidOf('crashdump', ref));
  }
};

async function hostOf(args: Arguments, { objects }: Surroundings): Promise<string | undefined> {
  const uuid = optional(args, 'host-uuid'),
    name = optional(args, 'host');
  if (uuid !== undefined) return objects.byUuid('host', uuid);
  if (name === undefined) return undefined;
  for (const field of ['uuid', 'name-label', 'hostname']) {
    const [host] = await find(objects, tableNamed('host'), [[field, name]]);
    if (host) return host.ref;
  }
  throw new Misuse(`Not able to find host named ${name}`);
}
const optionsOf = (args: Arguments): Record<string, string> => ({
  ...(optional(args, 'live') !== undefined || args.switches.has('live') ? { live: String(flagged(args, 'live')) } : {}),
  ...(flagged(args, 'force') ? { force: 'true' } : {}),
  ...(flagged(args, 'copy') ? { copy: 'true' } : {}),
  ...(optional(args, 'compress') === undefined ? {} : { compress: optional(args, 'compress') ?? '' }),
});
const migrate: Command = async (args, around) => {
  if (optional(args, 'remote-master') !== undefined) return migrateAway(args, around);
  const host = await hostOf(args, around);
  if (host === undefined) throw new Misuse('No destination host specified: give host= or host-uuid=');
  await onEach(
    around,
    'VM',
    await selectVms(args, around, [], false),
    async (vm) => void (await perform(around, 'VM.pool_migrate', vm, host, optionsOf(args))),
  );
};
/** To another pool, by a session there. */
async function migrateAway(args: Arguments, around: Surroundings): Promise<void> {
  const master = required(args, 'remote-master');
  const url = /^https?:/.test(master) ? master : `http://${master}`;
  const there = await around.abroad({ url, user: required(args, 'remote-username'), password: required(args, 'remote-password') });
  const network = optional(args, 'remote-network');
  const [host = ''] = await there.call<string[]>('host.get_all');
  const chosen = optional(args, 'host-uuid');
  const to = chosen === undefined ? host : await there.call<string>('host.get_by_uuid', chosen);
  const via = network === undefined ? await managementOf(there, to) : await there.call<string>('network.get_by_uuid', network);
  const destination = await there.call('host.migrate_receive', to, via, {});
  const pairs = async (name: string, here: string, far: string): Promise<Record<string, string>> =>
    Object.fromEntries(
      await Promise.all(keyed(args, name).map(async ([from, into]) => [await around.objects.byUuid(here, from), await there.call(`${far}.get_by_uuid`, into)])),
    ) as Record<string, string>;
  const disks = await pairs('vdi', 'VDI', 'SR'),
    cards = await pairs('vif', 'VIF', 'network');
  for (const vm of await selectVms(args, around, [], true)) {
    const all = { ...(await unmapped(around, vm, () => storageOf(there, to))), ...disks };
    const rest = await cardsTo(around, vm, via);
    await perform(around, 'VM.migrate_send', vm, destination, true, all, { ...rest, ...cards }, optionsOf(args));
  }
}

async function managementOf(there: Api, host: string): Promise<string> {
  const pif = await there.call<string>('host.get_management_interface', host);
  return there.call<string>('PIF.get_network', pif);
}
/** The pool's default storage where the host has it, else the host's with the most room. */
async function storageOf(there: Api, host: string): Promise<string> {
  const pbds = await Promise.all(
    (await there.call<string[]>('host.get_PBDs', host)).map((pbd) => there.call<{ SR: string; currently_attached: boolean }>('PBD.get_record', pbd)),
  );
  const refs = pbds.filter((pbd) => pbd.currently_attached).map((pbd) => pbd.SR);
  const [pool] = Object.values(await there.call<Record<string, { default_SR: string }>>('pool.get_all_records'));
  if (pool && refs.includes(pool.default_SR)) return pool.default_SR;
  const srs = await Promise.all(
    refs.map(async (ref) => ({
      ref,
      ...(await there.call<{ content_type: string; physical_size: number; physical_utilisation: number }>('SR.get_record', ref)),
    })),
  );
  const room = (sr: (typeof srs)[number]): number => sr.physical_size - sr.physical_utilisation;
  return srs.filter((sr) => sr.content_type !== 'iso').sort((a, b) => room(b) - room(a))[0]?.ref ?? nullRefText;
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
  'vm-cd-list': drives('CD'),
  'vm-cd-add': cdAdd,
  'vm-cd-remove': cdRemove,
  'vm-cd-insert': cdInsert,
  'vm-cd-eject': cdEject,
  'vm-vif-list': vifList,
  'vm-crashdump-list': crashdumps,
  'vm-migrate': migrate,
};
