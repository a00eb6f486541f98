import * as fc from 'fast-check';
import { classes } from '@xenplane/model';
import { notHanging } from '@xenplane/testing';
import { deepestFilter, evaluate, longestFilter, parseFilter } from '.';

const vm: Readonly<Record<string, unknown>> = {
  uuid: 'u',
  name_label: 'my "vm"'.replaceAll('"', ''),
  name_description: 'and (or) not',
  is_a_template: false,
  power_state: 'Halted',
  VCPUs_max: 4,
  snapshot_of: 'OpaqueRef:NULL',
  tags: ['a', "b'c"],
  other_config: { k: 'v' },
  IP: '10.0.0.1',
};
const holds = (expression: string): boolean => evaluate(parseFilter(expression), (name) => vm[name]);

describe('expressions', () => {
  test.each<[string, boolean]>([
    ['true', true],
    ['false', false],
    [' true\n', true],
    ['field "name__label" = "my vm"', true],
    ['field "name_label"="my vm"', true],
    ['field"name__label"="other"', false],
    ['field "IP"="10.0.0.1"', true],
    ['"10.0.0.1" = field "IP"', true],
    ['"a" = "a"', true],
    ['field "uuid" = field "power_state"', false],
    ['field "is_a_template" = "false"', true],
    ['field "power_state" = "Halted"', true],
    ['field "power_state" = "halted"', false],
    ['field "VCPUs__max" = "4"', true],
    ['field "snapshot_of" = "OpaqueRef:NULL"', true],
    ['field "name__description" = "and (or) not"', true],
    ['field "other_config" = "((\'k\' \'v\'))"', true],
    ["field \"tags\" = \"('a' 'b\\'c')\"", true],
    ['not false', true],
    ['not not true', true],
    ['not (field "is_a_template" = "true") and field "power_state" = "Halted"', true],
    ['true and false', false],
    ['true or false', true],
    ['(true or true) and false', false],
    ['true or (true and false)', true],
    ['((((true))))', true],
  ])('%s', (expression, expected) => {
    expect(holds(expression)).toBe(expected);
  });

  test.each<[string, string, boolean]>([
    ['and and or bind alike, from the left', 'true or true and false', false],
    ['not takes all that follows', 'not false and false', true],
    ['not takes all that follows, inside too', 'true and not true or true', false],
  ])('as in xapi %s', (_, expression, expected) => {
    expect(holds(expression)).toBe(expected);
  });
});

describe('what is no expression', () => {
  test.each([
    '',
    ' ',
    '(',
    ')',
    '()',
    'true)',
    '(true',
    'true true',
    'and',
    'true and',
    'or true',
    'not',
    'field',
    'field "a"',
    'field "a" =',
    '= "a"',
    'field "a" = b',
    '"a',
    "field 'a' = 'b'",
    'field "name" = "x" ; drop table vm;--',
    'field "name" = "\' or 1=1',
    'TRUE',
    '1',
    'field "a" != "b"',
    'field "a" like "%"',
    'true\u0000',
  ])('%j', (expression) => {
    expect(() => parseFilter(expression)).toThrow(/^INTERNAL_ERROR Expression: /);
  });

  test.each(['nope', '__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'a field %j that no object has',
    (field) => {
      expect(() => holds(`field "${field}" = "x"`)).toThrow(/^INTERNAL_ERROR Expression: there is no field /);
    },
  );

  test('a literal is a text and nothing more', () => {
    expect(holds('field "uuid" = "\' ; drop table vm;--"')).toBe(false);
    expect(holds('field "uuid" = "%"')).toBe(false);
  });
});

describe('limits', () => {
  const nested = (depth: number): string => '('.repeat(depth) + 'true' + ')'.repeat(depth);
  test('parentheses and negations nest so deep and no deeper', () => {
    expect(holds(nested(deepestFilter))).toBe(true);
    expect(() => parseFilter(nested(deepestFilter + 1))).toThrow(/nested deeper/);
    expect(holds(`${'not '.repeat(deepestFilter)}true`)).toBe(true);
    expect(() => parseFilter(`${'not '.repeat(deepestFilter + 1)}true`)).toThrow(/nested deeper/);
  });

  const longest = `true${' or true'.repeat(8191)}    `;
  test('the longest expression is evaluated', () => {
    expect(longest.length).toBe(longestFilter);
    expect(holds(longest)).toBe(true);
    expect(() => parseFilter(`${longest} `)).toThrow(/longer than/);
  });

  test.each([
    ['10 MB of text', `field "a" = "${'x'.repeat(1e7)}"`],
    ['5,000 parentheses', nested(5000)],
    ['5,000 negations', `${'not '.repeat(5000)}true`],
    ['60 kB of spaces', `${' '.repeat(60_000)}x`],
    ['30,000 texts', '"" '.repeat(20_000)],
  ])('%s are refused without a hang', (_, expression) => {
    expect(() => notHanging(() => parseFilter(expression))).toThrow(/^INTERNAL_ERROR/);
  });

  test('anything else is refused in the same way', () => {
    const pieces = fc.constantFrom(
      'true',
      'false',
      'and',
      'or',
      'not',
      '(',
      ')',
      '=',
      'field',
      '"uuid"',
      '"x"',
      ' ',
      '"',
      'x',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (list) => {
        const outcome = ((): unknown => {
          try {
            return holds(list.join(' '));
          } catch (error) {
            return (error as Error).message;
          }
        })();
        expect(String(outcome)).toMatch(/^(true|false|INTERNAL_ERROR Expression: .*)$/s);
      }),
      { numRuns: 3000 },
    );
  });
});

test('no field of the model has a name that the database spelling would change', () => {
  const names = Object.values(classes).flatMap((c) => Object.keys(c.fields));
  expect(names.filter((n) => n.includes('__'))).toEqual([]);
});
