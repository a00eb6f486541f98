/** Section 2 of the protocol notes: tokens, batches and their counts. */
import fc from 'fast-check';
import { Client } from 'pg';
import { startWorld, type World } from '../world';
import { description, post, result, sessionOf, xmlCall } from './raw';

interface Event {
  readonly id: string;
  readonly timestamp: string;
  readonly class: string;
  readonly operation: string;
  readonly ref: string;
  readonly snapshot?: Readonly<Record<string, unknown>>;
}
interface Batch {
  readonly events: readonly Event[];
  readonly valid_ref_counts: Readonly<Record<string, number>>;
  readonly token: string;
}

let world: World;
let session: string;
let pool: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  session = await sessionOf(world);
  [pool = ''] = await call<string[]>('pool.get_all');
});
afterAll(() => world?.stop());

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> =>
  result<T>(world, method, session, ...params);
const from = (classes: readonly string[], token = '', timeout = 0): Promise<Batch> =>
  call<Batch>('event.from', classes, token, timeout);
/** A token behind all that was committed before. */
const settled = async (): Promise<string> =>
  (await from(['pool'], await call('event.inject', 'pool', pool), 30)).token;
const machine = async (name: string): Promise<string> => {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Other install media');
  const record = await call<Record<string, unknown>>('VM.get_record', template);
  return call('VM.create', { ...record, name_label: name, is_a_template: false, other_config: {} });
};
const network = (name: string): Promise<string> =>
  call('network.create', { name_label: name, other_config: {} });

test.each([
  ['every class', ['*'], 'host'],
  ['a class', ['network'], 'network'],
  ['a class in other letters', ['NetWork'], 'network'],
  ['a class with a name of two words', ['VM_guest_metrics', 'PIF_metrics'], 'pif_metrics'],
])('from the beginning, %s gives one add of each object', async (_claim, classes, cls) => {
  await settled();
  const { events } = await from(classes);
  const own = events.filter((e) => e.class === cls);
  const refs = await call<string[]>(`${cls === 'pif_metrics' ? 'PIF_metrics' : cls}.get_all`);
  expect(own.map((e) => e.ref).toSorted()).toEqual(refs.toSorted());
  expect(new Set(events.map((e) => e.operation))).toEqual(new Set(['add']));
  expect(events.filter((e) => e.class !== e.class.toLowerCase())).toEqual([]);
});

test.each(['event.from', 'event.register'])(
  '%s takes a thousand classes and objects in one call, and refuses more',
  async (method) => {
    const others = Array.from({ length: 999 }, (_, nth) => `vm/OpaqueRef:${nth}`);
    const more = method === 'event.from' ? ['', 0] : [];
    const answer = await call<Batch | ''>(method, [`pool/${pool}`, ...others], ...more);
    if (answer) expect(answer.events.map((e) => e.ref)).toEqual([pool]);
    expect(await description(world, method, session, ['pool', `vm/${pool}`, ...others], ...more)).toEqual([
      'EVENT_SUBSCRIPTION_PARSE_FAILURE',
      'more than 1000 subscriptions',
    ]);
    await call('event.unregister', ['*']);
  },
);

test.each(['nonsense', '', 'pool/a/b', 'nonsense/a', '/'])(
  'one object may be watched alone, and what is none (%j) matches nothing',
  async (none) => {
    expect((await from([`Pool/${pool}`, none])).events.map((e) => e.ref)).toEqual([pool]);
  },
);

test('an event has its members, and the record whole', async () => {
  const [event] = (await from(['pool'])).events;
  expect(event).toEqual({
    id: expect.stringMatching(/^\d+$/),
    timestamp: '0.0',
    class: 'pool',
    operation: 'add',
    ref: pool,
    snapshot: await call<object>('pool.get_record', pool),
  });
});

