/** A VM that goes to another pool, whatever happens on the way: it is in one of them, whole, and nothing of it in the other. */
import { complaints } from '@xenplane/testing';
import { eventually, login, startWorld, type Call, type World } from '../world';
import type { Kit } from './kit';
import { walk } from './walk';

let other: World;
let there: Call;
beforeAll(async () => {
  other = await startWorld({ hosts: 1, seed: 8 });
  there = await login(other.url);
});
afterAll(() => other?.stop());

interface Vm {
  readonly uuid: string;
  readonly power_state: string;
  readonly is_a_template: boolean;
  readonly is_control_domain: boolean;
  readonly blocked_operations: Record<string, string>;
}
const guests = async (call: Call): Promise<[string, Vm][]> =>
  Object.entries(await call<Record<string, Vm>>('VM.get_all_records')).filter(
    ([, vm]) => !vm.is_a_template && !vm.is_control_domain,
  );

async function send(kit: Kit): Promise<unknown[]> {
  const vm = await kit.runningVm();
  const [host] = await there<string[]>('host.get_all');
  const [sr] = await there<string[]>('SR.get_by_name_label', 'Shared storage');
  const [network] = await there<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  const vbds = await Promise.all(
    (await kit.call<string[]>('VM.get_VBDs', vm)).map((vbd) =>
      kit.call<{ type: string; VDI: string }>('VBD.get_record', vbd),
    ),
  );
  const vifs = await kit.call<string[]>('VM.get_VIFs', vm);
  const disks = vbds.filter((vbd) => vbd.type === 'Disk').map((vbd) => [vbd.VDI, sr]);
  const dest = await there('host.migrate_receive', host, network, {});
  return [
    vm,
    dest,
    true,
    Object.fromEntries(disks),
    Object.fromEntries(vifs.map((vif) => [vif, network])),
    {},
  ];
}

/** VMs that arrived run and are free; those that did not left nothing; then room is made for the next. */
async function settled(kit: Kit): Promise<void> {
  await kit.once();
  const stayed = new Set((await guests(kit.call)).map(([, vm]) => vm.uuid));
  const arrived = await guests(there);
  for (const [, vm] of arrived)
    expect([stayed.has(vm.uuid), vm.power_state, vm.blocked_operations]).toEqual([false, 'Running', {}]);
  const disks = Object.values(await there<Record<string, { name_label: string }>>('VDI.get_all_records'));
  expect(disks.filter((vdi) => vdi.name_label.startsWith('migration '))).toEqual([]);
  for (const [api] of [other.apis])
    await eventually(async () => expect(api && (await complaints(api.plane.store))).toEqual([]));
  for (const [ref] of arrived) await there('VM.hard_shutdown', ref);
  for (const [ref] of arrived) await there('VM.destroy', ref);
}

const given: ReadonlySet<string> = new Set(['release', 'clear', 'gone']);
walk({ 'VM.migrate_send': send }, settled, (_method, step) => given.has(step));
