/** Texts of any length that do not compress: each is kept as it was given, or refused with a code of the interface. */
import {
  classes,
  isClassName,
  messages,
  zeroOf,
  type ClassDef,
  type Message,
  type Type,
} from '@xenplane/model';
import { startWorld, type World } from '../world';

let world: World;
let session: string;
const refs = new Map<string, string>();
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  session = String(
    (await ask('session.login_with_password', 'root', world.password, '1.0', text(70_000))).result,
  );
  const [pool] = await call<string[]>('pool.get_all');
  await call('VM_appliance.create', { name_label: 'one', name_description: '' });
  await call('network.create', { name_label: 'one', other_config: {} });
  await call('secret.create', { value: 'one', other_config: {} });
  await call('VDI.create', {
    ...{
      name_label: 'one',
      name_description: '',
      SR: await call('pool.get_default_SR', pool),
      virtual_size: 2 ** 20,
      type: 'user',
    },
    ...{ sharable: false, read_only: false, other_config: {} },
  });
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call('VM.clone', template, 'one');
  await call('VM.provision', vm);
  for (const cls of Object.keys(classes)) {
    const [first] =
      messages.has(`${cls}.get_all`) && classOf(cls)?.state !== 'removed'
        ? await call<string[]>(`${cls}.get_all`).catch(() => [])
        : [];
    if (first) refs.set(cls, first);
  }
  refs.set('VM', vm);
}, 180_000);
afterAll(() => world?.stop());

const classOf = (name: string): ClassDef | undefined => (isClassName(name) ? classes[name] : undefined);
interface Answer {
  readonly result: unknown;
  readonly error: unknown;
}
async function ask(method: string, ...params: unknown[]): Promise<Answer> {
  const answer = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({ id: 1, method, params }),
  });
  return (await answer.json()) as Answer;
}
async function call<T = string>(method: string, ...params: unknown[]): Promise<T> {
  const answer = await ask(method, session, ...params);
  if (answer.error !== null) throw new Error(JSON.stringify(answer.error));
  return answer.result as T;
}
const error = async (method: string, ...params: unknown[]): Promise<unknown> =>
  (await ask(method, session, ...params)).error;

let state = 1;
/** Letters of many scripts in no order. */
function text(letters: number): string {
  const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
  return String.fromCodePoint(...Array.from({ length: letters }, () => 0x4e00 + ((next() >>> 8) % 0x5000)));
}
const isText = (type: Type | undefined): boolean => type?.kind === 'string';
const lengths = [3_000, 22_000];

/** Values of the type with a long text in every place where one may be. */
function long({ kind, of, key }: Type, letters: number): unknown {
  if (kind === 'string') return text(letters);
  if (kind === 'set' && isText(of)) return [text(letters), text(letters)];
  if (kind === 'map' && isText(of) && isText(key)) return { [text(letters)]: text(letters) };
  return undefined;
}
const words = (description: unknown): string => JSON.stringify(description)?.slice(0, 300) ?? '';
/** Postgres' error for a text that does not fit. */
const strange = /index row|exceeds|btree|too busy|out of range|22P0|invalid input syntax/;

const writing = [...messages.values()].filter(
  (m) => ['field-set', 'field-add'].includes(m.kind) && m.state !== 'removed' && m.session,
);
const values = (m: Message): Type[] => m.params.slice(1).map((p) => p.type);
const takesText = (m: Message): boolean => values(m).some((type) => long(type, 1) !== undefined);

test.each(lengths)(
  'every field that may be written keeps texts of %i letters, or refuses them',
  async (letters) => {
    let kept = 0;
    for (const message of writing.filter(takesText)) {
      const self = refs.get(message.cls.name);
      if (!self) continue;
      const given = values(message).map((type) => long(type, letters) ?? zeroOf(type));
      const answer = await error(message.name, self, ...given);
      expect(`${message.name} ${words(answer)}`).not.toMatch(/INTERNAL_ERROR/);
      if (
        answer !== null ||
        message.kind !== 'field-set' ||
        !messages.has(`${message.cls.name}.get_${message.field}`)
      )
        continue;
      expect(await call(`${message.cls.name}.get_${message.field}`, self)).toEqual(given[0]);
      kept += 1;
    }
    expect(kept).toBeGreaterThan(60);
  },
  300_000,
);

test.each(lengths)(
  'every constructor takes texts of %i letters in any member, or refuses them',
  async (letters) => {
    for (const cls of Object.values<ClassDef>(classes)) {
      const self = refs.get(cls.name);
      if (!cls.constructs || !self || messages.get(`${cls.name}.create`)?.state === 'removed') continue;
      const record = await call<object>(`${cls.name}.get_record`, self);
      for (const [member, { type, access }] of Object.entries(cls.fields)) {
        const value = access === 'readOnly' ? undefined : long(type, letters);
        if (value === undefined) continue;
        const answer = await error(`${cls.name}.create`, { ...record, [member]: value });
        expect(`${cls.name}.create ${member} ${words(answer)}`).not.toMatch(strange);
      }
    }
  },
  300_000,
);

/** Calls that would end the session or the world that the others need. */
const left: ReadonlySet<string> = new Set(['session', 'event']);
const custom = [...messages.values()].filter(
  (m) =>
    m.kind === 'custom' &&
    m.runs === 'now' &&
    m.session &&
    m.state !== 'removed' &&
    !left.has(m.cls.name) &&
    m.params.some((p) => isText(p.type)),
);
test('no call says what Postgres says of a long text', async () => {
  for (const message of custom) {
    const given = message.params.map(({ type }) =>
      type.kind === 'ref'
        ? (refs.get(type.cls ?? '') ?? 'OpaqueRef:NULL')
        : (long(type, 3_000) ?? zeroOf(type)),
    );
    expect(`${message.name} ${words(await error(message.name, ...given))}`).not.toMatch(strange);
  }
}, 300_000);

test.each([
  ['SR.introduce', [text(3_000), 'x', '', 'nfs', 'user', true, {}]],
  ['PBD.create', [{ host: text(3_000), SR: text(3_000), device_config: {}, other_config: {} }]],
])('%s with a uuid or reference that is longer than any is refused', async (method, given) => {
  expect(words(await error(method, ...given))).toMatch(/INVALID_VALUE|HANDLE_INVALID/);
});

test('a client may call itself by a name of any length', async () => {
  expect(
    await ask('session.login_with_password', 'root', world.password, '1.0', text(100_000)),
  ).toMatchObject({ error: null });
});