test.each<[string, (ref: string) => Promise<unknown>, readonly string[]]>([
  ['made and changed is one add', async (ref) => call('network.set_name_description', ref, 'x'), ['add']],
  ['made and gone is nothing', async (ref) => call('network.destroy', ref), []],
])('of one batch: %s', async (_claim, then, operations) => {
  const token = await settled();
  const ref = await network('coalesced');
  await then(ref);
  await settled();
  expect(
    (await from(['network'], token, 0.2)).events.filter((e) => e.ref === ref).map((e) => e.operation),
  ).toEqual(operations);
});

test('changed twice is one mod with the last value; gone is a del without a record; adds, mods, dels in this order', async () => {
  const [kept, gone] = [await network('kept'), await network('gone')];
  const token = await settled();
  await call('network.destroy', gone);
  await call('network.set_name_label', kept, 'once');
  await call('network.set_name_label', kept, 'twice');
  const made = await network('made');
  await settled();
  const { events, token: next } = await from(['network'], token, 1);
  expect(events.map((e) => [e.operation, e.ref, e.snapshot?.['name_label']])).toEqual([
    ['add', made, 'made'],
    ['mod', kept, 'twice'],
    ['del', gone, undefined],
  ]);
  expect(events.at(-1)).not.toHaveProperty('snapshot');
  expect(next > token).toBe(true);
});

test('what one reader asks for decides what it gets, whatever others asked for from the same position', async () => {
  const token = await settled();
  await network('shared');
  await call('task.create', 'shared', '');
  const subscriptions = fc.array(
    fc.constantFrom(
      'network',
      'task',
      'network,task',
      'task,network',
      'network"',
      '["network',
      'task"]',
      '',
      ',',
    ),
    {
      maxLength: 4,
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(subscriptions, { minLength: 2, maxLength: 6 }), async (lists) => {
      const batches = await Promise.all(lists.map((list) => from(list, token)));
      const seen = batches.map(({ events }) => [...new Set(events.map((e) => e.class))].toSorted());
      expect(seen).toEqual(
        lists.map((list) => (['network', 'task'] as const).filter((cls) => list.includes(cls))),
      );
    }),
    { numRuns: 60 },
  );
});

test('a transaction that somebody leaves open holds up neither events nor writes for longer than a few seconds', async () => {
  const token = await settled();
  const stopped = new Client({ connectionString: world.databaseUrl });
  const ended = new Promise<Error>((resolve) => stopped.on('error', resolve));
  await stopped.connect();
  // As a process that is stopped leaves it: a row is locked, and no later transaction than its number and 63 can be sent.
  await stopped.query('BEGIN');
  await stopped.query("UPDATE pool SET name_description = 'never seen'");
  const write = call('pool.set_name_description', pool, 'written');
  for (let i = 0; i < 100; i += 1) await network(`behind ${i}`);
  const last = await network('the last');
  for (let [at, seen] = [token, false]; !seen;) {
    const batch = await from(['network'], at, 30);
    [at, seen] = [batch.token, batch.events.some((e) => e.ref === last)];
  }
  await write;
  expect(await ended).toMatchObject({ code: '25P03' });
  expect(await call('pool.get_name_description', pool)).toBe('written');
}, 120_000);

test('without news the wait ends empty, with a token that is no older', async () => {
  const token = await settled();
  const began = Date.now();
  const batch = await from(['network'], token, 0.3);
  expect(batch.events).toEqual([]);
  expect(batch.token >= token).toBe(true);
  expect(Date.now() - began).toBeGreaterThanOrEqual(290);
});

test('the counts name every table in lower case and agree with its records', async () => {
  await call('task.create', 'counted', '');
  const { valid_ref_counts: counts } = await from(['task']);
  for (const cls of ['VM', 'host', 'task', 'VM_guest_metrics', 'PIF_metrics', 'GPU_group', 'network'])
    expect([cls, counts[cls.toLowerCase()]]).toEqual([
      cls,
      Object.keys(await call<object>(`${cls}.get_all_records`)).length,
    ]);
  expect(Object.keys(counts).filter((c) => c !== c.toLowerCase())).toEqual([]);
});

