/** Snapshots, checkpoints and the way back over the wire. */
import { eventually, login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
});
afterAll(() => world?.stop());

interface Vm {
  readonly uuid: string;
  readonly name_label: string;
  readonly power_state: string;
  readonly is_a_template: boolean;
  readonly is_a_snapshot: boolean;
  readonly snapshot_of: string;
  readonly snapshot_time: string;
  readonly snapshot_info: Record<string, string>;
  readonly snapshots: string[];
  readonly parent: string;
  readonly children: string[];
  readonly suspend_VDI: string;
  readonly VBDs: string[];
  readonly VIFs: string[];
  readonly memory_static_max: number;
  readonly metrics: string;
  readonly allowed_operations: string[];
}
const NULL = 'OpaqueRef:NULL';
const record = (vm: string): Promise<Vm> => call<Vm>('VM.get_record', vm);
async function newVm(name: string): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  const [network] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  await call('VIF.create', {
    device: '0',
    network,
    VM: vm,
    MAC: '',
    MTU: 0,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  return vm;
}
async function runningVm(name: string): Promise<string> {
  const vm = await newVm(name);
  await call('VM.start', vm, false, false);
  await eventually(async () => expect((await record(vm)).allowed_operations).toContain('checkpoint'));
  return vm;
}
async function diskOf(vm: string): Promise<string> {
  for (const vbd of (await record(vm)).VBDs) {
    const { type, VDI } = await call<{ type: string; VDI: string }>('VBD.get_record', vbd);
    if (type === 'Disk') return VDI;
  }
  throw new Error('no disk');
}
const macOf = async (vm: string): Promise<string> => call('VIF.get_MAC', (await record(vm)).VIFs[0]);

test('snapshots make a tree, each with disks and addresses of its own', async () => {
  const vm = await newVm('tree');
  const first = await call<string>('VM.snapshot', vm, 'first', []);
  const second = await call<string>('VM.snapshot', vm, 'second');
  const [source, a, b] = [await record(vm), await record(first), await record(second)];
  expect(a).toMatchObject({
    name_label: 'first',
    power_state: 'Halted',
    is_a_template: true,
    is_a_snapshot: true,
    snapshot_of: vm,
    parent: NULL,
  });
  expect(a.children).toEqual([second]);
  expect(b).toMatchObject({ parent: first, children: [vm] });
  expect(source).toMatchObject({ parent: second, is_a_snapshot: false });
  expect([...source.snapshots].sort()).toEqual([first, second].sort());
  expect(a.snapshot_info).toEqual({
    'power-state-at-snapshot': 'Halted',
    'disk-snapshot-type': 'crash_consistent',
  });
  expect(a.snapshot_time > '2000').toBe(true);
  const disk = await diskOf(first);
  expect(await call('VDI.get_record', disk)).toMatchObject({
    is_a_snapshot: true,
    snapshot_of: await diskOf(vm),
  });
  expect(await macOf(first)).toBe(await macOf(vm));
  expect([...a.allowed_operations].sort()).toEqual([
    'clone',
    'copy',
    'destroy',
    'export',
    'metadata_export',
    'revert',
  ]);
  await call('VM.destroy', first);
  expect(await record(second)).toMatchObject({ parent: NULL });
});

test('a disk can be left out of a snapshot', async () => {
  const vm = await newVm('left out');
  const before = (await record(vm)).VBDs.length;
  const snapshot = await call<string>('VM.snapshot', vm, 'without', [await diskOf(vm)]);
  expect((await record(snapshot)).VBDs.length).toBe(before - 1);
});

test('what a snapshot is not for is refused', async () => {
  const vm = await newVm('refusals');
  const snapshot = await call<string>('VM.snapshot', vm, 'kept', []);
  await expect(call('VM.checkpoint', vm, 'none')).rejects.toThrow(
    `VM_BAD_POWER_STATE ${vm} paused, suspended, running halted`,
  );
  await expect(call('VM.revert', vm)).rejects.toThrow('REVERT_ONLY_ALLOWED_ON_SNAPSHOT');
  await expect(call('VM.start', snapshot, false, false)).rejects.toThrow(`VM_IS_SNAPSHOT ${snapshot} start`);
  await expect(call('VM.snapshot', snapshot, 'again', [])).rejects.toThrow(
    `VM_IS_SNAPSHOT ${snapshot} snapshot`,
  );
  await expect(call('VM.snapshot_with_quiesce', vm, 'none')).rejects.toThrow('MESSAGE_REMOVED');
  await call('VM.add_to_blocked_operations', vm, 'snapshot', 'not on Sundays');
  await expect(call('VM.snapshot', vm, 'blocked', [])).rejects.toThrow(
    `OPERATION_BLOCKED ${vm} not on Sundays`,
  );
  await call('VDI.set_sharable', await diskOf(vm), true);
  await call('VM.remove_from_blocked_operations', vm, 'snapshot');
  await expect(call('VM.snapshot', vm, 'shared', [])).rejects.toThrow(`VDI_IS_SHARABLE ${await diskOf(vm)}`);
  expect((await record(vm)).snapshots).toEqual([snapshot]);
});

test('revert stops the VM and gives back its disks and settings', async () => {
  const vm = await runningVm('before');
  const snapshot = await call<string>('VM.snapshot', vm, 'good', []);
  const [disk, mac, sr] = [
    await diskOf(vm),
    await macOf(vm),
    await call<string>('VDI.get_SR', await diskOf(vm)),
  ];
  const other = await call<string>('VDI.create', {
    SR: sr,
    virtual_size: 2 ** 30,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
    name_label: 'added',
  });
  await call('VM.set_name_label', vm, 'after');
  await call('VM.hard_shutdown', vm);
  const vbd = {
    VM: vm,
    VDI: other,
    userdevice: '7',
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    empty: false,
    other_config: {},
    qos_algorithm_type: '',
  };
  await call('VBD.create', { ...vbd, qos_algorithm_params: {} });
  await call('VM.set_memory', vm, 2 ** 31);
  await call('VM.start', vm, false, false);
  const used = await call<number>('SR.get_virtual_allocation', sr);
  await call('VM.revert', snapshot);
  const reverted = await record(vm);
  expect(reverted).toMatchObject({
    power_state: 'Halted',
    name_label: 'before',
    parent: snapshot,
    memory_static_max: (await record(snapshot)).memory_static_max,
  });
  expect(reverted.VBDs.length).toBe((await record(snapshot)).VBDs.length);
  expect(await macOf(vm)).toBe(mac);
  expect(await call('VDI.get_is_a_snapshot', await diskOf(vm))).toBe(false);
  await expect(call('VDI.get_record', disk)).rejects.toThrow(`HANDLE_INVALID VDI ${disk}`);
  expect(await call('VDI.get_VBDs', other)).toEqual([]);
  expect(await call('VDI.get_snapshot_of', await diskOf(snapshot))).toBe(await diskOf(vm));
  expect(await call('SR.get_virtual_allocation', sr)).toBe(used);
  await call('VM.start', vm, false, false);
  await call('VM.hard_shutdown', vm);
});

test('a checkpoint keeps the memory and lets the VM run on; revert makes it resume from there', async () => {
  const vm = await runningVm('checked');
  const { domid } = await call<{ domid: number }>('VM.get_record', vm);
  const snapshot = await call<string>('VM.checkpoint', vm, 'with memory');
  expect(await call('VM.get_record', vm)).toMatchObject({ power_state: 'Running', domid, suspend_VDI: NULL });
  const kept = await record(snapshot);
  expect(kept).toMatchObject({
    power_state: 'Suspended',
    is_a_snapshot: true,
    snapshot_info: { 'power-state-at-snapshot': 'Running' },
  });
  expect(await call('VDI.get_type', kept.suspend_VDI)).toBe('suspend');
  await call('VM.revert', snapshot);
  const reverted = await record(vm);
  expect(reverted.power_state).toBe('Suspended');
  expect(reverted.suspend_VDI).not.toBe(kept.suspend_VDI);
  await call('VM.resume', vm, false, false);
  expect((await record(vm)).power_state).toBe('Running');
  await call('VM.hard_shutdown', vm);
  await expect(call('VDI.get_record', reverted.suspend_VDI)).rejects.toThrow('HANDLE_INVALID');
  await call('VM.destroy', snapshot);
  await expect(call('VDI.get_record', kept.suspend_VDI)).rejects.toThrow('HANDLE_INVALID');
});

test('a paused VM stays paused, a suspended one is copied with its memory', async () => {
  const vm = await runningVm('paused');
  await call('VM.pause', vm);
  const paused = await call<string>('VM.checkpoint', vm, 'paused');
  expect([
    (await record(vm)).power_state,
    (await record(paused)).snapshot_info['power-state-at-snapshot'],
  ]).toEqual(['Paused', 'Paused']);
  await call('VM.unpause', vm);
  await eventually(async () => expect((await record(vm)).allowed_operations).toContain('suspend'));
  await call('VM.suspend', vm);
  const suspended = await call<string>('VM.checkpoint', vm, 'suspended');
  const [own, kept] = [await record(vm), await record(suspended)];
  expect([own.power_state, kept.power_state, own.suspend_VDI === kept.suspend_VDI]).toEqual([
    'Suspended',
    'Suspended',
    false,
  ]);
  const plain = await call<string>('VM.snapshot', vm, 'disks only', []);
  expect(await record(plain)).toMatchObject({ power_state: 'Halted', suspend_VDI: NULL });
  await call('VM.hard_shutdown', vm);
});

test('a clone of a snapshot is a template from which VMs are made', async () => {
  const vm = await newVm('origin');
  const snapshot = await call<string>('VM.snapshot', vm, 'base', []);
  const template = await call<string>('VM.clone', snapshot, 'made of it');
  expect(await record(template)).toMatchObject({
    is_a_template: true,
    is_a_snapshot: false,
    snapshot_of: NULL,
    power_state: 'Halted',
  });
  expect(await macOf(template)).not.toBe(await macOf(vm));
  const copy = await call<string>('VM.copy', snapshot, 'copied', NULL);
  expect(await record(copy)).toMatchObject({ is_a_template: true, is_a_snapshot: false });
  await call('VM.set_is_a_template', copy, false);
  await call('VM.start', copy, true, false);
  await call('VM.hard_shutdown', copy);
});

test('a copy is what its original was made to be, but not what it was marked for', async () => {
  const vm = await runningVm('marked');
  await call('VM.hard_shutdown', vm);
  await call('VTPM.create', vm, false);
  const marks = {
    order: 3,
    start_delay: 4,
    shutdown_delay: 5,
    ha_restart_priority: 'best-effort',
    suspend_SR: await call('VDI.get_SR', await diskOf(vm)),
  };
  for (const [field, value] of Object.entries(marks)) await call(`VM.set_${field}`, vm, value);
  await call('VM.add_to_blocked_operations', vm, 'start', 'in the workshop');
  await call('VM.add_tags', vm, 'kept');
  for (const copy of [
    await call<string>('VM.clone', vm, 'clone of it'),
    await call<string>('VM.snapshot', vm, 'snapshot of it', []),
  ]) {
    const made = await call<Vm & { guest_metrics: string; VTPMs: string[] }>('VM.get_record', copy);
    const plain = {
      blocked_operations: {},
      order: 0,
      start_delay: 0,
      shutdown_delay: 0,
      suspend_SR: NULL,
      tags: ['kept'],
      ha_restart_priority: 'best-effort',
    };
    expect(made).toMatchObject({ ...plain, is_vmss_snapshot: false, version: 0 });
    expect(await call('VM_guest_metrics.get_record', made.guest_metrics)).toMatchObject({
      live: false,
      PV_drivers_detected: true,
    });
    expect(made.VTPMs).toHaveLength(1);
    expect(await Promise.all(made.VBDs.map((vbd) => call('VBD.get_other_config', vbd)))).toContainEqual({
      owner: '',
    });
  }
  expect(await call('VM.get_other_config', vm)).toMatchObject({ base_template_name: 'Debian Bookworm 12' });
});

test('a copy is of another generation, where that counts', async () => {
  const given = {
    ...(await call<object>('VM.get_record', await newVm('generation'))),
    generation_id: '1:2',
    name_label: 'counted',
  };
  const vm = await call<string>('VM.create', given);
  const copy = await call<string>('VM.clone', vm, 'of the next');
  const generation = await call<string>('VM.get_generation_id', copy);
  expect(generation).toMatch(/^\d+:\d+$/);
  expect(generation).not.toBe('1:2');
  expect(
    await call('VM.get_generation_id', await call('VM.clone', await newVm('uncounted'), 'the same')),
  ).toBe('');
});

test('tags, affinity and addresses in the pool are not settings that revert gives back', async () => {
  const vm = await newVm('tagged');
  await call('VM.add_tags', vm, 'before');
  const snapshot = await call<string>('VM.snapshot', vm, 'with tag', []);
  await call('VM.set_tags', vm, ['after']);
  await call('VM.set_name_description', vm, 'changed');
  await call('VTPM.create', vm, false);
  await call('VM.revert', snapshot);
  expect(await call('VM.get_record', vm)).toMatchObject({ tags: ['after'], VTPMs: [] });
  expect(await call('VM.get_name_description', vm)).not.toBe('changed');
});

test('a VM that was destroyed comes back from its snapshot', async () => {
  const vm = await newVm('lost');
  const uuid = await call<string>('VM.get_uuid', vm);
  const snapshot = await call<string>('VM.snapshot', vm, 'survivor', []);
  await call('VM.destroy', vm);
  await call('VM.revert', snapshot);
  const back = (await record(snapshot)).snapshot_of;
  expect(await record(back)).toMatchObject({
    uuid,
    name_label: 'lost',
    is_a_template: false,
    is_a_snapshot: false,
    parent: snapshot,
    snapshots: [snapshot],
  });
  await call('VM.start', back, true, false);
  await call('VM.hard_shutdown', back);
});

test('each of these is told in a message', async () => {
  const vm = await runningVm('told');
  const { uuid } = await record(vm);
  const snapshot = await call<string>('VM.checkpoint', vm, 'one');
  await call('VM.suspend', vm);
  await call('VM.resume', vm, false, false);
  await call('VM.pause', vm);
  await call('VM.unpause', vm);
  await call('VM.hard_reboot', vm);
  await call('VM.snapshot', vm, 'two', []);
  await call('VM.revert', snapshot);
  await call('VM.hard_shutdown', vm);
  const messages = await call<Record<string, { name: string; priority: number; body: string }>>(
    'message.get',
    'VM',
    uuid,
    '19700101T00:00:00Z',
  );
  const names = Object.values(messages).map((m) => m.name);
  expect(names.sort()).toEqual(
    [
      'VM_CHECKPOINTED',
      'VM_CLONED',
      'VM_PAUSED',
      'VM_REBOOTED',
      'VM_RESUMED',
      'VM_SHUTDOWN',
      'VM_SNAPSHOTTED',
      'VM_SNAPSHOT_REVERTED',
      'VM_STARTED',
      'VM_SUSPENDED',
      'VM_UNPAUSED',
    ].sort(),
  );
  const started = Object.values(messages).find((m) => m.name === 'VM_STARTED');
  expect(started?.body).toMatch(/^VM 'told' was started on host: \S+ \(uuid: [0-9a-f-]{36}\)$/);
  expect(started?.priority).toBe(5);
});
