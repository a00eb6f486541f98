/** A session that one API has ended is ended in every other: the next that is asked there by its token does nothing. */
import { login, startWorld, statusOf, type Call, type World } from '../world';
import { description, result } from '../wire/raw';

let world: World, call: Call, vm: string, host: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, apis: 2 });
  call = await login(world.url);
  [vm = ''] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  vm = await call<string>('VM.clone', vm, 'kept');
  await call('VM.provision', vm);
  [host = ''] = await call<string[]>('host.get_all');
});
afterAll(() => world?.stop());

/** Of every kind of call: how it is asked for. */
const asked: readonly (readonly [method: string, ...params: (string | boolean | number | object)[]])[] = [
  ['VM.get_name_label', '$vm'],
  ['VM.get_all_records'],
  ['VM.set_name_label', '$vm', 'written'],
  ['VM.add_to_other_config', '$vm', 'written', 'yes'],
  ['VM.clone', '$vm', 'written'],
  ['Async.VM.clone', '$vm', 'written'],
  ['task.create', 'written', ''],
  ['VM.destroy', '$vm'],
  ['VM.start', '$vm', false, false],
  ['Async.VM.start', '$vm', false, false],
  ['VM.get_possible_hosts', '$vm'],
  ['VM.assert_can_migrate', '$vm', {}, true, {}, {}, {}],
  ['Async.pool.send_test_post', 'localhost', 1, ''],
  ['event.from', ['VM'], '', 0],
  ['event.register', ['VM']],
  ['event.next'],
  ['session.change_password', '', 'another password'],
  ['session.get_all_subject_identifiers'],
  ['session.logout'],
  ['host.disable', '$host'],
];
const named = (param: string | boolean | number | object): unknown =>
  param === '$vm' ? vm : param === '$host' ? host : param;

test.each(['the other', 'the same'])(
  'after a logout %s API refuses whatever is asked by that token, and does none of it',
  async (which) => {
    const [one, other] = world.apis.map(({ url }) => ({ ...world, url })) as [World, World];
    const at = which === 'the other' ? other : one;
    for (let round = 0; round < 5; round += 1) {
      const token = await result<string>(one, 'session.login_with_password', 'root', world.password);
      // The other API knows the session, and takes it for good for a moment.
      expect(await description(other, 'task.create', token, 'before', '')).toBeNull();
      expect(await description(other, 'VM.get_name_label', token, vm)).toBeNull();
      await result(one, 'session.logout', token);
      const answers = asked.map(async ([method, ...params]) => [
        method,
        await description(at, method, token, ...params.map(named)),
      ]);
      const handlers = ['/rrd_updates?start=0', '/audit_log?', `/export_raw_vdi?`].map((path) =>
        statusOf(fetch(`${at.url}${path}&session_id=${token}`)),
      );
      expect(await Promise.all(answers)).toEqual(
        asked.map(([method]) => [method, ['SESSION_INVALID', token]]),
      );
      for (const status of await Promise.all(handlers)) expect(status).toBe(401);
    }
    expect(await call('VM.get_by_name_label', 'written')).toEqual([]);
    expect(await call('task.get_by_name_label', 'written')).toEqual([]);
    expect(await call('VM.get_record', vm)).toMatchObject({
      name_label: 'kept',
      power_state: 'Halted',
      other_config: expect.not.objectContaining({ written: 'yes' }),
    });
    expect(await call('host.get_enabled', host)).toBe(true);
    await login(other.url);
  },
);

test('a session that lives goes on, at either API', async () => {
  const token = await result<string>(world, 'session.login_with_password', 'root', world.password);
  for (const { url } of [...world.apis, ...world.apis]) {
    expect(await description({ ...world, url }, 'VM.set_name_description', token, vm, url)).toBeNull();
    expect(await description({ ...world, url }, 'event.from', token, ['VM'], '', 0)).toBeNull();
  }
});