test.each([
  ['of the beginning', '00000000000000000000,00000000000000000000'],
  ['of long ago', '1,0'],
])('a token %s gives everything', async (_claim, token) => {
  expect((await from(['pool'], token)).events.map((e) => [e.operation, e.ref])).toEqual([['add', pool]]);
});
test('a token of the future gives nothing and stays', async () => {
  const future = '00000009999999999999,00000000000000000000';
  expect(await from(['pool'], future, 0.1)).toMatchObject({ events: [], token: future });
});

/** Events of the objects at the other end: their fields have changed too. */
const told = async (work: () => Promise<unknown>): Promise<string[]> => {
  const token = await settled();
  await work();
  await settled();
  const { events } = await from(['*'], token, 1);
  return events
    .flatMap((e) => (['session', 'task', 'pool'].includes(e.class) ? [] : [`${e.class} ${e.operation}`]))
    .toSorted();
};
test('what stands in several objects is told of each of them', async () => {
  const sr = await call('pool.get_default_SR', pool);
  const qos = { other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} };
  const vm = await machine('ends');
  let vdi = '',
    vbd = '',
    vif = '';
  const disk = {
    SR: sr,
    virtual_size: 2 ** 20,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  };
  expect(await told(async () => (vdi = await call('VDI.create', disk)))).toEqual(['sr mod', 'vdi add']);
  const drive = {
    VM: vm,
    VDI: vdi,
    userdevice: '0',
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    empty: false,
    ...qos,
  };
  expect(await told(async () => (vbd = await call('VBD.create', drive)))).toEqual([
    'vbd add',
    'vdi mod',
    'vm mod',
  ]);
  expect(await told(async () => call('VBD.destroy', vbd))).toEqual(['vbd del', 'vdi mod', 'vm mod']);
  const card = {
    VM: vm,
    network: (await call<string[]>('network.get_all'))[0],
    device: '0',
    MAC: '',
    MTU: 1500,
    ...qos,
  };
  expect(await told(async () => (vif = await call('VIF.create', card)))).toEqual([
    'network mod',
    'vif add',
    'vm mod',
  ]);
  expect(await told(async () => call('VIF.destroy', vif))).toEqual(['network mod', 'vif del', 'vm mod']);
  expect(await told(async () => call('VDI.destroy', vdi))).toEqual(['sr mod', 'vdi del']);
});
test('an operation under way, and what it rules out, is told as a change', async () => {
  const vm = await machine('under way');
  const allowed = await call<string[]>('VM.get_allowed_operations', vm);
  const token = await settled();
  const task = await call('Async.VM.start', vm, false, false);
  const { events } = await from([`vm/${vm}`], token, 30);
  expect(events).toMatchObject([
    { class: 'vm', operation: 'mod', ref: vm, snapshot: { current_operations: { [task]: 'start' } } },
  ]);
  expect(allowed).toContain('start');
  expect(events[0]?.snapshot?.['allowed_operations']).not.toContain('start');
});

test('a message that is gone is told so', async () => {
  const uuid = await call('pool.get_uuid', pool);
  const ref = await call('message.create', 'GOING', 3, 'Pool', uuid, 'body');
  const token = await settled();
  await call('message.destroy', ref);
  const { events } = await from(['message'], token, 30);
  expect(events.map((e) => [e.class, e.operation, e.ref, 'snapshot' in e])).toEqual([
    ['message', 'del', ref, false],
  ]);
});
test('messages come before everything else of their batch', async () => {
  const token = await settled();
  const ref = await network('before');
  await call('message.create', 'FIRST', 3, 'Pool', await call('pool.get_uuid', pool), 'body');
  await settled();
  const { events } = await from(['*'], token, 1);
  expect(events[0]).toMatchObject({ class: 'message', operation: 'add' });
  expect(events.map((e) => e.ref)).toContain(ref);
});

test('a wait holds up nothing else of its session, and ends with it', async () => {
  const own = await sessionOf(world);
  const token = await settled();
  const waiting = description(world, 'event.from', own, ['network'], token, 60);
  expect(await result<string[]>(world, 'pool.get_all', own)).toEqual([pool]);
  await result(world, 'session.logout', own);
  expect(await waiting).toEqual(['SESSION_INVALID', own]);
});

