import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { mandatoryMembers } from '@xenplane/testing';
import {
  classes,
  classNamed,
  enums,
  messages,
  spell,
  XenError,
  type ClassDef,
  type Type,
} from '@xenplane/model';
import {
  decode,
  decodeRecord,
  encodeJson,
  encodeXml,
  jsonCall,
  parseJsonCall,
  parseValue,
  xmlOfJson,
} from '.';

const golden = (name: string): string => readFileSync(path.join(__dirname, 'golden', name), 'utf8');
const string: Type = { kind: 'string' };
const map: Type = { kind: 'map', key: string, of: string };
const refused = (code: 'INTERNAL_ERROR' | 'INVALID_VALUE', text: string): XenError =>
  new XenError(code, text);

describe('what each type is on the wires', () => {
  test.each<[string, Type | undefined, unknown, string, string]>([
    ['void', undefined, undefined, '""', '<value></value>'],
    ['a text', string, 'a<b>&"c"', '"a<b>&\\"c\\""', '<value>a&lt;b&gt;&amp;&quot;c&quot;</value>'],
    ['an empty text', string, '', '""', '<value></value>'],
    ['an int', { kind: 'int' }, 123, '123', '<value>123</value>'],
    ['a bool', { kind: 'bool' }, true, 'true', '<value><boolean>1</boolean></value>'],
    ['a float', { kind: 'float' }, 1, '1', '<value><double>1</double></value>'],
    [
      'a datetime',
      { kind: 'datetime' },
      '20260821T10:00:00Z',
      '"20260821T10:00:00Z"',
      '<value><dateTime.iso8601>20260821T10:00:00Z</dateTime.iso8601></value>',
    ],
    [
      'a reference',
      { kind: 'ref', cls: 'VM' },
      'OpaqueRef:NULL',
      '"OpaqueRef:NULL"',
      '<value>OpaqueRef:NULL</value>',
    ],
    ['an enum', enums.vm_power_state, 'Halted', '"Halted"', '<value>Halted</value>'],
    [
      'a set',
      { kind: 'set', of: string },
      ['a', 'b'],
      '["a","b"]',
      '<value><array><data><value>a</value><value>b</value></data></array></value>',
    ],
    ['an empty set', { kind: 'set', of: string }, [], '[]', '<value><array><data></data></array></value>'],
    [
      'a map',
      map,
      { 'a&': 'b' },
      '{"a&":"b"}',
      '<value><struct><member><name>a&amp;</name><value>b</value></member></struct></value>',
    ],
    [
      'a map of numbers',
      { kind: 'map', key: { kind: 'int' }, of: { kind: 'float' } },
      { 0: 0.5 },
      '{"0":0.5}',
      '<value><struct><member><name>0</name><value><double>0.5</double></value></member></struct></value>',
    ],
    ['an option that is there', { kind: 'option', of: string }, 'a', '"a"', '<value>a</value>'],
    ['an option that is not', { kind: 'option', of: string }, undefined, 'null', '<value><nil/></value>'],
    [
      'a VBD',
      { kind: 'record', cls: 'VBD' },
      JSON.parse(golden('vbd.json')),
      golden('vbd.json'),
      golden('vbd.xml'),
    ],
    [
      'a batch of events',
      { kind: 'eventBatch' },
      ready(),
      golden('event-batch.json'),
      golden('event-batch.xml'),
    ],
  ])('%s', (_, type, value, json, xml) => {
    expect(encodeJson(type, value)).toBe(json);
    expect(encodeXml(type, value)).toBe(xml);
    expect(xmlOfJson(type, json)).toBe(xml);
    expect(decode(type, JSON.parse(json))).toEqual(value);
    expect(decode(type, parseValue(xml))).toEqual(value);
  });

  /** The batch as the server holds it: its snapshots are JSON already. */
  function ready(): unknown {
    const batch = JSON.parse(golden('event-batch.json')) as { events: { snapshot?: unknown }[] };
    return {
      ...batch,
      events: batch.events.map((e) => (e.snapshot ? { ...e, snapshot: JSON.stringify(e.snapshot) } : e)),
    };
  }
});

