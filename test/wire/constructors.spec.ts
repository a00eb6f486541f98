/** Section 1.4 of the protocol notes: the members that constructors want, and those that they do not look at. */
import {
  classes,
  messages,
  zeroOf,
  type ClassDef,
  type ClassName,
  type Field,
  type Type,
} from '@xenplane/model';
import { goRecord } from '../compat/go-sdk';
import { startWorld, type World } from '../world';
import { description, result, sessionOf } from './raw';

let world: World;
let session: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  session = await sessionOf(world);
});
afterAll(() => world?.stop());

const create = (cls: string, record: object): Promise<unknown> =>
  description(world, `${cls}.create`, session, record);
/** Constructors that were removed say so whatever they are given. */
const made = Object.values<ClassDef>(classes).filter(
  (cls) => cls.constructs && messages.get(`${cls.name}.create`)?.state !== 'removed',
);
const fieldsOf = (cls: ClassDef, which: (field: Field) => boolean): [string, Type][] =>
  Object.entries(cls.fields)
    .filter(([, field]) => which(field))
    .map(([name, field]) => [name, field.type]);
const mandatory = (cls: ClassDef): [string, Type][] =>
  fieldsOf(cls, (f) => f.access !== 'readOnly' && f.default === undefined);
const valued = (fields: readonly [string, Type][]): Record<string, unknown> =>
  Object.fromEntries(fields.map(([name, type]) => [name, zeroOf(type)]));

test.each(made.map((cls) => [cls.name, cls] as const))(
  '%s.create wants every mandatory member, and no other',
  async (name, cls) => {
    const all = mandatory(cls);
    for (const [missing] of all)
      expect(await create(name, valued(all.filter(([member]) => member !== missing)))).toEqual([
        'INTERNAL_ERROR',
        expect.stringContaining(`Dispatcher_FieldNotFound("${missing}")`),
      ]);
    expect(JSON.stringify(await create(name, valued(all)))).not.toContain('FieldNotFound');
  },
);

test.each(made.map((cls) => [cls.name, cls] as const))(
  '%s.create looks at no member that only the system writes, nor at one that is no field',
  async (name, cls) => {
    const runtime = fieldsOf(cls, (f) => f.access === 'readOnly').map(([member]) => member);
    const zeroes = Object.fromEntries(
      Object.entries(goRecord(name as ClassName, {})).filter(([member]) => runtime.includes(member)),
    );
    const wrong = Object.fromEntries(runtime.map((member) => [member, { of: ['no', 'type'] }]));
    for (const unread of [zeroes, wrong, { nobody_has: null }])
      expect(JSON.stringify(await create(name, { ...unread, ...valued(mandatory(cls)) }))).not.toMatch(
        /Expected|FieldNotFound/,
      );
  },
);

test.each(made.map((cls) => [cls.name] as const))('%s.create takes one record', async (name) => {
  expect(await create(name, [])).toEqual(['INTERNAL_ERROR', expect.stringContaining('Expected')]);
  expect(await description(world, `${name}.create`, session)).toEqual([
    'MESSAGE_PARAMETER_COUNT_MISMATCH',
    `${name}.create`,
    '1',
    '0',
  ]);
});

test('what is left out has its default, and a runtime member that was sent has not', async () => {
  const network = await result<string>(world, 'network.create', session, {
    other_config: {},
    uuid: 'mine',
    blobs: null,
    bridge: '',
    allowed_operations: ['x'],
  });
  const record = await result<Record<string, unknown>>(world, 'network.get_record', session, network);
  expect(record).toMatchObject({
    name_label: '',
    name_description: '',
    MTU: 1500,
    default_locking_mode: 'unlocked',
    tags: [],
    purpose: [],
    managed: true,
    uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});
