import { lines, minimal, parse } from '@xenplane/client';

test('a record is written as the real xe writes it', () => {
  const text = lines([
    { name: 'uuid', access: 'RO', value: '11111111-2222-3333-4444-555555555555' },
    { name: 'name-label', access: 'RW', value: 'demo' },
    { name: 'power-state', access: 'RO', value: 'halted' },
  ]);
  expect(text).toBe(
    'uuid ( RO)           : 11111111-2222-3333-4444-555555555555\n     name-label ( RW): demo\n    power-state ( RO): halted',
  );
});

test('minimal output joins by commas and escapes those that are in a value', () => {
  expect(minimal(['a', 'b,c', 'd\\e'])).toBe('a,b\\,c,d\\\\e');
});

test.each<[string[], ReturnType<typeof parse>]>([
  [
    ['vm-list', 'name-label=a=b', '--minimal'],
    {
      command: 'vm-list',
      pairs: [
        ['name-label', 'a=b'],
        ['minimal', 'true'],
      ],
    },
  ],
  [
    ['vm-start', 'vm=x', '--force', '-u', 'me'],
    {
      command: 'vm-start',
      pairs: [
        ['vm', 'x'],
        ['force', 'true'],
        ['username', 'me'],
      ],
    },
  ],
  [
    ['vm-param-set', 'uuid=u', 'other-config:k=v'],
    {
      command: 'vm-param-set',
      pairs: [
        ['uuid', 'u'],
        ['other-config:k', 'v'],
      ],
    },
  ],
  [['help', 'vm-start'], { command: 'help', pairs: [['vm-start', '']] }],
  [[], { command: 'help', pairs: [] }],
])('%j is understood', (words, meaning) => expect(parse(words)).toEqual(meaning));

test.each([[['username=root', 'password=x']], [['vm-list', '-z', 'x']], [['vm-list', '-u']]])(
  '%j is no command line',
  (words) => expect(() => parse(words)).toThrow('Syntax error: '),
);
