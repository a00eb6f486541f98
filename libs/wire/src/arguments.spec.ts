import {
  mandatory,
  messages,
  optional,
  secretly,
  set,
  string,
  int,
  bool,
  XenError,
  type Message,
  type Type,
} from '@xenplane/model';
import {
  assertParamCount,
  bindArguments,
  decodeArguments,
  decodeNamed,
  encodeJson,
  methodNames,
  parseMethod,
  Scalar,
} from '.';

const message = (name: string): Message => messages.get(name) as Message;
const mismatch = (name: string, expected: number, received: number): XenError =>
  new XenError('MESSAGE_PARAMETER_COUNT_MISMATCH', name, String(expected), String(received));
const session = 'OpaqueRef:s';

describe('counting, before the session is looked at', () => {
  test.each<[string, unknown[], number, number]>([
    ['VM.get_record', [session], 1, 0],
    ['VM.get_record', [], 1, -1],
    ['VM.get_record', [session, 'r', 'x'], 1, 2],
    ['VM.get_all', [], 0, -1],
    ['VM.get_all', [session, 'x'], 0, 1],
    ['VM.create', [session], 1, 0],
    ['VM.create', [session, {}, {}], 1, 2],
    ['VM.start', [session, 'r', false], 3, 2],
    ['session.login_with_password', ['u'], 2, 1],
    ['session.login_with_password', [], 2, 0],
    ['session.logout', [], 0, -1],
    ['VDI.copy', [session], 1, 0],
  ])('%s with %j', (name, params, expected, received) => {
    const fault = mismatch(name, expected, received);
    expect(() => assertParamCount(message(name), params)).toThrow(fault);
    try {
      bindArguments(message(name), params);
    } catch (error) {
      expect((error as XenError).description).toEqual(fault.description);
    }
  });

  test.each<[string, unknown[]]>([
    ['VM.get_record', [session, 'r']],
    ['VM.get_all', [session]],
    ['session.login_with_password', ['u', 'p']],
    ['session.login_with_password', ['u', 'p', '1.0', 'me']],
    ['session.login_with_password', ['u', 'p', '1.0', 'me', 'surplus', 'more']],
    ['VM.snapshot', [session, 'r', 'label']],
    ['VM.snapshot', [session, 'r', 'label', [], 'surplus']],
  ])('%s with %j is right', (name, params) => {
    expect(() => assertParamCount(message(name), params)).not.toThrow();
  });

  test('of every message, one parameter too few is refused, and one too many where nothing has a default', () => {
    for (const m of messages.values()) {
      const least = mandatory(m) + (m.session ? 1 : 0);
      const params = Array<string>(least).fill('x');
      expect(() => assertParamCount(m, params)).not.toThrow();
      if (least > 0)
        expect(() => assertParamCount(m, params.slice(1))).toThrow(
          mismatch(m.name, mandatory(m), mandatory(m) - 1),
        );
      if (mandatory(m) === m.params.length)
        expect(() => assertParamCount(m, [...params, 'x'])).toThrow(
          mismatch(m.name, mandatory(m), mandatory(m) + 1),
        );
    }
  });
});

describe('reading', () => {
  test('arguments come by name, the session apart', () => {
    expect(bindArguments(message('VM.start'), [session, 'OpaqueRef:v', false, true])).toEqual({
      session,
      args: { vm: 'OpaqueRef:v', start_paused: false, force: true },
    });
  });

  test('what is left out has its default, each time anew; surplus is not looked at', () => {
    const { args, ...rest } = bindArguments(message('session.login_with_password'), ['root', 'pw']);
    expect(rest).toEqual({});
    expect(args).toEqual({ uname: 'root', pwd: 'pw', version: '1.1', originator: '' });
    const snapshot = (): { ignore_vdis: string[] } =>
      bindArguments(message('VM.snapshot'), [session, 'r', 'l']).args as { ignore_vdis: string[] };
    snapshot().ignore_vdis.push('x');
    expect(snapshot().ignore_vdis).toEqual([]);
    expect(bindArguments(message('VM.snapshot'), [session, 'r', 'l', [], 5]).args).toEqual({
      vm: 'r',
      new_name: 'l',
      ignore_vdis: [],
    });
  });

  test('a constructor reads its record as one', () => {
    expect(bindArguments(message('secret.create'), [session, { value: 'v', uuid: 5 }]).args).toEqual({
      args: { value: 'v', other_config: {} },
    });
    expect(() => bindArguments(message('secret.create'), [session, {}])).toThrow(
      'INTERNAL_ERROR secret.create args: Dispatcher_FieldNotFound("value")',
    );
  });

  test('an error says where it was', () => {
    expect(() => bindArguments(message('VM.start'), [session, 'r', 'true', false])).toThrow(
      new XenError('INTERNAL_ERROR', 'VM.start start_paused: Expected bool, got string "true"'),
    );
    expect(() =>
      bindArguments(message('VM.set_VCPUs_max'), [session, 'r', new Scalar('int', '9007199254740993')]),
    ).toThrow(new XenError('INVALID_VALUE', 'int', '9007199254740993'));
  });

  test('a session that is no text is a wrong type; one that no database can keep is refused', () => {
    expect(() => decodeArguments(message('VM.get_all'), [5])).toThrow(/^INTERNAL_ERROR Expected string/);
    expect(() => decodeArguments(message('VM.get_all'), ['a\u0000'])).toThrow(/^INVALID_VALUE/);
  });

  test('an error about a secret does not tell it', () => {
    const secret = {
      ...message('VM.get_all'),
      params: [{ name: 'pw', type: secretly(set(string)) as Type }],
    };
    for (const value of ['hunter2', ['hunter2\u0000'], [new Scalar('int', '4242')]])
      try {
        decodeArguments(secret, [session, value]);
        throw new Error('it was accepted');
      } catch (error) {
        expect((error as XenError).description.join(' ')).toMatch(
          /^(INTERNAL_ERROR VM.get_all pw: wrong type|INVALID_VALUE Invalid UTF-8 string in parameter pw)$/,
        );
      }
  });

  test('defaults of any shape go through', () => {
    const m = {
      ...message('VM.get_all'),
      params: [
        { name: 'n', type: optional(int, 7) as Type },
        { name: 'b', type: optional(bool, false) as Type },
      ],
    };
    expect(bindArguments(m, [session]).args).toEqual({ n: 7, b: false });
    expect(bindArguments(m, [session, '8']).args).toEqual({ n: 8, b: false });
  });

  test('only constructors take records', () => {
    const takers = [...messages.values()].filter((m) => m.params.some((p) => p.type.kind === 'record'));
    expect(takers.length).toBeGreaterThan(10);
    expect(takers.filter((m) => m.kind !== 'create').map((m) => m.name)).toEqual([]);
  });
});

