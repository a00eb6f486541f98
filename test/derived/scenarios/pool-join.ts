import { eventually, login, password, startWorld, type Call, type World } from '../../world';
import type { Kit, Scenarios } from '../kit';

const others = new WeakMap<Kit, Promise<{ readonly world: World; readonly call: Call }>>();
/** The pool that is joined. */
function otherOf(kit: Kit): Promise<{ readonly world: World; readonly call: Call }> {
  const known = others.get(kit);
  if (known) return known;
  const made = startWorld({ hosts: 1, seed: 8, scheduler: false }).then(async (world) => ({
    world,
    call: await login(world.url),
  }));
  kit.atEnd(async () => (await made).world.stop());
  others.set(kit, made);
  return made;
}

interface Record {
  readonly uuid: string;
  readonly metrics: string;
}
/** The uuids of the pool's hosts that live. */
async function live(call: Call): Promise<string[]> {
  const hosts = Object.values(await call<Readonly<{ [ref: string]: Record }>>('host.get_all_records'));
  const alive = await Promise.all(
    hosts.map(async ({ uuid, metrics }) =>
      (await call<boolean>('host_metrics.get_live', metrics)) ? [uuid] : [],
    ),
  );
  return alive.flat();
}
const uuidOf = (kit: Kit): string => hostOf.get(kit) ?? '';
const hostOf = new WeakMap<Kit, string>();

const vmName = 'comes along';
const diskName = 'comes along alone';
interface Luggage {
  readonly vms: readonly string[];
  readonly disks: readonly string[];
}
const luggageIn = async (call: Call): Promise<Luggage> => ({
  vms: await call<string[]>('VM.get_by_name_label', vmName),
  disks: await call<string[]>('VDI.get_by_name_label', diskName),
});
async function newDisk(call: Call, name_label: string): Promise<string> {
  const [SR] = await call<string[]>('SR.get_by_name_label', 'Local storage');
  return call('VDI.create', {
    name_label,
    SR,
    virtual_size: 2 ** 20,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  });
}
/** A VM with a disk, and a disk that no VM has. */
async function pack(call: Call): Promise<void> {
  const { vms, disks } = await luggageIn(call);
  if (disks.length === 0) await newDisk(call, diskName);
  if (vms.length > 0) return;
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const VM = await call<string>('VM.clone', template, vmName);
  await call('VM.remove_from_other_config', VM, 'disks');
  await call('VM.set_is_a_template', VM, false);
  const vbd = {
    VM,
    VDI: await newDisk(call, 'its disk'),
    userdevice: '0',
    bootable: true,
    mode: 'RW',
    type: 'Disk',
    empty: false,
  };
  await call('VBD.create', { ...vbd, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} });
}

/** The host is at home with what it has, without the shared storage that may not come along. */
async function atHome(kit: Kit): Promise<unknown[]> {
  const { world, call } = await otherOf(kit);
  if (!hostOf.has(kit)) hostOf.set(kit, (await live(kit.call))[0] ?? '');
  const there = (await call<Readonly<{ [ref: string]: Record }>>('host.get_all_records')) ?? {};
  for (const vm of (await luggageIn(call)).vms) await call('VM.destroy', vm);
  for (const [ref, { uuid }] of Object.entries(there))
    if (uuid === uuidOf(kit)) await call('pool.eject', ref);
  await eventually(async () => expect(await live(kit.call)).toEqual([uuidOf(kit)]));
  for (const sr of await kit.call<string[]>('SR.get_by_name_label', 'Shared storage')) {
    for (const pbd of await kit.call<string[]>('SR.get_PBDs', sr)) await kit.call('PBD.unplug', pbd);
    await kit.call('SR.forget', sr);
  }
  await pack(kit.call);
  return [world.url, 'root', password];
}

/** The host lives in one of the two pools with all that it has, and its own one knows in which. */
export async function inOnePool(kit: Kit): Promise<void> {
  const { call } = await otherOf(kit);
  await eventually(async () => {
    const slave = (await kit.plane.store.query('SELECT 1 FROM slave_of')).length > 0;
    const there = (await live(call)).includes(uuidOf(kit));
    expect([slave, there, await live(kit.call)]).toEqual(
      slave ? [true, true, []] : [false, false, [uuidOf(kit)]],
    );
    const [having, lacking] = slave ? [call, kit.call] : [kit.call, call];
    expect(await luggageIn(lacking)).toEqual({ vms: [], disks: [] });
    const { vms, disks } = await luggageIn(having);
    expect([vms.length, disks.length]).toEqual([1, 1]);
    expect(await having('VM.get_record', vms[0])).toMatchObject({
      blocked_operations: {},
      current_operations: {},
      power_state: 'Halted',
    });
    expect(await having('VDI.get_current_operations', disks[0])).toEqual({});
  });
}

/** To force it differs only in what is asked before there is an operation. */
export const poolJoinScenarios: Scenarios = { 'pool.join': atHome, 'pool.join_force': atHome };