test('the older way: classes add up and can be given back, and what comes is a bare list', async () => {
  const own = await sessionOf(world);
  const mine = <T>(method: string, ...params: unknown[]): Promise<T> =>
    result<T>(world, method, own, ...params);
  expect(await description(world, 'event.next', own)).toEqual(['SESSION_NOT_REGISTERED', own]);
  expect(await mine('event.register', ['network'])).toBe('');
  await mine('event.register', ['pool', 'host']);
  await mine('event.unregister', ['host']);
  await call('pool.set_name_description', pool, 'told the older way');
  const [changed] = await mine<readonly Event[]>('event.next');
  expect(changed).toMatchObject({
    class: 'pool',
    operation: 'mod',
    ref: pool,
    snapshot: { name_description: 'told the older way' },
  });
  expect(Number(changed?.timestamp)).toBeGreaterThan(1e9);
  const ref = await network('older');
  expect((await mine<readonly Event[]>('event.next')).map((e) => [e.class, e.operation, e.ref])).toEqual([
    ['network', 'add', ref],
  ]);
});

test.each([
  ['from', [['pool'], '', 0]],
  ['next', []],
  ['inject', ['pool', 'OpaqueRef:none']],
  ['get_current_id', []],
])('event.%s has no asynchronous form', async (method, params) => {
  expect(await description(world, `Async.event.${method}`, session, ...params)).toEqual([
    'Fault',
    `No async mode for this operation (rpc: event.${method})`,
  ]);
});

test('in XML the counts alone are typed integers', async () => {
  const body = await post(
    world,
    '/RPC2',
    xmlCall(
      'event.from',
      session,
      '<array><data><value>pool</value></data></array>',
      '',
      '<double>0</double>',
    ),
  );
  expect(body.body).toContain('<member><name>pool</name><value><i4>1</i4></value></member>');
  expect(body.body).toMatch(/<name>token<\/name><value>\d{20},\d{20}<\/value>/);
  expect(body.body).toContain('<name>timestamp</name><value>0.0</value>');
});

test('a message is an event with its record, and in no count', async () => {
  const token = await settled();
  const uuid = await call('pool.get_uuid', pool);
  const ref = await call('message.create', 'TOLD', 3, 'Pool', uuid, 'body');
  const { events, valid_ref_counts: counts } = await from(['message'], token, 30);
  expect(events).toMatchObject([
    { class: 'message', operation: 'add', ref, snapshot: { name: 'TOLD', obj_uuid: uuid, body: 'body' } },
  ]);
  expect(counts).not.toHaveProperty('message');
});

test.each<[string, string, () => unknown[], () => unknown[]]>([
  [
    'a token that is none',
    'event.from',
    () => [['pool'], 'garbage', 0],
    () => ['EVENT_FROM_TOKEN_PARSE_FAILURE', 'garbage'],
  ],
  [
    'inject of a class in other letters',
    'event.inject',
    () => ['Pool', pool],
    () => ['HANDLE_INVALID', 'Pool', pool],
  ],
  [
    'inject of a dead reference',
    'event.inject',
    () => ['pool', 'OpaqueRef:none'],
    () => ['HANDLE_INVALID', 'pool', 'OpaqueRef:none'],
  ],
])('refused: %s', async (_claim, method, params, expected) =>
  expect(await description(world, method, session, ...params())).toEqual(expected()),
);

test('inject gives the token just before the change that it makes', async () => {
  const token = await call('event.inject', 'pool', pool);
  expect(token).toMatch(/^\d{20},\d{20}$/);
  expect((await from(['pool'], token, 30)).events.map((e) => [e.operation, e.ref])).toEqual([['mod', pool]]);
});

test('the present position is a number', async () =>
  expect(Number.isInteger(await call<number>('event.get_current_id'))).toBe(true));
