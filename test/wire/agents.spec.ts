/** Messages of agents, commands to them and requests to the image server: who sends is asked first, then the shape, and a name is never a path. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { agentSettings } from '@xenplane/config';
import {
  agentCredential,
  guestMetricsReader,
  guestQuota,
  hostCredential,
  messageLimits,
  simulated,
  withinQuota,
  type GuestMetrics,
  type HypervisorEvent,
} from '@xenplane/hypervisor';
import { startAgent, type RunningAgent } from '../../apps/agent/src/agent';
import { eventually, joinKey, login, startWorld, type Call, type World } from '../world';
import { exchangeBytes, type Way } from './strangers';
import { request } from './raw';

const noisySeed = 31;
/** Its guests say what the test wants them to say. */
class NoisyXen extends simulated.SimulatedXen {
  tell: (event: HypervisorEvent) => void = () => undefined;
  override onEvent(listener: (event: HypervisorEvent) => void): void {
    this.tell = listener;
    super.onEvent(listener);
  }
}

let world: World;
let call: Call;
let noisy: RunningAgent;
const xen = new NoisyXen({ seed: noisySeed, speed: 0, hosts: 1 });
let api: Way, agent: Way, images: Way;
let host: string, token: string, key: string;

const portOf = (url: string): number => Number(new URL(url).port);
const vm = '00000000-0000-4000-8000-000000000001';

beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  call = await login(world.url);
  noisy = await startAgent(
    agentSettings({
      ...{
        XENPLANE_HOSTS: '1',
        XENPLANE_SEED: String(noisySeed),
        XENPLANE_SPEED: '0',
        XENPLANE_API_URL: world.url,
        XENPLANE_IMAGES_URL: world.imagesUrl,
      },
      ...{
        XENPLANE_JOIN_KEY: joinKey,
        XENPLANE_DATA: path.join(world.folder, 'noisy'),
        XENPLANE_LOG_LEVEL: 'error',
      },
    }),
    xen,
  );
  [api, agent, images] = [
    { port: portOf(world.url) },
    { port: portOf(world.agent.url) },
    { port: portOf(world.imagesUrl) },
  ];
  const tokens = JSON.parse(readFileSync(path.join(world.folder, 'agent', 'tokens.json'), 'utf8')) as Record<
    string,
    string
  >;
  [[host = '', token = ''] = []] = Object.entries(tokens);
  const rows = await world.apis[0]?.plane.store.query<{ command_key: string }>(
    'SELECT command_key FROM host_run WHERE uuid = $1',
    [host],
  );
  key = rows?.[0]?.command_key ?? '';
});
afterAll(async () => {
  await noisy?.stop();
  await world?.stop();
});
/** Whatever came before. */
afterEach(async () => {
  const alive = 'GET /health/live HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n';
  for (const way of [api, agent, images]) expect(await exchangeBytes(way, alive)).toMatch(/^HTTP\/1\.1 200 /);
});

const routes = ['joins', 'registrations', 'renewals', 'claims', 'reports', 'departures', 'standbys'] as const;
const message = (route: string, body: string | Buffer, credential: string): Promise<string> =>
  exchangeBytes(
    api,
    request('POST', `/agent/v1/${route}`, body, credential ? [`Authorization: ${credential}`] : []),
  );
const headOf = (method: string, target: string, length: number, headers: readonly string[] = []): string =>
  `${[`${method} ${target} HTTP/1.1`, 'Host: any', `Content-Length: ${length}`, ...headers].join('\r\n')}\r\n\r\n`;
const admitted = agentCredential(joinKey);

