/** `xe` against the real API: the main job, lists and parameters, and what it says when something is wrong. */
import { eventually, login, password, startWorld, type World } from '../world';
import { xeWith, type Said } from '../xe';
import { xeProgram } from '../xe-program';

let world: World;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
});
afterAll(() => world?.stop());

const xe = (...words: string[]): Promise<Said> => xeWith({ url: world.url, password }, words);
const line = async (...words: string[]): Promise<string> => {
  const { code, out, error } = await xe(...words);
  expect([code, error]).toEqual([0, '']);
  return out.trim();
};

test('host-list shows every host as xe does', async () => {
  const { out } = await xe('host-list');
  expect(out).toMatch(
    /^uuid \( RO\) +: [0-9a-f-]{36}\n +name-label \( RW\): xenplane-host-\d\n +name-description \( RW\): Simulated host\n\n\n/,
  );
  expect((await line('host-list', '--minimal')).split(',').length).toBe(2);
  expect(await line('host-list', 'params=memory-total', '--minimal')).toBe(
    `${256 * 2 ** 30},${256 * 2 ** 30}`,
  );
});

test('a VM is installed, listed, started, shut down and uninstalled', async () => {
  const uuid = await line('vm-install', 'template=Debian Bookworm 12', 'new-name-label=by xe');
  expect(uuid).toMatch(/^[0-9a-f-]{36}$/);
  expect(await line('vm-list', 'name-label=by xe', 'params=uuid,power-state')).toBe(
    `uuid ( RO)           : ${uuid}\n    power-state ( RO): halted`,
  );
  await line('vm-start', `uuid=${uuid}`);
  expect(await line('vm-param-get', `uuid=${uuid}`, 'param-name=power-state')).toBe('running');
  await eventually(async () =>
    expect(await line('vm-param-get', `uuid=${uuid}`, 'param-name=allowed-operations')).toContain(
      'clean_shutdown',
    ),
  );
  await line('vm-shutdown', 'vm=by xe');
  await line('vm-uninstall', 'vm=by xe', '--force');
  expect(await line('vm-list', 'name-label=by xe', '--minimal')).toBe('');
});

test('parameters are set, added, removed and cleared', async () => {
  const pool = await line('pool-list', '--minimal');
  await line('pool-param-set', `uuid=${pool}`, 'name-label=renamed', 'other-config:colour=blue');
  expect(await line('pool-param-get', `uuid=${pool}`, 'param-name=name-label')).toBe('renamed');
  expect(await line('pool-param-get', `uuid=${pool}`, 'param-name=other-config', 'param-key=colour')).toBe(
    'blue',
  );
  await line('pool-param-remove', `uuid=${pool}`, 'param-name=other-config', 'param-key=colour');
  expect(
    (await xe('pool-param-get', `uuid=${pool}`, 'param-name=other-config', 'param-key=colour')).error,
  ).toBe('Error: Key colour not found in map\n');
});

test.each([
  [['nonsense'], "Unknown command: nonsense\nFor usage run: 'xe help'\n"],
  [['vm-start', 'vm=nobody'], 'Error: No matching VMs found\n'],
  [['vm-list', 'no-such-field=1'], "Error: Unknown field 'no-such-field'\n"],
  [
    ['vm-install', 'template=Debian Bookworm 12'],
    "Required parameter not found: new-name-label\nFor usage run: 'xe help'\n",
  ],
])('%j fails with the words of xe', async (words, error) => {
  expect(await xe(...words)).toEqual({ code: 1, out: '', error });
});

test('an error of the API is told by its sentence and its parameters', async () => {
  const uuid = await line('vm-install', 'template=Debian Bookworm 12', 'new-name-label=told');
  const { code, error } = await xe('vm-pause', `uuid=${uuid}`);
  expect(code).toBe(1);
  expect(error).toContain(`vm: ${uuid} (told)\nexpected: running\nactual: halted\n`);
});

test('the task of a transfer ends as a failure when its file cannot be read', async () => {
  const call = await login(world.url);
  const { hostname, port } = new URL(world.url);
  for (const [command, ...more] of [['vm-import'], ['vm-import', 'metadata=true']]) {
    const task = await call<string>('task.create', 'mine', '');
    const words = [
      command ?? '',
      'filename=no-such-file',
      `task-uuid=${await call<string>('task.get_uuid', task)}`,
      ...more,
    ];
    const { code, out, error } = await xeProgram(world.folder, [
      '-s',
      hostname,
      '-p',
      port,
      '-u',
      'root',
      '-pw',
      password,
      ...words,
    ]);
    expect([code, out, error]).toEqual([1, '', expect.stringContaining('no-such-file')]);
    expect(await call('task.get_status', task)).toBe('failure');
  }
});