describe('reading', () => {
  test('an enum has its values, exactly', () => {
    expect(() => decode(enums.vm_power_state, 'Banana')).toThrow(
      refused('INTERNAL_ERROR', 'Expected enum vm_power_state, got string "Banana"'),
    );
    expect(() => decode(enums.vm_power_state, 'halted')).toThrow(XenError);
    expect(() => decode(enums.vm_power_state, 'constructor')).toThrow(XenError);
  });

  test('an empty reference is the one to nothing', () => {
    expect(decode({ kind: 'ref', cls: 'VM' }, '')).toBe('OpaqueRef:NULL');
  });

  test.each<[Type, unknown]>([
    [map, []],
    [map, 'a'],
    [map, null],
    [map, { a: 1 }],
    [{ kind: 'set', of: string }, {}],
    [{ kind: 'set', of: string }, 'a'],
    [{ kind: 'set', of: string }, [['a']]],
    [{ kind: 'map', key: { kind: 'int' }, of: string }, { x: 'a' }],
    [{ kind: 'map', key: enums.vm_operations, of: string }, { fly: 'a' }],
    [{ kind: 'record', cls: 'VBD' }, []],
    [{ kind: 'eventBatch' }, { events: {} }],
  ])('%j refuses %j', (type, value) => {
    expect(() => decode(type, value)).toThrow(/^INTERNAL_ERROR Expected /);
  });

  test('keys are data, whatever they are', () => {
    for (const read of [
      JSON.parse('{"__proto__":"p","constructor":"c"}'),
      parseValue(
        '<value><struct><member><name>__proto__</name><value>p</value></member><member><name>constructor</name><value>c</value></member></struct></value>',
      ),
    ]) {
      const value = decode(map, read) as Record<string, unknown>;
      expect(Object.entries(value)).toEqual([
        ['__proto__', 'p'],
        ['constructor', 'c'],
      ]);
      expect(value['toString']).toBeUndefined();
      expect(encodeJson(map, value)).toBe('{"__proto__":"p","constructor":"c"}');
      expect(encodeXml(map, value)).toContain('<name>__proto__</name><value>p</value>');
    }
    expect(({} as Record<string, unknown>)['p']).toBeUndefined();
  });
});