describe('messages to a control plane', () => {
  test.each(routes)('%s: a stranger is refused before a byte of the message is there', async (route) => {
    const answer = await exchangeBytes(api, headOf('POST', `/agent/v1/${route}`, 15_000_000));
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer.length).toBeLessThan(1000);
  });
  test.each([
    '/%61gent/v1/joins',
    '/agent/%76%31/joins',
    '//agent//v1/joins',
    '/agent/v1/joins/',
    '/agent/v1/joins?x=1',
  ])('by the address %s as well', async (target) => {
    expect(await exchangeBytes(api, headOf('POST', target, 15_000_000))).toMatch(
      /^HTTP\/1\.1 (401|413|404) /,
    );
    expect(await exchangeBytes(api, request('POST', target, '{"joins":[{}]}'))).not.toMatch(/joins\.0/);
  });
  test.each([
    ['another key', agentCredential('another key altogether')],
    ['another token', () => hostCredential(host, 'x'.repeat(43))],
    ['the token of another host', () => hostCredential(simulated.hostUuid(9, 9), token)],
    ['a host that is no UUID', () => hostCredential('..', token)],
    ['a session', 'Session OpaqueRef:00000000-0000-0000-0000-000000000000'],
    ['Basic credentials', 'Basic cm9vdDpyb290'],
  ])('%s is no credential', async (_what, credential) => {
    const given = typeof credential === 'string' ? credential : credential();
    expect(await message('renewals', '{"renewals":[]}', given)).toMatch(/^HTTP\/1\.1 401 /);
  });
  test.each([
    ['of the agent', () => admitted],
    ['of a host that is in', () => hostCredential(host, token)],
  ])('the credential %s is good', async (_what, credential) => {
    expect(await message('renewals', '{"renewals":[]}', credential())).toMatch(
      /^HTTP\/1\.1 200 [^]*\{"renewals":\[\]\}/,
    );
  });

  test.each(routes)('%s: more than is taken at once is 413, and nothing of it is read', async (route) => {
    const answer = await exchangeBytes(
      api,
      headOf('POST', `/agent/v1/${route}`, messageLimits.bytes + 1, [`Authorization: ${admitted}`]),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  const shapeless = (member: string): (string | Buffer)[] => [
    ...[
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '7',
      '{}',
      `{"${member}":null}`,
      `{"${member}":{}}`,
      `{"${member}":[null]}`,
      `{"${member}":[[]]}`,
      `{"${member}":[7]}`,
    ],
    ...[
      `{"${member}":[{"host":"../x"}]}`,
      `{"__proto__":{"${member}":[]}}`,
      `{"${member}":[{"__proto__":{"host":"${host}"}}]}`,
    ],
    ...[
      `{"${member}":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      Buffer.from([0xff, 0xfe]),
      `{"${member}":[{"host":"${host}","token":"\\u0000","secret":"\\ud800"}]}`,
    ],
  ];
  test.each(routes)('%s: what has not the shape is 400, in few words', async (route) => {
    for (const body of shapeless(route)) {
      const answer = await message(route, body, admitted);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer.length).toBeLessThan(1000);
    }
  });
  test('the first thing wrong ends the reading, however much more there is', async () => {
    const wrong = {
      host: 7,
      token: [],
      agentBoot: {},
      agentUrl: 'x'.repeat(100),
      inventory: { nics: [{}, {}] },
      domains: [1, 2, 3],
    };
    const answer = await message(
      'registrations',
      JSON.stringify({ registrations: Array.from({ length: 2_000 }, () => wrong) }),
      admitted,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*registrations\.0\.host: a UUID/);
    expect(answer.length).toBeLessThan(1000);
  });
  const entry = (more: object): object => ({
    host,
    token,
    hostEpoch: 1,
    vm,
    vmEpoch: 1,
    nonce: 'n',
    ...more,
  });
  test.each([
    ['a number that is none', 'claims', () => [entry({ vmEpoch: '1' })]],
    ['a number with a fraction', 'claims', () => [entry({ vmEpoch: 1.5 })]],
    ['a number beyond every column', 'claims', () => [entry({ hostEpoch: 1e300 })]],
    ['an attempt beyond its column', 'claims', () => [entry({ attempt: 2 ** 31 })]],
    ['a zero in a text', 'claims', () => [entry({ nonce: 'a\0b' })]],
    ['half of a pair in a text', 'claims', () => [entry({ nonce: 'a\ud800b' })]],
    ['a name in capitals', 'claims', () => [entry({ vm: vm.toUpperCase().replace('8', 'A') })]],
    [
      'one host twice',
      'standbys',
      () => [
        { host, token },
        { host, token },
      ],
    ],
    ['an event that there is not', 'reports', () => [entry({ event: { kind: 'other' } })]],
    ['an event without its members', 'reports', () => [entry({ event: { kind: 'guest' } })]],
    ['a domain beyond its column', 'reports', () => [entry({ event: { kind: 'rebooted', domid: 2 ** 40 } })]],
  ])('%s is 400', async (_what, route, entries) => {
    expect(await message(route, JSON.stringify({ [route]: entries() }), admitted)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });
  test('what is not known is passed over, and kept nowhere', async () => {
    const [epoch] =
      (await world.apis[0]?.plane.store.query<{ e: string }>(
        'SELECT host_epoch AS e FROM host_run WHERE uuid = $1',
        [host],
      )) ?? [];
    const load = { memoryFreeBytes: 1, domains: 0, cpuUsage: 0, more: 'x' };
    const body = JSON.stringify({
      renewals: [{ host, token, hostEpoch: Number(epoch?.e), load, more: 'x' }],
    });
    expect(await message('renewals', body, admitted)).toContain('"renewed":true');
    const [row] =
      (await world.apis[0]?.plane.store.query<{ load: object }>(
        'SELECT load FROM host_lease WHERE uuid = $1',
        [host],
      )) ?? [];
    expect(row?.load).not.toHaveProperty('more');
  });

  test.each(['..%2f..', '%00', 'x', '..'])('an invitation of %s is none', async (name) => {
    const session = await tokenOfRoot();
    const answer = await exchangeBytes(
      api,
      `DELETE /agent/v1/invitations/${name} HTTP/1.1\r\nHost: any\r\nAuthorization: Session ${session}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 (400|501) /);
  });
  const tokenOfRoot = async (): Promise<string> => {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'session.login_with_password',
      params: ['root', world.password],
    });
    return (
      (await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json()) as { result: string }
    ).result;
  };
});

