/** The disks, CD drives and cards of VMs. */
import { XenError } from '@xenplane/model';
import { bytes, Misuse, optional, required, type Arguments } from '../arguments';
import { chosen } from '../generic';
import { fieldCells, tableNamed, type Shown } from '../objects';
import { perform, type Command } from '../row';
import type { ClassTable } from '../tables/fields';
import type { Surroundings } from '../surroundings';
import { drivesOf } from './drives';
import { onVms } from './vm';
import { migrate } from './vm-migrate';

const usualOfDisk = ['uuid', 'name-label', 'virtual-size', 'sr-name-label'];

/** Each drive and what is in it, under headings. */
export async function listDrives(
  args: Arguments,
  around: Surroundings,
  vm: string,
  type: 'CD' | 'Disk',
): Promise<void> {
  const { objects, printer } = around;
  const usual =
    type === 'CD'
      ? ['uuid', 'vm-name-label', 'userdevice', 'empty']
      : ['uuid', 'vm-name-label', 'userdevice'];
  for (const [i, drive] of (await drivesOf(around, vm, type)).entries()) {
    printer.message(`${type} ${i} VBD:`);
    printer.table([await chosen(around, tableNamed('vbd'), drive, optional(args, 'vbd-params'), usual)]);
    const ref = String(drive.record['VDI']);
    const record = drive.record['empty'] === true ? undefined : await objects.one('VDI', ref);
    if (!record) continue;
    printer.message(`${type} ${i} VDI:`);
    printer.table([
      await chosen(around, tableNamed('vdi'), { ref, record }, optional(args, 'vdi-params'), usualOfDisk),
    ]);
  }
}
const drives = (type: 'CD' | 'Disk'): Command =>
  onVms((vm, args, around) => listDrives(args, around, vm, type));

/** A drive is plugged at once where it can be; where it cannot, it is there at the next start. */
async function addDrive(
  around: Surroundings,
  drive: { VM: string; VDI: string; userdevice: string; type: 'CD' | 'Disk' },
  other_config: object,
): Promise<void> {
  const fixed = {
    mode: drive.type === 'CD' ? 'RO' : 'RW',
    bootable: false,
    empty: false,
    unpluggable: true,
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  };
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
  const SR =
    uuid === undefined
      ? await objects.api.call<string>('pool.get_default_SR', await objects.pool())
      : await objects.byUuid('SR', uuid);
  if (uuid === undefined && !(await objects.one('SR', SR)))
    throw new Misuse('No default Pool SR set; you must specify an SR on the commandline');
  const name = 'Created by xe';
  await onVms(async (vm) => {
    const fixed = {
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
      name_label: name,
      name_description: name,
    };
    const vdi = String(
      await perform(around, 'VDI.create', {
        SR,
        virtual_size,
        ...fixed,
        sm_config: { vmhint: await objects.uuidOf('VM', vm) },
      }),
    );
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
  const storages = Object.entries(await objects.all('SR')).flatMap(([ref, sr]) =>
    sr['content_type'] === 'iso' ? [ref] : [],
  );
  return (await objects.list(tableNamed('vdi'))).filter(({ record }) =>
    storages.includes(String(record['SR'])),
  );
}
const discsNamed = async (around: Surroundings, name: string): Promise<Shown[]> =>
  (await discs(around)).filter(({ record }) => record['name_label'] === name);

const cdAdd: Command = async (args, around) => {
  const name = required(args, 'cd-name');
  const [disc] = await discsNamed(around, name);
  if (!disc) throw new Misuse(`CD ${name} not found!`);
  await onVms((vm) =>
    addDrive(around, { VM: vm, VDI: disc.ref, userdevice: required(args, 'device'), type: 'CD' }, {}),
  )(args, around);
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
    const [drive, another] = (await drivesOf(around, vm, 'CD')).filter(
      ({ record }) => record['empty'] === true,
    );
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
  const found = (await discs(around)).map((disc) =>
    chosen(around, tableNamed('vdi'), disc, optional(args, 'params'), ['name-label', 'uuid']),
  );
  around.printer.table(await Promise.all(found));
};

const usualOfCard = ['uuid', 'device', 'MAC', 'network-uuid', 'network-name-label', 'vm-name-label'];
/** Of several VMs without being asked to. */
const vifList: Command = (args, around) =>
  onVms(async (vm, _args, { objects, printer }) => {
    const refs = await objects.api.call<string[]>('VM.get_VIFs', vm);
    const cards = refs.map(async (ref) =>
      chosen(
        around,
        tableNamed('vif'),
        { ref, record: (await objects.one('VIF', ref)) ?? {} },
        optional(args, 'params'),
        usualOfCard,
      ),
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
      refs.map(async (ref) =>
        fieldCells(
          objects,
          crashdump,
          crashdump.fields,
          { ref, record: (await objects.one('crashdump', ref)) ?? {} },
          false,
        ),
      ),
    ),
  );
});

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
