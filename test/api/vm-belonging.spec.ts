/** Appliances, snapshot schedules, groups, virtual TPMs, blobs, messages and secrets over the wire. */
import { eventually, login, startWorld, statusOf, type Call, type World } from '../world';
import { asRef } from '@xenplane/model';
import { followSnapshotSchedules, housekeep, openSession } from '@xenplane/xapi';

let world: World;
let call: Call;
beforeAll(async () => {
  world = await startWorld({ hosts: 3 });
  call = await login(world.url);
});
afterAll(() => world?.stop());

const NULL = 'OpaqueRef:NULL';
const planeOf = () => {
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  return api.plane;
};
async function newVm(name: string): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  return vm;
}
const states = (vms: readonly string[]): Promise<string[]> =>
  Promise.all(vms.map((vm) => call<string>('VM.get_power_state', vm)));
const startOf = async (vm: string): Promise<string> =>
  call('VM_metrics.get_start_time', await call('VM.get_metrics', vm));

describe('appliances', () => {
  const newAppliance = (): Promise<string> =>
    call<string>('VM_appliance.create', { name_label: 'shop', name_description: '' });

  test('VMs are started and stopped in order, with the delay between', async () => {
    const appliance = await newAppliance();
    const vms = [await newVm('database'), await newVm('web'), await newVm('web too')];
    for (const [i, vm] of vms.entries()) {
      await call('VM.set_order', vm, i === 0 ? 0 : 1);
      await call('VM.set_appliance', vm, appliance);
    }
    await call('VM.set_start_delay', vms[0], 2);
    expect(await call('VM_appliance.get_VMs', appliance)).toHaveLength(3);
    expect(await call('VM_appliance.get_allowed_operations', appliance)).toEqual(['start']);
    const task = await call<string>('Async.VM_appliance.start', appliance, false);
    await eventually(async () =>
      expect(
        Object.values(await call<Record<string, string>>('VM_appliance.get_current_operations', appliance)),
      ).toEqual(['start']),
    );
    expect(await call('VM_appliance.get_allowed_operations', appliance)).toEqual([]);
    await eventually(async () => expect(await call('task.get_status', task)).toBe('success'));
    expect(await states(vms)).toEqual(['Running', 'Running', 'Running']);
    expect((await startOf(vms[1] ?? '')) > (await startOf(vms[0] ?? ''))).toBe(true);
    expect(await call('task.get_subtasks', task)).toHaveLength(3);
    await eventually(async () =>
      expect(await call('VM_appliance.get_allowed_operations', appliance)).toEqual([
        'clean_shutdown',
        'hard_shutdown',
        'shutdown',
      ]),
    );
    await eventually(async () => {
      for (const vm of vms) expect(await call('VM.get_allowed_operations', vm)).toContain('clean_shutdown');
    });
    await call('VM_appliance.clean_shutdown', appliance);
    expect(await states(vms)).toEqual(['Halted', 'Halted', 'Halted']);
    await call('VM_appliance.start', appliance, true);
    expect(await states(vms)).toEqual(['Paused', 'Paused', 'Paused']);
    await call('VM_appliance.hard_shutdown', appliance);
    await call('VM_appliance.destroy', appliance);
    expect(await call('VM.get_appliance', vms[0])).toBe(NULL);
  });

  test('one VM that cannot be started is told of, and the groups behind it are started all the same', async () => {
    const appliance = await newAppliance();
    const [bad, behind] = [await newVm('bad'), await newVm('behind')];
    await call('VM.set_order', behind, 5);
    for (const vm of [bad, behind]) await call('VM.set_appliance', vm, appliance);
    await call('VM.add_to_blocked_operations', bad, 'start', 'broken');
    await expect(call('VM_appliance.start', appliance, false)).rejects.toThrow(
      `OPERATION_PARTIALLY_FAILED VM_appliance.start ${bad}`,
    );
    expect(await states([bad, behind])).toEqual(['Halted', 'Running']);
    expect(await call('VM_appliance.get_current_operations', appliance)).toEqual({});
    await call('VM.hard_shutdown', behind);
  });

  test('what is no ordinary VM cannot belong to one', async () => {
    const appliance = await newAppliance();
    await expect(call('VM_appliance.start', appliance, false)).rejects.toThrow('OPERATION_NOT_ALLOWED');
    const vm = await newVm('member');
    const snapshot = await call<string>('VM.snapshot', vm, 'of it', []);
    await expect(call('VM.set_appliance', snapshot, appliance)).rejects.toThrow(`VM_IS_SNAPSHOT ${snapshot}`);
    await expect(call('VM.set_appliance', vm, 'OpaqueRef:none')).rejects.toThrow(
      'HANDLE_INVALID VM_appliance OpaqueRef:none',
    );
    await call('VM.set_appliance', vm, appliance);
    await expect(call('VM.set_is_a_template', vm, true)).rejects.toThrow(
      `VM_IS_PART_OF_AN_APPLIANCE ${vm} ${appliance}`,
    );
  });
});