describe('what guests say', () => {
  const guestOf = (other: Record<string, string>): GuestMetrics => ({
    osVersion: { name: 'x' },
    pvDriversVersion: {},
    networks: {},
    other,
  });
  const keys = (count: number, text = 'v'): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, text]));
  const reported = (guest: GuestMetrics): Promise<string> =>
    message(
      'reports',
      JSON.stringify({
        reports: [{ host, token, hostEpoch: 1, vm, vmEpoch: 1, event: { kind: 'guest', domid: 1, guest } }],
      }),
      admitted,
    );

  test.each<[string, () => GuestMetrics, number]>([
    ['as many keys as there may be', () => guestOf(keys(guestQuota.keys - 1)), 200],
    ['one key more', () => guestOf(keys(guestQuota.keys)), 400],
    ['20,000 keys', () => guestOf(keys(20_000)), 400],
    ['a key that is too long', () => guestOf({ ['k'.repeat(guestQuota.keyCharacters + 1)]: 'v' }), 400],
    ['a value that is too long', () => guestOf({ k: 'v'.repeat(guestQuota.valueCharacters + 1) }), 400],
    ['the longest value', () => guestOf({ k: 'v'.repeat(guestQuota.valueCharacters) }), 200],
    ['too much in all', () => guestOf(keys(100, 'v'.repeat(2000))), 400],
    ['a value that is none', () => guestOf(JSON.parse('{"k":7}') as Record<string, string>), 400],
  ])('%s: %#', async (_what, guest, status) => {
    expect(await reported(guest())).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  const texts = fc.dictionary(
    fc.oneof(fc.string(), fc.string({ minLength: 1000, maxLength: 1100 })),
    fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 2100 })),
  );
  test('whatever a guest says, what its agent passes on is taken', () => {
    fc.assert(
      fc.property(
        fc.record({ osVersion: texts, pvDriversVersion: texts, networks: texts, other: texts }),
        (guest) => {
          expect(guestMetricsReader(withinQuota(guest))).toEqual(withinQuota(guest));
        },
      ),
      { numRuns: 50 },
    );
  });

  test('a guest with 50,000 keys is shown with as many as it may have', async () => {
    const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
    const made = await call<string>('VM.clone', template, 'talkative');
    await call('VM.provision', made);
    const noisyHost = await eventually(() =>
      call<string>('host.get_by_uuid', simulated.hostUuid(noisySeed, 0)),
    );
    await eventually(() => call('VM.start_on', made, noisyHost, false, false));
    await eventually(async () =>
      expect(await call('VM.get_allowed_operations', made)).toContain('clean_shutdown'),
    );
    const [domain] = await xen.list(simulated.hostUuid(noisySeed, 0));
    if (!domain) throw new Error('no domain');
    const { vm, vmEpoch, domid } = domain;
    xen.tell({
      kind: 'guest',
      host: simulated.hostUuid(noisySeed, 0),
      vm,
      vmEpoch,
      domid,
      guest: guestOf({ ...keys(50_000), 'bad\0key': 'x' }),
    });
    await eventually(async () => {
      const other = await call<Record<string, string>>(
        'VM_guest_metrics.get_other',
        await call('VM.get_guest_metrics', made),
      );
      expect(Object.keys(other).length).toBe(guestQuota.keys - 1);
    });
  });
});

