/** Section 2 of the protocol notes: tokens, batches and their counts. */
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

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> => result<T>(world, method, session, ...params);
const from = (classes: readonly string[], token = '', timeout = 0): Promise<Batch> => call<Batch>('event.from', classes, token, timeout);
const network = (name: string): Promise<string> => call('network.create', { name_label: name, other_config: {} });

test.each([
  ['every class', ['*'], 'host'],
  ['a class', ['network'], 'network'],
  ['a class in other letters', ['NetWork'], 'network'],
  ['a class with a name of two words', ['VM_guest_metrics', 'PIF_metrics'], 'pif_metrics'],
])('from the beginning, %s gives one add of each object', async (_claim, classes, cls) => {
  const { events } = await from(classes);
  const own = events.filter((e) => e.class === cls);
  const refs = await call<string[]>(`${cls === 'pif_metrics' ? 'PIF_metrics' : cls}.get_all`);
  expect(own.map((e) => e.ref).toSorted()).toEqual(refs.toSorted());
  expect(new Set(events.map((e) => e.operation))).toEqual(new Set(['add']));
  expect(events.filter((e) => e.class !== e.class.toLowerCase())).toEqual([]);
});

test('one object may be watched alone, and a class that is none matches nothing', async () => {
  expect((await from([`pool/${pool}`, 'nonsense'])).events.map((e) => e.ref)).toEqual([pool]);
});

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
  const { token } = await from(['network']);
  const ref = await network('coalesced');
  await then(ref);
  expect((await from(['network'], token, 0.2)).events.filter((e) => e.ref === ref).map((e) => e.operation)).toEqual(operations);
});

test('changed twice is one mod with the last value; gone is a del without a record; adds, mods, dels in this order', async () => {
  const [kept, gone] = [await network('kept'), await network('gone')];
  const { token } = await from(['network']);
  await call('network.destroy', gone);
  await call('network.set_name_label', kept, 'once');
  await call('network.set_name_label', kept, 'twice');
  const made = await network('made');
  const { events, token: next } = await from(['network'], token, 1);
  expect(events.map((e) => [e.operation, e.ref, e.snapshot?.['name_label']])).toEqual([
    ['add', made, 'made'],
    ['mod', kept, 'twice'],
    ['del', gone, undefined],
  ]);
  expect(events.at(-1)).not.toHaveProperty('snapshot');
  expect(next > token).toBe(true);
});

test('without news the wait ends empty, with a token that is no older', async () => {
  const { token } = await from(['network']);
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
    expect([cls, counts[cls.toLowerCase()]]).toEqual([cls, Object.keys(await call<object>(`${cls}.get_all_records`)).length]);
  expect(Object.keys(counts).filter((c) => c !== c.toLowerCase())).toEqual([]);
});

test('in XML the counts alone are typed integers', async () => {
  const body = await post(world, '/RPC2', xmlCall('event.from', session, '<array><data><value>pool</value></data></array>', '', '<double>0</double>'));
  expect(body.body).toContain('<member><name>pool</name><value><i4>1</i4></value></member>');
  expect(body.body).toMatch(/<name>token<\/name><value>\d{20},\d{20}<\/value>/);
  expect(body.body).toContain('<name>timestamp</name><value>0.0</value>');
});

test('a message is an event with its record, and in no count', async () => {
  const { token } = await from(['message']);
  const uuid = await call('pool.get_uuid', pool);
  const ref = await call('message.create', 'TOLD', 3, 'Pool', uuid, 'body');
  const { events, valid_ref_counts: counts } = await from(['message'], token, 1);
  expect(events).toMatchObject([{ class: 'message', operation: 'add', ref, snapshot: { name: 'TOLD', obj_uuid: uuid, body: 'body' } }]);
  expect(counts).not.toHaveProperty('message');
});

test.each<[string, string, () => unknown[], () => unknown[]]>([
  ['a token that is none', 'event.from', () => [['pool'], 'garbage', 0], () => ['EVENT_FROM_TOKEN_PARSE_FAILURE', 'garbage']],
  ['inject of a class in other letters', 'event.inject', () => ['Pool', pool], () => ['HANDLE_INVALID', 'Pool', pool]],
  ['inject of a dead reference', 'event.inject', () => ['pool', 'OpaqueRef:none'], () => ['HANDLE_INVALID', 'pool', 'OpaqueRef:none']],
])('refused: %s', async (_claim, method, params, expected) => expect(await description(world, method, session, ...params())).toEqual(expected()));

test('inject gives the token just before the change that it makes', async () => {
  const token = await call('event.inject', 'pool', pool);
  expect(token).toMatch(/^\d{20},\d{20}$/);
  expect((await from(['pool'], token, 1)).events.map((e) => [e.operation, e.ref])).toEqual([['mod', pool]]);
});

test('the present position is a number', async () => expect(Number.isInteger(await call<number>('event.get_current_id'))).toBe(true));