describe('writing', () => {
  test.each<[Type, unknown]>([
    [string, 5],
    [string, undefined],
    [{ kind: 'bool' }, 1],
    [{ kind: 'bool' }, 'true'],
    [{ kind: 'float' }, '1'],
    [{ kind: 'set', of: string }, 'a'],
    [map, []],
    [{ kind: 'record', cls: 'VBD' }, []],
    [{ kind: 'record', cls: 'Nope' }, {}],
    [{ kind: 'datetime' }, new Date(0)],
  ])('%j refuses %p: a fault of ours', (type, value) => {
    expect(() => encodeJson(type, value)).toThrow(TypeError);
    expect(() => encodeXml(type, value)).toThrow(TypeError);
  });

  test('a record has every field of its class in the order of the model, and nothing else', () => {
    const written = encodeJson(
      { kind: 'record', cls: 'VM' },
      { name_label: 'x', secret_column: 'y', VBDs: null },
    );
    expect(Object.keys(JSON.parse(written) as object)).toEqual(Object.keys(classNamed('VM').fields));
    expect(JSON.parse(written)).toMatchObject({
      name_label: 'x',
      VBDs: [],
      affinity: 'OpaqueRef:NULL',
      snapshot_time: '19700101T00:00:00Z',
    });
    const members = [
      ...encodeXml({ kind: 'record', cls: 'VM' }, {}).matchAll(/<member><name>(\w+)<\/name>/g),
    ].map((m) => m[1]);
    expect(members).toEqual(Object.keys(classNamed('VM').fields));
  });

  test('an option of a record is absent when there is none', () => {
    const type: Type = { kind: 'record', cls: 'sr_stat' };
    expect(encodeJson(type, { uuid: undefined })).not.toContain('uuid');
    expect(encodeXml(type, { uuid: null })).not.toContain('uuid');
    expect(encodeJson(type, { uuid: 'u' })).toMatch(/^\{"uuid":"u",/);
  });

  test('a text in place of a record is its JSON, ready, in records and in maps of them', () => {
    const type: Type = { kind: 'map', key: { kind: 'ref', cls: 'VBD' }, of: { kind: 'record', cls: 'VBD' } };
    const records = new Map([['OpaqueRef:a', golden('vbd.json')]]);
    expect(encodeJson(type, records)).toBe(`{"OpaqueRef:a":${golden('vbd.json')}}`);
    expect(encodeXml(type, records)).toBe(
      `<value><struct><member><name>OpaqueRef:a</name>${golden('vbd.xml')}</member></struct></value>`,
    );
  });

  test('the snapshot of an event.next is written by the class that the event names, or as it looks', () => {
    const type: Type = { kind: 'set', of: { kind: 'record', cls: 'event' } };
    const event = { id: 5, timestamp: '0.0', operation: 'add', ref: 'OpaqueRef:m', obj_uuid: '' };
    const known = encodeXml(type, [
      { ...event, class: 'vm_metrics', snapshot: { memory_actual: 5, start_time: '20260821T10:00:00Z' } },
    ]);
    expect(known).toContain(
      '<name>start_time</name><value><dateTime.iso8601>20260821T10:00:00Z</dateTime.iso8601></value>',
    );
    expect(known).toContain('<name>id</name><value>5</value>');
    const unknown = [{ ...event, class: 'unheard_of', snapshot: { a: [1, 0.5, true, 'x<'], b: {} } }];
    expect(encodeXml(type, unknown)).toContain(
      '<data><value>1</value><value><double>0.5</double></value><value><boolean>1</boolean></value><value>x&lt;</value></data>',
    );
    expect(JSON.parse(encodeJson(type, unknown))).toEqual(unknown);
    expect(decode(type, parseValue(encodeXml(type, unknown)))).toMatchObject([
      { class: 'unheard_of', snapshot: { a: ['1', '0.5', true, 'x<'], b: {} } },
    ]);
  });
});

describe('constructors', () => {
  /** A struct with the mandatory members of a class, each the zero that the Go SDK sends. */
  function least(cls: ClassDef): Record<string, unknown> {
    const zero = (type: Type): unknown =>
      (
        ({ int: 0, bool: false, float: 0, set: [], map: {}, enum: type.values?.[0] }) as Record<
          string,
          unknown
        >
      )[type.kind] ?? '';
    return Object.fromEntries(
      Object.entries(cls.fields)
        .filter(([, f]) => f.access !== 'readOnly' && f.default === undefined)
        .map(([name, f]) => [name, zero(f.type)]),
    );
  }

  test.each(Object.entries(mandatoryMembers))('%s demands what xapi demands', (name, names) => {
    const cls = (classes as Readonly<Record<string, ClassDef>>)[name] as ClassDef;
    const struct = least(cls);
    expect(Object.keys(struct).sort()).toEqual([...names].sort());
    expect(() => decodeRecord(cls, struct)).not.toThrow();
    for (const missing of Object.keys(struct)) {
      const { [missing]: _, ...rest } = struct;
      expect(() => decodeRecord(cls, rest)).toThrow(
        refused('INTERNAL_ERROR', `Dispatcher_FieldNotFound("${missing}")`),
      );
    }
  });

  test('members that are not for it are not even looked at', () => {
    const read = decodeRecord(classes.VBD, {
      ...least(classes.VBD),
      uuid: 5,
      allowed_operations: 'garbage',
      status_code: 'zero',
      runtime_properties: null,
      unheard_of: [],
      __proto__: { storage_lock: true },
    });
    for (const name of [
      'uuid',
      'allowed_operations',
      'status_code',
      'runtime_properties',
      'unheard_of',
      'storage_lock',
    ])
      expect(read).not.toHaveProperty(name);
  });

  test("what is left out has its default, which is nobody else's", () => {
    const first = decodeRecord(classes.VM, least(classes.VM)),
      second = decodeRecord(classes.VM, least(classes.VM));
    expect(first).toMatchObject({
      power_state: 'Halted',
      name_label: '',
      suspend_VDI: 'OpaqueRef:NULL',
      xenstore_data: {},
      HVM_shadow_multiplier: 1,
      tags: [],
    });
    (first['tags'] as string[]).push('x');
    (first['xenstore_data'] as Record<string, string>)['k'] = 'v';
    expect(second).toMatchObject({ tags: [], xenstore_data: {} });
    expect(decodeRecord(classes.VM, least(classes.VM))['tags']).toEqual([]);
    expect(Object.hasOwn(second['xenstore_data'] as object, 'k')).toBe(false);
  });

  test('an option may be left out', () => {
    const cls: ClassDef = {
      name: 'made_up',
      doc: '',
      role: 'pool-admin',
      calls: {},
      fields: { maybe: { type: { kind: 'option', of: string }, doc: '', access: 'atCreate' } },
    };
    expect(decodeRecord(cls, {})).toEqual({});
    expect(decodeRecord(cls, { maybe: 'x' })).toEqual({ maybe: 'x' });
  });

  test('a member that is for it must be of its type', () => {
    expect(() => decodeRecord(classes.VBD, { ...least(classes.VBD), mode: 'Banana' })).toThrow(
      /^INTERNAL_ERROR Expected enum vbd_mode/,
    );
    expect(() => decodeRecord(classes.VBD, 'OpaqueRef:x')).toThrow(
      refused('INTERNAL_ERROR', 'Expected VBD record, got string "OpaqueRef:x"'),
    );
  });
});

/** Every type that a parameter, a result or a field of the model has, once. */
const types = new Map<string, Type>();
for (const cls of Object.values<ClassDef>(classes))
  for (const { type } of Object.values(cls.fields)) types.set(spell(type), type);
for (const message of messages.values())
  for (const type of [...message.params.map((p) => p.type), ...(message.result ? [message.result] : [])])
    types.set(spell(type), type);

const text = (xml: boolean): fc.Arbitrary<string> =>
  fc
    .string({ unit: 'binary' })
    .map((s) =>
      xml
        ? s.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '~')
        : s.replaceAll('\u0000', '~'),
    );
