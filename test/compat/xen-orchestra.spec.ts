/** Xen Orchestra takes a pool on: it connects, fills its cache, makes an object of every record, leaves its mark and follows what changes. */
import { eventually, startWorld, type World } from '../world';
import { GiB, MiB, none, Orchestra, type Seen, type Texts } from './orchestra';
import { date, links, live, map, number, shapes, text, whole } from './orchestra-records';

let world: World;
let xo: Orchestra;
let vm: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  xo = await Orchestra.register(world.url);
  vm = await xo.task('VM.clone', xo.template('Debian Bookworm 12').$ref, 'shown');
  await xo.call('VM.provision', vm);
  await xo.createVbd({ VM: vm, type: 'CD' });
  await xo.call('VTPM.create', vm, false);
  if ((await xo.field<string[]>('VM', vm, 'VIFs')).length === 0)
    await xo.createVif({ VM: vm, network: xo.find('network', ({ PIFs }) => PIFs.length > 1).$ref });
  await xo.task('VM.start', vm, false, false);
  await xo.snapshot(vm, 'before');
  const withUsb = await xo.task('VM.clone', xo.template('Debian Bookworm 12').$ref, 'with USB');
  await xo.call('PUSB.set_passthrough_enabled', xo.find('PUSB', () => true).$ref, true);
  await xo.call('VUSB.create', withUsb, xo.find('USB_group', () => true).$ref);
  await xo.call('message.create', 'NOTED', 3, 'VM', await xo.field('VM', vm, 'uuid'), 'a body');
  await xo.call('task.create', 'by hand', 'of a person');
  await xo.call('network.create', { name_label: 'inside', other_config: {} });
  await xo.sees(vm, ({ snapshots }) => snapshots.length === 1);
  await xo.allows(vm, 'suspend');
  await eventually(async () =>
    expect(['message', 'task', 'VUSB', 'VTPM'].filter((type) => xo.all(type).length === 0)).toEqual([]),
  );
});
afterAll(async () => {
  await xo?.xapi.disconnect();
  await world?.stop();
});

