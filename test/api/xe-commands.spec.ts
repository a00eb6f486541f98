/** Every command of xe: it exists, it is explained, it says what it misses, and what needs nothing runs. */
import {
  commandFacts,
  commandNames,
  commands,
  connect,
  described,
  logOut,
  tables,
  type Api,
} from '@xenplane/client';
import { password, startWorld, type World } from '../world';
import { xeOver, type Said } from '../xe';

let world: World, api: Api;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  api = await connect({ url: world.url, user: 'root', password });
});
afterAll(async () => {
  if (api) await logOut(api);
  await world?.stop();
});
const xe = (...words: string[]): Promise<Said> =>
  xeOver(() => Promise.resolve({ api, close: () => Promise.resolve() }), words);

const all = Object.keys(commandFacts);
const generic = Object.values(tables).flatMap((t) => t.commands);

/** Commands that the real xe does not have. */
const own = ['host-failover'];
test('every command of the table is there, and there is none beside it but our own', () => {
  expect(all.filter((name) => !(name in commands))).toEqual([]);
  expect(Object.keys(commands).filter((name) => !(name in commandFacts))).toEqual(own);
  expect(all.length).toBe(387);
  expect(generic.length).toBe(288);
});

test('every command is explained in a sentence, and listed unless it is hidden', async () => {
  const unexplained = [...all, ...generic].filter((name) => (described(name)?.doc ?? name) === name);
  expect(unexplained).toEqual([]);
  const listed = new Set((await xe('help', '--minimal', '--all')).out.trim().split(','));
  expect([...all.filter((n) => !commandFacts[n]?.hidden), ...generic].filter((n) => !listed.has(n))).toEqual(
    [],
  );
  expect(commandNames()).toEqual([...listed]);
});

test('help tells what a command needs and takes', async () => {
  expect((await xe('help', 'vm-start')).out).toMatch(
    /^command name {12}: vm-start\n {8}reqd params {5}: \n {8}optional params : force, on, paused, <vm-selectors>\n {8}description {5}: .+\n\n\n$/,
  );
  expect((await xe('help', 'vlan-create')).out).toContain(
    ' reqd params     : pif-uuid, vlan, network-uuid\n',
  );
  expect((await xe('help', 'vlan-create', '--minimal')).out).toBe('vlan-create\n');
  expect(await xe('help', 'nonsense')).toMatchObject({
    code: 0,
    out: "Unknown command 'nonsense'\n",
    error: '',
  });
  expect((await xe('completion', 'bash')).out).toContain('complete -F _xe xe');
});

test('every command that needs something says what is missing first', async () => {
  const needing = [...all, ...generic].flatMap((name) =>
    described(name)?.required[0] === undefined ? [] : [[name, described(name)?.required[0]] as const],
  );
  expect(needing.length).toBeGreaterThan(350);
  for (const [name, first] of needing)
    expect([name, await xe(name)]).toEqual([
      name,
      { code: 1, out: '', error: `Required parameter not found: ${first}\nFor usage run: 'xe help'\n` },
    ]);
});

test.each(['hvm', 'pv'])(
  'event-wait waits for the guest of a VM of type %s, whose clean shutdown is then possible',
  async (type) => {
    const name = `waited for ${type}`;
    const uuid = (await xe('vm-install', 'template=Debian Bookworm 12', `new-name-label=${name}`)).out.trim();
    const vm = await api.call<string>('VM.get_by_uuid', uuid);
    await api.call('VM.set_domain_type', vm, type);
    const waits = xe('event-wait', 'class=vm', `name-label=${name}`, 'PV-drivers-detected=true');
    await xe('vm-start', `vm=${name}`);
    expect(await waits).toEqual({ code: 0, out: '', error: '' });
    expect(await xe('vm-shutdown', `vm=${name}`)).toMatchObject({ code: 0, error: '' });
    await xe('vm-uninstall', `vm=${name}`, 'force=true');
  },
);

test('every list and every field of every class is shown', async () => {
  for (const list of generic.filter((name) => name.endsWith('-list') && !name.endsWith('param-list'))) {
    expect([list, await xe(list, 'params=all')]).toMatchObject([list, { code: 0, error: '' }]);
    expect([list, (await xe(list, '--minimal')).out.split('\n').length]).toEqual([list, 2]);
  }
});

/** These would take away what the others need. */
const harmful = new Set([
  'session-subject-identifier-logout-all',
  'pool-secret-rotate',
  'host-shutdown-agent',
  'pool-emergency-transition-to-master',
  'console',
]);
test('every command that needs nothing runs, or says why not', async () => {
  const free = all.filter((name) => commandFacts[name]?.required.length === 0 && !harmful.has(name));
  expect(free.length).toBeGreaterThan(80);
  for (const name of free) {
    const { code, error } = await xe(name);
    expect([name, error]).toEqual([
      name,
      expect.not.stringMatching(
        /INTERNAL_ERROR|PARAMETER_COUNT|undefined|is not a function|Cannot read|internal/i,
      ),
    ]);
    expect([name, code, error === '']).toEqual([name, code, code === 0]);
  }
});

test('a wrong word for a number, a truth or a size is told by its parameter', async () => {
  const uuid = (await xe('vm-install', 'template=Debian Bookworm 12', 'new-name-label=words')).out.trim();
  expect((await xe('vm-memory-set', `uuid=${uuid}`, 'memory=much')).error).toMatch(
    /^Error: Failed to parse field 'memory': expecting an integer \(possibly with suffix KiB, MiB, GiB, TiB\), got 'much'\n$/,
  );
  expect((await xe('vm-start', `uuid=${uuid}`, 'paused=perhaps')).error).toMatch(
    /^Error: Failed to parse parameter 'paused'/,
  );
  expect((await xe('vm-param-set', `uuid=${uuid}`, 'VCPUs-max=two')).error).toMatch(
    /^Error: Failed to parse parameter 'VCPUs-max': expecting an integer\n$/,
  );
});