/** Values of a type that the wire can carry: XML has no control characters and 16 digits of a float. */
function values(type: Type, xml: boolean): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'int':
      return fc
        .oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }).map(Number))
        .map((n) => n + 0);
    case 'float':
      return fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .map((n) => (xml ? Number(n.toPrecision(16)) : n))
        .filter(Number.isFinite)
        .map((n) => n + 0);
    case 'bool':
      return fc.boolean();
    case 'datetime':
      return fc
        .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
        .map((d) => `${d.toISOString().slice(0, 19).replaceAll('-', '')}Z`);
    case 'ref':
      return fc.oneof(
        fc.constant('OpaqueRef:NULL'),
        fc.uuid().map((u) => `OpaqueRef:${u}`),
        text(xml).filter((t) => t !== ''),
      );
    case 'enum':
      return fc.constantFrom(...(type.values ?? []));
    case 'set':
      return fc.array(values(type.of ?? string, xml), { maxLength: 4 });
    case 'map':
      return fc
        .array(fc.tuple(keys(type.key ?? string, xml), values(type.of ?? string, xml)), { maxLength: 4 })
        .map((entries) => Object.fromEntries(entries));
    case 'record':
      return type.cls === 'event'
        ? fc.constant(undefined)
        : fc.record(members(type, xml), {
            requiredKeys: Object.keys(members(type, xml)).filter((n) => !isOption(type, n)),
          });
    case 'option':
      return values(type.of ?? string, xml);
    case 'eventBatch':
      return batches(xml);
    default:
      return text(xml);
  }
}
const classOf = (type: Type): ClassDef =>
  (classes as Readonly<Record<string, ClassDef>>)[type.cls ?? ''] as ClassDef;