describe('snapshot schedules', () => {
  const schedule = {
    name_label: 'nightly',
    name_description: '',
    enabled: true,
    type: 'snapshot',
    retained_snapshots: 2,
    frequency: 'daily',
  };
  const create = (more: object): Promise<string> =>
    call<string>('VMSS.create', { ...schedule, schedule: {}, ...more });

  test.each([
    [{ retained_snapshots: 0 }, 'INVALID_VALUE retained_snapshots 0'],
    [{ retained_snapshots: 11 }, 'INVALID_VALUE retained_snapshots 11'],
    [{ schedule: { min: '5' } }, 'INVALID_VALUE schedule:min 5'],
    [{ schedule: { hour: '24' } }, 'INVALID_VALUE schedule:hour 24'],
    [{ schedule: { moon: 'full' } }, 'INVALID_VALUE schedule moon'],
  ])('%j is refused', async (more, error) => {
    await expect(create(more)).rejects.toThrow(error);
  });

  test('fields follow one another', async () => {
    const vmss = await create({ schedule: { hour: '3', min: '30' } });
    await call('VMSS.set_frequency', vmss, 'weekly');
    expect(await call('VMSS.get_schedule', vmss)).toEqual({ hour: '3', min: '30', days: 'monday' });
    await call('VMSS.add_to_schedule', vmss, 'days', 'tuesday,friday');
    await call('VMSS.remove_from_schedule', vmss, 'hour');
    expect(await call('VMSS.get_schedule', vmss)).toEqual({ hour: '0', min: '30', days: 'tuesday,friday' });
    await expect(call('VMSS.set_retained_snapshots', vmss, 12)).rejects.toThrow(
      'INVALID_VALUE retained_snapshots 12',
    );
    await call('VMSS.set_type', vmss, 'checkpoint');
    await call('VMSS.destroy', vmss);
  });

  test('a run keeps the latest few, tells of each, and says what failed', async () => {
    const vmss = await create({});
    const vm = await newVm('kept');
    await call('VM.set_snapshot_schedule', vm, vmss);
    await expect(call('VMSS.destroy', vmss)).rejects.toThrow('VMSS_HAS_VM');
    await call('VM.snapshot', vm, 'by hand', []);
    for (let i = 0; i < 3; i += 1) expect(await call('VMSS.snapshot_now', vmss)).toBe('1 snapshots taken');
    const snapshots = await Promise.all(
      (await call<string[]>('VM.get_snapshots', vm)).map((s) =>
        call<{ is_vmss_snapshot: boolean }>('VM.get_record', s),
      ),
    );
    expect(snapshots.filter((s) => s.is_vmss_snapshot)).toHaveLength(2);
    expect(snapshots).toHaveLength(3);
    await call('VM.add_to_blocked_operations', vm, 'snapshot', 'no');
    expect(await call('VMSS.snapshot_now', vmss)).toContain('0 snapshots taken, 1 failed');
    const uuid = await call<string>('VMSS.get_uuid', vmss);
    const messages = await call<Record<string, { name: string }>>(
      'message.get',
      'VMSS',
      uuid,
      '19700101T00:00:00Z',
    );
    expect(
      Object.values(messages)
        .map((m) => m.name)
        .sort(),
    ).toEqual(['VMSS_SNAPSHOT_FAILED', ...Array.from({ length: 3 }, () => 'VMSS_SNAPSHOT_SUCCEEDED')]);
    await call('VM.set_snapshot_schedule', vm, NULL);
    await call('VMSS.destroy', vmss);
    expect(await call('message.get', 'VMSS', uuid, '19700101T00:00:00Z')).toEqual({});
  });

  test('a schedule that is due is followed once, however many look', async () => {
    // Half an hour away from the true time, so that the scheduler of this world has no part in it.
    const now = new Date();
    const quarter = Math.floor(now.getUTCMinutes() / 15) * 15;
    const [due, idleAt] = [(quarter + 30) % 60, (quarter + 45) % 60];
    now.setUTCMinutes(due, 20, 0);
    const plane = { ...planeOf(), clock: { ...planeOf().clock, now: () => now } };
    const vmss = await create({ frequency: 'hourly', schedule: { min: String(due) } });
    const other = await create({ frequency: 'hourly', schedule: { min: String(idleAt) } });
    const off = await create({ frequency: 'hourly', schedule: { min: String(due) }, enabled: false });
    const vm = await newVm('due');
    await call('VM.set_snapshot_schedule', vm, vmss);
    const begun = await Promise.all(Array.from({ length: 5 }, () => followSnapshotSchedules(plane)));
    expect(begun.reduce((sum, b) => sum + b.begun, 0)).toBe(1);
    await eventually(async () => expect(await call('VM.get_snapshots', vm)).toHaveLength(1));
    for (const idle of [other, off])
      expect(await call('VMSS.get_last_run_time', idle)).toBe('19700101T00:00:00Z');
    expect((await call<string>('VMSS.get_last_run_time', vmss)) > '2000').toBe(true);
  });
});

