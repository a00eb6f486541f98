/** The guest metrics of a VM over the wire: there as soon as it runs, filled when the guest speaks, anew after a start or a reboot. */
import { eventually, login, startWorld, untilGuestSpeaks, type Call, type World } from '../world';

let world: World;
let call: Call;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
});
afterAll(() => world?.stop());

const NULL = 'OpaqueRef:NULL';
async function newVm(name: string, system = 'Debian Bookworm 12'): Promise<string> {
  const vm = await call<string>('VM.clone', (await call<string[]>('VM.get_by_name_label', system))[0], name);
  await call('VM.provision', vm);
  return vm;
}
const metricsOf = (vm: string): Promise<string> => call('VM.get_guest_metrics', vm);
const record = async (vm: string): Promise<object> =>
  call('VM_guest_metrics.get_record', await metricsOf(vm));
const silent = {
  os_version: {},
  netbios_name: {},
  PV_drivers_version: {},
  PV_drivers_up_to_date: false,
  PV_drivers_detected: false,
  memory: {},
  disks: {},
  networks: {},
  services: {},
  other: {},
  live: true,
  can_use_hotplug_vbd: 'unspecified',
  can_use_hotplug_vif: 'unspecified',
};
const spoken = {
  os_version: { distro: 'debian' },
  PV_drivers_detected: true,
  other: { 'feature-suspend': '1' },
  live: true,
  can_use_hotplug_vbd: 'yes',
};

test('a VM without an agent has an empty record from its start on, and what needs an agent is refused', async () => {
  const vm = await newVm('mute', 'Other install media');
  expect(await metricsOf(vm)).toBe(NULL);
  await call('VM.start', vm, false, false);
  expect(await record(vm)).toMatchObject(silent);
  for (const method of ['VM.clean_shutdown', 'VM.clean_reboot', 'VM.suspend'])
    await expect(call(method, vm)).rejects.toThrow(`VM_LACKS_FEATURE ${vm}`);
  await call('VM.hard_reboot', vm);
  expect(await record(vm)).toMatchObject(silent);
  await call('VM.hard_shutdown', vm);
});

test('the record fills under the reference that it has had since the start; until then clean operations are refused', async () => {
  const vm = await newVm('quiet');
  await call('VM.start', vm, true, false);
  const [ref, uuid] = [await metricsOf(vm), await call('VM_guest_metrics.get_uuid', await metricsOf(vm))];
  expect(await record(vm)).toMatchObject(silent);
  await expect(call('VM.clean_shutdown', vm)).rejects.toThrow(/^VM_BAD_POWER_STATE /);
  await call('VM.unpause', vm);
  await untilGuestSpeaks(call, vm);
  expect(await record(vm)).toMatchObject({ ...spoken, uuid });
  expect(await metricsOf(vm)).toBe(ref);
  await call('VM.pause', vm);
  await call('VM.unpause', vm);
  expect(await metricsOf(vm)).toBe(ref);
  await call('VM.hard_shutdown', vm);
});

test('suspending, resuming and moving keep the record; a reboot, a start and whatever ends them make a new one', async () => {
  const vm = await newVm('lived');
  await call('VM.start', vm, false, false);
  await untilGuestSpeaks(call, vm);
  const first = await metricsOf(vm);
  await call('VM.suspend', vm);
  expect(await metricsOf(vm)).toBe(first);
  expect(await record(vm)).toMatchObject({ os_version: spoken.os_version });
  await call('VM.resume', vm, false, false);
  expect(await metricsOf(vm)).toBe(first);
  const here = await call<string>('VM.get_resident_on', vm);
  const target = (await call<string[]>('host.get_all')).find((host) => host !== here);
  await call('VM.pool_migrate', vm, target, { live: 'true' });
  expect(await metricsOf(vm)).toBe(first);

  const seen = new Set([first]);
  for (const again of ['VM.clean_reboot', 'VM.hard_reboot']) {
    await untilGuestSpeaks(call, vm);
    await call(again, vm);
    const next = await metricsOf(vm);
    expect(seen.has(next)).toBe(false);
    seen.add(next);
    await expect(call('VM_guest_metrics.get_record', first)).rejects.toThrow(
      `HANDLE_INVALID VM_guest_metrics ${first}`,
    );
  }
  await untilGuestSpeaks(call, vm);
  const last = await metricsOf(vm);
  await call('VM.clean_shutdown', vm);
  expect(await metricsOf(vm)).toBe(last);
  await call('VM.start', vm, true, false);
  expect(seen.has(await metricsOf(vm)) || (await metricsOf(vm)) === last).toBe(false);
  await call('VM.hard_shutdown', vm);
});

test('a guest that crashes and comes up again speaks for itself anew', async () => {
  const vm = await newVm('shaken');
  await call('VM.start', vm, false, false);
  await untilGuestSpeaks(call, vm);
  const before = await metricsOf(vm);
  await world.agent.hypervisor.crash(
    await call('host.get_uuid', await call('VM.get_resident_on', vm)),
    await call('VM.get_uuid', vm),
  );
  await eventually(async () => expect(await metricsOf(vm)).not.toBe(before));
  await untilGuestSpeaks(call, vm);
  expect(await record(vm)).toMatchObject(spoken);
  await call('VM.hard_shutdown', vm);
});

test('snapshots and clones have a record of their own with what the guest had said', async () => {
  const vm = await newVm('copied');
  await call('VM.start', vm, false, false);
  await untilGuestSpeaks(call, vm);
  const snapshot = await call<string>('VM.snapshot', vm, 'as it was', []);
  await call('VM.hard_shutdown', vm);
  const clone = await call<string>('VM.clone', vm, 'another');
  const refs = await Promise.all([vm, snapshot, clone].map(metricsOf));
  expect(new Set(refs).size).toBe(3);
  for (const copy of [snapshot, clone])
    expect(await record(copy)).toMatchObject({ os_version: spoken.os_version, PV_drivers_detected: true });
  await call('VM.revert', snapshot);
  expect(refs).not.toContain(await metricsOf(vm));
  await call('VM.start', clone, true, false);
  expect(await record(clone)).toMatchObject(silent);
  await call('VM.hard_shutdown', clone);
});