const isOption = (type: Type, field: string): boolean => classOf(type).fields[field]?.type.kind === 'option';
const members = (type: Type, xml: boolean): Record<string, fc.Arbitrary<unknown>> =>
  Object.fromEntries(Object.entries(classOf(type).fields).map(([name, f]) => [name, values(f.type, xml)]));
const keys = (type: Type, xml: boolean): fc.Arbitrary<string> =>
  type.kind === 'int'
    ? values(type, xml).map((n) => String(BigInt(n as number)))
    : type.kind === 'string'
      ? fc.oneof(
          { weight: 9, arbitrary: text(xml) },
          fc.constantFrom('__proto__', 'constructor', 'toString', ''),
        )
      : values(type, xml).map(String);
function batches(xml: boolean): fc.Arbitrary<unknown> {
  const secret = values({ kind: 'record', cls: 'secret' }, xml).map((r) =>
    encodeJson({ kind: 'record', cls: 'secret' }, r),
  );
  const event = fc.record(
    {
      id: text(xml),
      timestamp: fc.constant('0.0'),
      class: fc.constant('secret'),
      operation: fc.constantFrom('add', 'mod'),
      ref: text(xml),
      snapshot: secret,
    },
    { requiredKeys: ['id', 'timestamp', 'class', 'operation', 'ref'] },
  );
  return fc.record({
    events: fc.array(event, { maxLength: 3 }),
    valid_ref_counts: fc.dictionary(text(xml), fc.nat(), { maxKeys: 3 }),
    token: text(xml),
  });
}

/** The own fields of a value, prototypes aside and `__proto__` included. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'object' && value !== null
    ? Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, v]) => [k, plain(v)])
    : value;
};

describe('any value of any type survives both wires', () => {
  test('the model has types to try', () => {
    expect(types.size).toBeGreaterThan(200);
    expect(new Set([...types.values()].map((t) => t.kind))).toEqual(
      new Set([
        'string',
        'int',
        'float',
        'bool',
        'datetime',
        'ref',
        'enum',
        'set',
        'map',
        'record',
        'option',
        'anyRecord',
        'eventBatch',
      ]),
    );
  });
  const tried = [...types].filter(([, t]) => !JSON.stringify(t).match(/"anyRecord"|"cls":"event"/));
  const runs = { numRuns: 15 };

  test.each(tried)('%s', (_, type) => {
    fc.assert(
      fc.property(values(type, false), (value) => {
        expect(
          plain(decode(type, parseJsonCall(jsonCall('a.b', [encodeJson(type, value)], 1)).params[0])),
        ).toEqual(plain(value));
      }),
      runs,
    );
    fc.assert(
      fc.property(values(type, true), (value) => {
        expect(plain(decode(type, parseValue(encodeXml(type, value))))).toEqual(plain(value));
        expect(xmlOfJson(type, encodeJson(type, value))).toBe(encodeXml(type, value));
      }),
      runs,
    );
  });
});

describe('no text whatever stops a codec', () => {
  test('what is not of the type is a XenError, and what is read can be written', () => {
    fc.assert(
      fc.property(fc.constantFrom(...types.values()), fc.jsonValue({ maxDepth: 3 }), (type, value) => {
        try {
          encodeXml(type, decode(type, value));
        } catch (error) {
          if (!(error instanceof XenError)) throw error;
          expect(['INTERNAL_ERROR', 'INVALID_VALUE']).toContain(error.code);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