describe('groups', () => {
  test('members of an anti-affinity group are spread, whatever is free', async () => {
    const group = await call<string>('VM_group.create', {
      name_label: 'apart',
      name_description: '',
      placement: 'anti_affinity',
    });
    const vms = [await newVm('a'), await newVm('b'), await newVm('c')];
    for (const vm of vms) {
      await call('VM.set_memory', vm, 2 ** 30);
      await call('VM.set_groups', vm, [group]);
      // The host with the most memory by far is one and the same for all three.
      await call('VM.start', vm, true, false);
    }
    expect(new Set(await Promise.all(vms.map((vm) => call('VM.get_resident_on', vm)))).size).toBe(3);
    const second = await call<string>('VM_group.create', {
      name_label: 'other',
      name_description: '',
      placement: 'normal',
    });
    await expect(call('VM.set_groups', vms[0], [group, second])).rejects.toThrow('TOO_MANY_GROUPS');
    await expect(call('VM.set_groups', vms[0], ['OpaqueRef:none'])).rejects.toThrow(
      'HANDLE_INVALID VM_group OpaqueRef:none',
    );
    await call('VM_group.destroy', group);
    expect(await call('VM.get_groups', vms[0])).toEqual([]);
    for (const vm of vms) await call('VM.hard_shutdown', vm);
  });
});

test('a virtual TPM belongs to a halted VM, one at the most', async () => {
  const vm = await newVm('sealed');
  const vtpm = await call<string>('VTPM.create', vm, true);
  expect(await call('VTPM.get_record', vtpm)).toMatchObject({
    VM: vm,
    is_unique: true,
    is_protected: false,
    allowed_operations: ['destroy'],
  });
  await expect(call('VTPM.create', vm, false)).rejects.toThrow('VTPM_MAX_AMOUNT_REACHED 1');
  await call('VM.start', vm, true, false);
  expect(await call('VTPM.get_allowed_operations', vtpm)).toEqual([]);
  await expect(call('VTPM.destroy', vtpm)).rejects.toThrow(`VM_BAD_POWER_STATE ${vm} halted paused`);
  await call('VM.hard_shutdown', vm);
  await call('VTPM.destroy', vtpm);
  expect(await call('VM.get_VTPMs', vm)).toEqual([]);
});

describe('blobs', () => {
  const url = (query: string): string => `${world.url}/blob?${query}`;
  const basic = { authorization: `Basic ${Buffer.from(`root:${'correct horse'}`).toString('base64')}` };

  test('bytes go in and come out, with their type; public ones for anybody', async () => {
    const vm = await newVm('pictured');
    const blob = await call<string>('VM.create_new_blob', vm, 'icon', 'image/png', false);
    expect(await call('VM.get_blobs', vm)).toEqual({ icon: blob });
    const bytes = Buffer.from([0, 1, 2, 255, 128]);
    expect(await statusOf(fetch(url(`ref=${blob}`), { method: 'PUT', headers: basic, body: bytes }))).toBe(
      200,
    );
    const { uuid, size, mime_type } = await call<{ uuid: string; size: string; mime_type: string }>(
      'blob.get_record',
      blob,
    );
    expect([Number(size), mime_type]).toEqual([5, 'image/png']);
    const read = await fetch(url(`uuid=${uuid}`), { headers: basic });
    expect([read.headers.get('content-type'), Buffer.from(await read.arrayBuffer())]).toEqual([
      'image/png',
      bytes,
    ]);
    expect(await statusOf(fetch(url(`ref=${blob}`)))).toBe(401);
    await call('blob.set_public', blob, true);
    expect(await statusOf(fetch(url(`ref=${blob}`)))).toBe(200);
    expect(await statusOf(fetch(url(`ref=${blob}`), { method: 'PUT', body: bytes }))).toBe(401);
    expect(await statusOf(fetch(url('ref=OpaqueRef:none'), { headers: basic }))).toBe(404);
    expect(await statusOf(fetch(url(''), { headers: basic }))).toBe(400);
    await call('VM.destroy', vm);
    await expect(call('blob.get_record', blob)).rejects.toThrow(`HANDLE_INVALID blob ${blob}`);
  });

  test('a blob of its own is private and of any type unless said', async () => {
    const blob = await call<string>('blob.create', '');
    expect(await call('blob.get_record', blob)).toMatchObject({
      public: false,
      mime_type: 'application/octet-stream',
    });
    await call('blob.destroy', blob);
    await expect(call('blob.destroy', blob)).rejects.toThrow(`HANDLE_INVALID blob ${blob}`);
  });
});