const victimIn = (folder: string): string => {
  mkdirSync(path.join(world.folder, folder, 'victim'), { recursive: true });
  const file = path.join(world.folder, folder, 'victim', 'file');
  writeFileSync(file, 'kept');
  return file;
};
const paths = [
  '..%2f..%2fvictim',
  '..%2F..%2Fvictim',
  '%2e%2e%2f%2e%2e%2fvictim',
  '..',
  '%2e%2e',
  '..%5c..%5cvictim',
  '%00',
  `${vm}%00`,
  `${vm}%2f..`,
  'x',
  '%2fetc',
  'A'.repeat(36),
];

describe('commands to an agent', () => {
  const command = (
    method: string,
    target: string,
    body = '',
    credential = `Bearer ${key}`,
  ): Promise<string> => exchangeBytes(agent, request(method, target, body, [`Authorization: ${credential}`]));
  const stop = JSON.stringify({ vmEpoch: 1, hostEpoch: 1, waitMs: 0, state: 'stopped', how: 'hard' });

  test.each(['', 'Bearer x', 'Bearer '])(
    'with the key %j nothing of the command is read',
    async (credential) => {
      const answer = await exchangeBytes(
        agent,
        headOf('PUT', `/hosts/${host}/vms/${vm}`, 900_000, [`Authorization: ${credential}`]),
      );
      expect(answer).toMatch(/^HTTP\/1\.1 403 [^]*connection: close/i);
    },
  );
  test('a command that is too large is 413', async () => {
    const head = headOf('PUT', `/hosts/${host}/vms/${vm}`, messageLimits.bytes + 1, [
      `Authorization: Bearer ${key}`,
    ]);
    expect(await exchangeBytes(agent, head)).toMatch(/^HTTP\/1\.1 413 /);
  });
  test.each([
    '',
    '{',
    'null',
    '[]',
    '7',
    '{}',
    '{"state":"stopped"}',
    '{"state":"running","spec":null}',
    '{"keys":7}',
    '{"action":"no","hostEpoch":1}',
    '\0',
  ])('a command that is %j is 400', async (body) => {
    const targets = [
      `PUT /hosts/${host}/vms/${vm}`,
      `PUT /hosts/${host}/power`,
      `PUT /hosts/${host}/plane`,
      `POST /hosts/${host}/debug-keys`,
    ];
    for (const [method = '', target = ''] of targets.map((t) => t.split(' '))) {
      const answer = await command(method, target, body);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer.length).toBeLessThan(1000);
    }
  });
  test.each(paths)('a VM called %s is none, and nothing outside is touched', async (name) => {
    const file = victimIn('agent');
    for (const target of [`/hosts/${host}/vms/${name}`, `/hosts/${name}/vms/${vm}`])
      expect(await command('PUT', target, stop)).toMatch(/^HTTP\/1\.1 40[034] /);
    expect(await command('POST', `/hosts/${host}/vms/${name}/crash`)).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });
});

