/** event.from on two API processes over one database: no event is missed or sent twice, tokens hold on either. */
import { password, startWorld, login, type Call, type World } from '../world';

let world: World;
let calls: Call[];
beforeAll(async () => {
  world = await startWorld({ hosts: 1, apis: 2 });
  calls = await Promise.all(world.apis.map((api) => login(api.url, 'root', password)));
});
afterAll(() => world?.stop());

interface Batch {
  readonly events: readonly {
    readonly id: string;
    readonly class: string;
    readonly operation: string;
    readonly ref: string;
    readonly timestamp: string;
    readonly snapshot?: Readonly<Record<string, unknown>>;
  }[];
  readonly token: string;
  readonly valid_ref_counts: Readonly<Record<string, number>>;
}
const at = (i: number): Call => {
  const call = calls[i % calls.length];
  if (!call) throw new Error('no API');
  return call;
};

test('a reader who changes between replicas sees the last value of every object, and every one that was made', async () => {
  const writers = 200,
    rounds = 5;
  let { token } = await at(0)<Batch>('event.from', ['network'], '', 0);
  const made = new Set<string>(),
    gone = new Set<string>();
  const last = new Map<string, string>();
  let writing = true;
  const reading = (async () => {
    for (let i = 0; ; i += 1) {
      const done = !writing;
      const batch = await at(i)<Batch>('event.from', ['network'], token, done ? 2 : 0.2);
      expect(batch.token >= token).toBe(true);
      token = batch.token;
      for (const event of batch.events) {
        if (event.operation === 'add') {
          expect(made.has(event.ref)).toBe(false);
          made.add(event.ref);
        }
        if (event.operation === 'del') gone.add(event.ref);
        else last.set(event.ref, String(event.snapshot?.['name_description']));
      }
      if (done && batch.events.length === 0) return;
    }
  })();
  const kept = await Promise.all(
    Array.from({ length: writers }, async (_, w) => {
      const call = at(w);
      const ref = await call<string>('network.create', { name_label: `n${w}`, other_config: {} });
      for (let r = 0; r < rounds; r += 1) await at(w + r)('network.set_name_description', ref, `round ${r}`);
      if (w % 4 === 0) await call('network.destroy', ref);
      return { ref, destroyed: w % 4 === 0 };
    }),
  );
  writing = false;
  await reading;
  for (const { ref, destroyed } of kept) {
    expect(made.has(ref) || destroyed).toBe(true);
    if (destroyed) expect(gone.has(ref) || !made.has(ref)).toBe(true);
    else expect(last.get(ref)).toBe(`round ${rounds - 1}`);
  }
});

test('what one replica has answered, the other reads', async () => {
  const ref = await at(0)<string>('network.create', { name_label: 'seen', other_config: {} });
  for (let i = 0; i < 50; i += 1) {
    await at(i)('network.set_name_label', ref, `seen ${i}`);
    expect(await at(i + 1)('network.get_name_label', ref)).toBe(`seen ${i}`);
  }
});

test('the batch has the shape that clients expect', async () => {
  const batch = await at(0)<Batch>('event.from', ['pool', 'task'], '', 0);
  expect(batch.token).toMatch(/^\d{20},\d{20}$/);
  expect(batch.events.find((e) => e.class === 'pool')).toMatchObject({
    id: expect.any(String),
    timestamp: '0.0',
    operation: 'add',
  });
  expect(batch.valid_ref_counts['task']).toBe(
    Object.keys(await at(0)<object>('task.get_all_records')).length,
  );
});

test('inject answers a token after which the object’s change follows', async () => {
  const [pool] = await at(0)<string[]>('pool.get_all');
  const token = await at(0)<string>('event.inject', 'pool', pool);
  const batch = await at(1)<Batch>('event.from', ['pool'], token, 5);
  expect(batch.events.map((e) => [e.class, e.operation, e.ref])).toEqual([['pool', 'mod', pool]]);
  await expect(at(0)('event.inject', 'Pool', pool)).rejects.toThrow(`HANDLE_INVALID Pool ${pool}`);
});

test.each(['garbage', '-1', '1e30', '5'])('the token %s is refused', async (token) => {
  await expect(at(0)('event.from', ['pool'], token, 0)).rejects.toThrow('EVENT_FROM_TOKEN_PARSE_FAILURE');
});

test('logging out ends the wait', async () => {
  const call = await login(world.url);
  const waiting = call(
    'event.from',
    ['network'],
    '99999999999999999999,00000000000000000000'.replace(/^9+/, '00000000009999999999'),
    30,
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  await call('session.logout');
  await expect(waiting).rejects.toThrow('SESSION_INVALID');
});

test('the older way: register, next', async () => {
  const call = await login(world.url);
  await expect(call('event.next')).rejects.toThrow('SESSION_NOT_REGISTERED');
  await call('event.register', ['network']);
  const waiting = call<readonly { class: string; operation: string }[]>('event.next');
  await at(0)('network.create', { name_label: 'legacy', other_config: {} });
  expect((await waiting).map((e) => [e.class, e.operation])).toEqual([['network', 'add']]);
});

test('who registered when positions were bare numbers reads on from there', async () => {
  const call = await login(world.url, 'root', password);
  await call('event.register', ['network']);
  const known = Number((await call<Batch>('event.from', ['pool'], '', 0)).token.split(',')[0]);
  await world.apis[0]?.plane.store.query(
    `UPDATE session_state SET registered_classes = jsonb_set(registered_classes, '{position}', $1) WHERE registered_classes IS NOT NULL`,
    [JSON.stringify(String(known))],
  );
  const ref = await call('network.create', { name_label: 'later', other_config: {} });
  expect((await call<Batch['events']>('event.next')).map((e) => [e.operation, e.ref])).toContainEqual([
    'add',
    ref,
  ]);
});