test('messages are made about what exists, found, sent as events and destroyed', async () => {
  const vm = await newVm('talked about');
  const uuid = await call<string>('VM.get_uuid', vm);
  await expect(call('message.create', 'NOTE', 3, 'VM', 'no-such-uuid', '')).rejects.toThrow(
    'UUID_INVALID VM no-such-uuid',
  );
  const { token } = await call<{ token: string }>('event.from', ['message'], '', 0);
  const message = await call<string>('message.create', 'NOTE', 3, 'VM', uuid, '<a>text</a>');
  const { events, valid_ref_counts } = await call<{
    events: { ref: string; operation: string; snapshot: { name: string } }[];
    valid_ref_counts: object;
  }>('event.from', ['message'], token, 10);
  expect(events.filter((e) => e.ref === message)).toMatchObject([
    { operation: 'add', snapshot: { name: 'NOTE' } },
  ]);
  expect(valid_ref_counts).not.toHaveProperty('message');
  const record = await call<{ timestamp: string; uuid: string }>('message.get_record', message);
  expect(record).toMatchObject({ name: 'NOTE', cls: 'VM', obj_uuid: uuid, body: '<a>text</a>' });
  expect(await call('message.get_by_uuid', record.uuid)).toBe(message);
  expect(Object.keys(await call<object>('message.get_since', record.timestamp))).toContain(message);
  const kept = await call<string>('message.create', 'KEPT', 1, 'VM', uuid, '');
  await expect(call('message.destroy_all', { colour: 'red' })).rejects.toThrow('INVALID_VALUE colour red');
  await call('message.destroy_all', { obj_uuid: uuid, name: 'NOTE' });
  expect(Object.keys(await call<object>('message.get', 'VM', uuid, '19700101T00:00:00Z'))).toContain(kept);
  await expect(call('message.get_record', message)).rejects.toThrow(`HANDLE_INVALID message ${message}`);
  await call('message.destroy_many', [kept]);
});

test('of very many messages the oldest go', async () => {
  const { store } = planeOf();
  await store.query(
    `INSERT INTO message(ref, uuid, name, priority, cls, obj_uuid, "timestamp", body)
     SELECT 'OpaqueRef:old' || i, 'old' || i, 'OLD', 5, 'VM', '', '2020-01-01'::timestamptz + i * interval '1 second', '' FROM generate_series(1, 10005) i`,
  );
  const present = async (): Promise<string[]> =>
    (await store.query<{ uuid: string }>('SELECT uuid FROM message ORDER BY "timestamp", ref')).map(
      (m) => m.uuid,
    );
  const before = await present();
  await housekeep(planeOf());
  expect(await present()).toEqual(before.slice(-10_000));
});

test('a secret is shown only to those who may', async () => {
  const secret = await call<string>('secret.create', { value: 'swordfish', other_config: {} });
  expect(await call('secret.get_value', secret)).toBe('swordfish');
  await call('secret.set_value', secret, 'trout');
  const opening = {
    user: 'somebody',
    root: false,
    originator: 'test',
    userRef: asRef<'user'>('OpaqueRef:NULL'),
  };
  const reader = await openSession(planeOf(), { ...opening, role: 'read-only' });
  for (const method of [
    'secret.get_value',
    'secret.get_record',
    'secret.get_uuid',
    'secret.get_all_records',
  ]) {
    const params = method.endsWith('records') ? [reader] : [reader, secret];
    const response = await fetch(`${world.url}/jsonrpc`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    expect([method, ((await response.json()) as { error?: { message: string } }).error?.message]).toEqual([
      method,
      'RBAC_PERMISSION_DENIED',
    ]);
  }
  await call('secret.destroy', secret);
});