describe('requests to the image server', () => {
  const secret = `Bearer ${joinKey}`;
  const ask = (method: string, target: string, credential = secret): Promise<string> =>
    exchangeBytes(images, request(method, target, '', [`Authorization: ${credential}`]));

  test.each([
    ['PUT', '/images'],
    ['GET', '/images'],
    ['DELETE', `/images/${'a'.repeat(64)}`],
    ['PUT', `/layers/${vm}`],
    ['GET', `/layers/${vm}`],
    ['POST', `/layers/${vm}/fold`],
    ['DELETE', `/layers/${vm}`],
    ['GET', '/layers/changed'],
  ])('%s %s needs the secret, and nothing is read before', async (method, target) => {
    expect(await exchangeBytes(images, headOf(method, target, 15_000_000))).toMatch(/^HTTP\/1\.1 403 /);
  });
  test.each(paths)('nothing is called %s', async (name) => {
    const file = victimIn('images');
    for (const method of ['GET', 'DELETE', 'PUT'])
      expect(await ask(method, `/layers/${name}`)).toMatch(/^HTTP\/1\.1 40[04] /);
    for (const method of ['GET', 'HEAD', 'DELETE'])
      expect(await ask(method, `/images/${name}`)).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(await ask('DELETE', `/layers/${name}/blocks`)).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });
  test.each(['A'.repeat(64), 'a'.repeat(63), vm])(
    'an image is named by its SHA-256, %s is 400',
    async (name) => {
      expect(await ask('GET', `/images/${name}`)).toMatch(/^HTTP\/1\.1 400 /);
    },
  );
  test('a layer is named by its UUID, a digest is 400', async () => {
    expect(await ask('GET', `/layers/${'a'.repeat(64)}`)).toMatch(/^HTTP\/1\.1 400 /);
  });
  test.each([
    ['a chain that is given twice', 'GET', `/layers/${vm}/blocks?chain=a&chain=b`],
    ['a part that is no number', 'GET', `/layers/${vm}?offset=x&length=1`],
    ['more bits than there can be', 'GET', `/layers/changed?ids=${vm}&blocks=9007199254740991`],
    ['a chain out of the folder', 'GET', `/layers/${vm}?length=1&chain=../victim`],
    ['a fold of what is none', 'POST', `/layers/${vm}/fold?how=over&from=../victim`],
  ])('%s is 400', async (_what, method, target) =>
    expect(await ask(method, target)).toMatch(/^HTTP\/1\.1 400 /),
  );
  test('frames that are none are 400', async () => {
    const bytes = request('PUT', `/layers/${vm}`, Buffer.alloc(40, 9), [
      `Authorization: ${secret}`,
      'Content-Type: application/x-disk-writes',
    ]);
    expect(await exchangeBytes(images, bytes)).toMatch(/^HTTP\/1\.1 400 /);
  });
  test('a link out of the folder is neither an image nor a layer', async () => {
    const file = victimIn('agent');
    const [digest, layer] = ['b'.repeat(64), '00000000-0000-4000-8000-00000000000b'];
    symlinkSync(file, path.join(world.folder, 'images', digest));
    symlinkSync(path.dirname(path.dirname(world.folder)), path.join(world.folder, 'images', 'layers', layer));
    expect(await ask('GET', `/images/${digest}`)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await ask('GET', `/layers/${vm}?length=4&chain=${digest}`)).toMatch(/^HTTP\/1\.1 400 /);
    const write = request('PUT', `/layers/${layer}`, 'x', [`Authorization: ${secret}`]);
    expect(await exchangeBytes(images, write)).toMatch(/^HTTP\/1\.1 400 /);
  });
});