describe('an object of every record', () => {
  test.each(shapes)('%s has all that is read', async (type, shape) => {
    const records = xo.all(type);
    expect(records.length).toBeGreaterThan(0);
    for (const record of records) expect({ ...record }).toMatchObject(shape);
  });

  test.each(Object.entries(links))('what a %s refers to is there', async (type, fields) => {
    const records = xo.all(type);
    expect(records.length).toBeGreaterThan(0);
    for (const record of records)
      for (const field of fields) {
        expect([type, field, record[field]]).not.toContain(undefined);
        for (const one of [record[field]].flat() as string[])
          if (one !== none) expect([field, xo.xapi.getObject(one, undefined)]).toEqual([field, map]);
      }
  });

  test('a VM is shown at its host, at rest in the pool; a VM without cores-per-socket is given it, as real templates have none', async () => {
    expect(xo.one(vm).resident_on).toEqual(live);
    for (const template of xo.all('VM').filter((one) => one.is_a_template))
      expect(template.resident_on).toBe(none);
    const without = xo
      .all('VM')
      .filter((one) => !(one.platform as Record<string, string>)['cores-per-socket']);
    expect(without.map((one) => one.name_label)).toContain('AlmaLinux 8');
    for (const one of without)
      await xo.call('VM.add_to_platform', one.$ref, 'cores-per-socket', String(one.VCPUs_at_startup));
    for (const { $ref } of without)
      expect(await xo.call('VM.get_platform', $ref)).toEqual(
        expect.objectContaining({ 'cores-per-socket': number }),
      );
    const snapshot = xo.find('VM', (one) => one.is_a_snapshot);
    expect(snapshot).toMatchObject({
      snapshot_of: vm,
      snapshot_time: date,
      is_a_template: false,
      snapshot_info: { 'power-state-at-snapshot': 'Running' },
    });
    expect(xo.one(vm).snapshot_of).toBe(none);
  });

  test('default templates are known as such, and their disks can be read', async () => {
    const templates = xo.all('VM').filter(({ is_a_template }) => is_a_template);
    const disks = templates
      .map(({ other_config }) => other_config['disks'] ?? '')
      .filter((xml) => xml !== '');
    expect(disks.length).toBeGreaterThan(0);
    for (const xml of disks)
      expect(xml).toMatch(
        /^<provision>(<disk bootable="(true|false)" device="\d+" size="\d+" sr="[^"]*" type="[^"]+"\/>)+<\/provision>$/,
      );
    const defaults = templates.filter(
      ({ is_default_template, other_config }) =>
        is_default_template || other_config['default_template'] === 'true',
    );
    expect(defaults.map(({ name_label }) => name_label)).toContain('Debian Bookworm 12');
    for (const { other_config } of defaults) expect(other_config['install-methods']).toMatch(/^\w+(,\w+)*$/);
  });

  test('a running VM has what its page shows', async () => {
    const shown = xo.one(vm);
    expect(shown).toMatchObject({ power_state: 'Running', metrics: live, domid: whole });
    expect(xo.one(shown.metrics)).toMatchObject({
      VCPUs_number: shown.VCPUs_at_startup,
      start_time: expect.stringMatching(/^20/),
      memory_actual: shown.memory_dynamic_max,
    });
    await xo.sees(shown.guest_metrics, ({ networks }) => '0/ip' in (networks as Texts));
    expect(xo.one(shown.guest_metrics)).toMatchObject({
      PV_drivers_version: { major: number, minor: number, micro: number, build: number },
      PV_drivers_detected: true,
      PV_drivers_up_to_date: true,
      os_version: expect.objectContaining({ name: text, uname: text }),
      networks: expect.objectContaining({
        '0/ip': expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
        '0/ipv4/0': text,
      }),
      other: map,
      memory: map,
    });
    const consoles = (shown['consoles'] as string[]).map((one) => xo.one(one));
    expect(consoles).toContainEqual(
      expect.objectContaining({ protocol: 'rfb', location: expect.stringMatching(/^https?:/) }),
    );
  });

  test('no id is shared by two objects of any class', async () => {
    const objects = Object.entries(xo.xapi.objects.all as Record<string, Seen>);
    for (const [id, { $id, uuid }] of objects)
      expect([id, uuid]).toEqual([$id, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    const types = new Set(objects.map(([, { $type }]) => $type));
    for (const type of types)
      expect(xo.all(type)).toHaveLength((await xo.call<string[]>(`${type}.get_all`)).length);
  });

  test.each(['VM', 'host', 'VDI', 'SR', 'network', 'PIF', 'VBD', 'task'])(
    'all records of %s have the same members, as its cache is made from the first',
    async (type) => {
      const records = Object.values(await xo.call<Record<string, object>>(`${type}.get_all_records`));
      expect(new Set(records.map((record) => Object.keys(record).join(' '))).size).toBe(1);
    },
  );
});

describe('what it writes about itself', () => {
  const mark = 'xo:clientInfo:0001';
  const written = (): Promise<void> =>
    xo.update(xo.pool, 'other_config', {
      [mark]: JSON.stringify({ lastConnected: Date.now(), networkInterfaces: { eth0: [] } }),
    });

  test('its mark is set, replaced when it comes again, and taken off by another that finds it old', async () => {
    await written();
    const first = (await xo.barrier(xo.pool.$ref)).other_config[mark];
    await new Promise((resolve) => setTimeout(resolve, 2));
    await written();
    const second = (await xo.barrier(xo.pool.$ref)).other_config[mark];
    expect(Object.keys(JSON.parse(String(second)) as object)).toEqual(['lastConnected', 'networkInterfaces']);
    expect(second).not.toBe(first);
    await xo.update(xo.pool, 'other_config', { [mark]: null });
    expect((await xo.barrier(xo.pool.$ref)).other_config).not.toHaveProperty([mark]);
  });

  test('what it knows of a VM is JSON in its settings, and gone when it is set to nothing', async () => {
    const key = 'xo:creation';
    await xo.update(xo.one(vm), 'other_config', {
      [key]: JSON.stringify({ date: new Date(0).toISOString(), user: 'one' }),
    });
    await xo.sees(vm, ({ other_config }) => other_config[key] !== undefined);
    expect(JSON.parse(String(xo.one(vm).other_config[key]))).toEqual({
      date: '1970-01-01T00:00:00.000Z',
      user: 'one',
    });
    await xo.update(xo.one(vm), 'other_config', { [key]: null, 'xo:notes': 'a note' });
    expect((await xo.barrier(vm)).other_config).toMatchObject({ 'xo:notes': 'a note' });
    expect(xo.one(vm).other_config).not.toHaveProperty([key]);
  });

  test('tags come and go one by one; one that is there already is no error', async () => {
    for (const tag of ['one', 'two', 'one']) await xo.call('VM.add_tags', vm, tag);
    expect((await xo.barrier(vm)).tags.toSorted()).toEqual(['one', 'two']);
    await xo.call('VM.remove_tags', vm, 'one');
    await xo.call('VM.remove_tags', vm, 'never');
    expect((await xo.barrier(vm)).tags).toEqual(['two']);
    await xo.xapi.setField('VM', vm, 'tags', ['three']);
    expect((await xo.barrier(vm)).tags).toEqual(['three']);
  });

  test('settings of the pool: its names, automatic power-on, networks for its own work, where suspended VMs lie', async () => {
    const sr = xo.find(
      'SR',
      ({ shared, content_type, type }) => shared && content_type === 'user' && type === 'nfs',
    ).$ref;
    const { $ref: pool } = xo.pool;
    await xo.xapi.setFields('pool', pool, {
      name_label: 'mine',
      name_description: 'of mine',
      migration_compression: true,
    });
    await xo.update(xo.pool, 'other_config', {
      auto_poweron: 'true',
      'xo:migrationNetwork': 'a',
      'xo:backupNetwork': 'b',
    });
    await xo.call('pool.set_suspend_image_SR', pool, sr);
    await xo.call('pool.set_crash_dump_SR', pool, none);
    await xo.call('pool.set_default_SR', pool, sr);
    expect(await xo.barrier(pool)).toMatchObject({
      name_label: 'mine',
      name_description: 'of mine',
      migration_compression: true,
      suspend_image_SR: sr,
      crash_dump_SR: none,
      default_SR: sr,
      other_config: expect.objectContaining({
        auto_poweron: 'true',
        'xo:migrationNetwork': 'a',
        'xo:backupNetwork': 'b',
      }),
    });
    await xo.update(xo.pool, 'other_config', {
      auto_poweron: null,
      'xo:migrationNetwork': null,
      'xo:backupNetwork': null,
    });
  });
});

describe('tasks and messages', () => {
  test('a task is shown while it runs, cancelled if it may be, and destroyed', async () => {
    const task = await xo.call('task.create', 'mine', 'to be cancelled');
    expect(await xo.sees(task)).toMatchObject({ status: 'pending', name_description: 'to be cancelled' });
    await xo.call('task.set_progress', task, 0.25);
    await xo.sees(task, ({ progress }) => progress === 0.25);
    await xo.call('task.cancel', task);
    // The owner of the work sees it there, and ends it.
    await xo.sees(task, ({ current_operations }) =>
      Object.values(current_operations as object).includes('cancel'),
    );
    await xo.call('task.set_status', task, 'cancelled');
    await xo.call('task.destroy', task);
    await eventually(async () => expect(xo.xapi.getObject(task, undefined)).toBeUndefined());
    expect(await xo.refused('task.cancel', task)).toMatchObject({ code: 'HANDLE_INVALID' });
  });

  test('a message is of an object by its uuid; it can be deleted, and then is not there to be deleted again', async () => {
    const noted = xo.find('message', ({ name }) => name === 'NOTED');
    expect(noted).toMatchObject({ cls: 'VM', obj_uuid: xo.one(vm).uuid, body: 'a body' });
    await xo.call('message.destroy', noted.$ref);
    await eventually(async () => expect(xo.xapi.getObject(noted.$ref, undefined)).toBeUndefined());
    expect(await xo.refused('message.destroy', noted.$ref)).toMatchObject({ code: 'HANDLE_INVALID' });
  });
});

test('a VDI that comes, changes and goes is followed', async () => {
  const vdi = await xo.createVdi(xo.pool.default_SR, 8 * MiB, { name_label: 'followed' });
  expect(await xo.sees(vdi)).toMatchObject({ virtual_size: 8 * MiB, name_label: 'followed' });
  await xo.task('VDI.resize', vdi, GiB);
  await xo.sees(vdi, ({ virtual_size }) => virtual_size === GiB);
  await xo.task('VDI.destroy', vdi);
  await eventually(async () => expect(xo.xapi.getObject(vdi, undefined)).toBeUndefined());
});