describe('names', () => {
  test.each([
    ['VM.start', 'VM.start', false],
    ['Async.VM.start', 'VM.start', true],
    ['InternalAsync.VM.start', 'VM.start', true],
    ['VM_start', 'VM.start', false],
    ['VM_get_name_label', 'VM.get_name_label', false],
    ['VM_metrics_get_all', 'VM_metrics.get_all', false],
    ['host_metrics_get_all_records', 'host_metrics.get_all_records', false],
    ['Async.VM_start', 'VM_start', true],
    ['Async.Async.VM.start', 'Async.VM.start', true],
    ['VM.__class__', 'VM.__class__', false],
    ['constructor', 'constructor', false],
    ['', '', false],
  ])('%s is %s', (method, name, async) => {
    expect(parseMethod(method)).toEqual({ name, async });
  });

  test('every message answers to both of its names', () => {
    for (const name of messages.keys())
      for (const spelling of [name, name.replace('.', '_')])
        expect(parseMethod(spelling)).toEqual({ name, async: false });
  });

  test('what Object has is no message', () => {
    for (const name of ['VM.__class__', 'VM.constructor', '__proto__'])
      expect(messages.has(parseMethod(name).name)).toBe(false);
  });

  test('the list has every published message, and can be written', () => {
    const names = methodNames();
    expect(names).toEqual(
      expect.arrayContaining(['VM.get_all_records', 'VM.start', 'session.login_with_password']),
    );
    expect(names.filter((name) => name.includes('Async.'))).toEqual([]);
    expect(names).not.toContain('VM.get_all_records_where');
    expect(new Set(names).size).toBe(names.length);
    expect(encodeJson(set(string), names)).toBe(JSON.stringify(names));
  });
});

describe('arguments by name', () => {
  test('are those that the same values give by position, defaults included', () => {
    expect(decodeNamed(message('session.login_with_password'), { pwd: 'p', uname: 'u' })).toEqual(
      decodeArguments(message('session.login_with_password'), ['u', 'p']).args,
    );
    expect(decodeNamed(message('VM.start'), { vm: 'r', force: true, start_paused: false })).toEqual(
      decodeArguments(message('VM.start'), [session, 'r', false, true]).args,
    );
  });

  test.each<[string, string, Readonly<Record<string, unknown>>, readonly string[]]>([
    [
      'one that the message does not have',
      'VM.start',
      { vm: 'r', start_paused: false, force: false, host: 'h' },
      ['INVALID_VALUE', 'host', 'no parameter of VM.start'],
    ],
    [
      'one that is an own name of every object',
      'VM.get_record',
      { self: 'r', constructor: 'x' },
      ['INVALID_VALUE', 'constructor', 'no parameter of VM.get_record'],
    ],
    [
      'one that is missing',
      'VM.start',
      { vm: 'r', force: false },
      ['INVALID_VALUE', 'start_paused', 'missing'],
    ],
    [
      'one of the wrong type',
      'VM.start',
      { vm: 'r', start_paused: 'no', force: false },
      ['INTERNAL_ERROR', 'VM.start start_paused: Expected bool, got string "no"'],
    ],
  ])('%s is refused', (_what, name, named, description) => {
    expect.assertions(1);
    try {
      decodeNamed(message(name), named);
    } catch (error) {
      expect((error as XenError).description).toEqual(description);
    }
  });
});
