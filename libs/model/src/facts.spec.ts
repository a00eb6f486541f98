import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  check,
  classes,
  deviations,
  enums,
  errorCodes,
  handlers,
  messagesOf,
  spell,
  type ClassDef,
  type Field,
  type HandlerFacts,
  type Message,
} from '@xenplane/model';

const load = <T>(name: string): T =>
  JSON.parse(readFileSync(path.join(__dirname, '..', 'facts', name), 'utf8')) as T;
type Fact = readonly [string, string, string, string, unknown];
type MessageFact = readonly [
  string,
  readonly (readonly [string, string, unknown?])[],
  string,
  string,
  boolean,
  string,
];
interface ClassFact {
  readonly name: string;
  readonly inDatabase: boolean;
  readonly fields: readonly Fact[];
  readonly messages: readonly MessageFact[];
}
const facts = load<ClassFact[]>('classes.json');
const model: Readonly<Record<string, ClassDef>> = classes;

const qualifier = { readWrite: 'RW', atCreate: 'RO/constructor', readOnly: 'RO/runtime' };
const published = (cls: ClassDef): Message[] => messagesOf(cls).filter((m) => !m.hidden);
const opsOf = (cls: ClassDef, name: string): string => {
  const calls = new Set(published(cls).map((m) => m.call));
  return ['set', 'add_to', 'remove_from', 'add', 'remove']
    .filter((op) => calls.has(`${op}_${name}`))
    .join(' ');
};
const asField = (cls: ClassDef, [name, field]: [string, Field]): unknown => [
  name,
  spell(field.type),
  qualifier[field.access],
  opsOf(cls, name),
];
const sortedOps = (ops: string): string =>
  ['set', 'add_to', 'remove_from', 'add', 'remove'].filter((op) => ops.split(' ').includes(op)).join(' ');
const asMessage = (m: Message): unknown => [
  m.call,
  m.params.map((p) => [p.name, spell(p.type), 'default' in p.type]),
  spell(m.result),
  m.role,
  m.async,
  m.kind,
];
const byName = (a: unknown, b: unknown): number =>
  String((a as unknown[])[0]).localeCompare(String((b as unknown[])[0]));

test('the model has every class of the facts and no other', () => {
  expect(Object.keys(model).sort()).toEqual(facts.map((c) => c.name).sort());
  expect(facts.length).toBe(73);
  expect(facts.flatMap((c) => c.fields).length).toBe(922);
  expect(facts.flatMap((c) => c.messages).length).toBe(2007);
});

describe.each(facts.map((c) => [c.name, c] as const))('%s', (name, fact) => {
  const cls = model[name] as ClassDef;
  test('has the fields of the facts', () => {
    expect(Object.entries(cls.fields).map((f) => asField(cls, f))).toEqual(
      fact.fields.map(([n, type, q, ops]) => [n, type, q, sortedOps(ops)]),
    );
  });
  test('has the messages of the facts', () => {
    const ours = published(cls).map(asMessage).sort(byName);
    expect(ours).toEqual(
      fact.messages
        .map(([n, params, ...rest]) => [n, params.map((p) => [p[0], p[1], p.length > 2]), ...rest])
        .sort(byName),
    );
  });
  test('is a table or not as in the facts', () => {
    if (`${name}.inDatabase` in deviations) return expect(cls.stored).not.toBe(!fact.inDatabase);
    expect(cls.stored !== false).toBe(fact.inDatabase);
  });
  test('demands at creation what the facts demand', () => {
    const demanded = fact.fields
      .filter(([, , q, , value]) => q !== 'RO/runtime' && value === '-absent-')
      .map(([n]) => n);
    expect(
      Object.entries(cls.fields)
        .filter(([, f]) => f.access !== 'readOnly' && f.default === undefined)
        .map(([n]) => n),
    ).toEqual(demanded);
  });
});

test('every error has the parameters of the facts and a sentence', () => {
  const documented = Object.fromEntries(
    Object.entries(errorCodes)
      .filter(([, e]) => !('undocumented' in e))
      .map(([code, e]) => [code, e.params]),
  );
  expect(documented).toEqual(load('errors.json'));
  expect(
    Object.entries(errorCodes)
      .filter(([, e]) => e.doc.length < 10)
      .map(([code]) => code),
  ).toEqual([]);
});

test('every enum has the values of the facts in their order', () => {
  expect(Object.fromEntries(Object.entries(enums).map(([name, type]) => [name, type.values]))).toEqual(
    load('enums.json'),
  );
});

test('every HTTP handler has the method, path and roles of the facts', () => {
  const ours = Object.entries<HandlerFacts>(handlers).map(([name, h]) => [
    name,
    h.method,
    h.path,
    `${h.role}${h.clientCert ? '+client-cert' : ''}`,
    h.open ?? false,
    Object.entries(h.parts ?? {}),
  ]);
  expect(ours).toEqual(load('http.json'));
});

test('the model is sound', () => {
  expect(check(Object.values(model))).toEqual([]);
});

test('every field and call has words of its own', () => {
  const bare = Object.values(model).flatMap((c) => [
    ...Object.entries(c.fields)
      .filter(([n, f]) => f.doc === n)
      .map(([n]) => `${c.name}.${n}`),
    ...Object.entries(c.calls)
      .filter(([n, d]) => d.doc === n)
      .map(([n]) => `${c.name}.${n}`),
  ]);
  expect(bare).toEqual([]);
});

describe('check() complains about', () => {
  const broken = (change: Partial<ClassDef>): string[] =>
    check([{ name: 'A', doc: 'a', role: 'pool-admin', fields: {}, calls: {}, ...change } as ClassDef]);
  const field = (more: Partial<Field>): ClassDef['fields'] => ({
    f: { type: { kind: 'string' }, doc: 'd', access: 'readOnly', ...more },
  });
  test.each([
    ['a reference to no class', field({ type: { kind: 'ref', cls: 'Nope' } }), 'there is no class Nope'],
    [
      'a default of another type',
      field({ type: { kind: 'int' }, default: 'x' }),
      'default is not of its type',
    ],
    ['a field without words', field({ doc: ' ' }), 'has no doc'],
    [
      'an other end that is not there',
      field({ type: { kind: 'set', of: { kind: 'ref', cls: 'A' } }, inverse: 'A.nope' }),
      'does not exist',
    ],
  ])('%s', (_what, fields, complaint) => expect(broken({ fields }).join('\n')).toContain(complaint));

  const current = field({
    type: {
      kind: 'map',
      key: { kind: 'string' },
      of: { kind: 'enum', name: 'a_operations', values: ['start'] },
    },
  })['f'];
  test.each([
    ['start', 'a', ''],
    ['stop', 'a', 'A.go: the object of a cannot show stop'],
    ['start', 'text', 'A.go: the object of text cannot show start'],
    ['start', 'absent', 'A.go: the object of absent cannot show start'],
  ])('an operation that its object cannot show: %s of %s', (op, param, complaint) => {
    const params = { a: { kind: 'ref', cls: 'A' }, text: { kind: 'string' } } as const;
    const go = { doc: 'd', role: 'pool-admin', params, runs: 'operation', targets: { [param]: op } } as const;
    expect(broken({ fields: current ? { current_operations: current } : {}, calls: { go } }).join('\n')).toBe(
      complaint,
    );
  });
});
