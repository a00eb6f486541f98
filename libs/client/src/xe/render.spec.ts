import { lines, minimal, parse } from '@xenplane/client';

test('a record is written as the real xe writes it', () => {
  const text = lines([
    { name: 'uuid', access: 'RO', value: '11111111-2222-3333-4444-555555555555' },
    { name: 'name-label', access: 'RW', value: 'demo' },
    { name: 'power-state', access: 'RO', value: 'halted' },
  ]);
  expect(text).toBe('uuid ( RO)           : 11111111-2222-3333-4444-555555555555\n     name-label ( RW): demo\n    power-state ( RO): halted');
});

test('minimal output joins by commas and escapes those that are in a value', () => {
  expect(minimal(['a', 'b,c', 'd\\e'])).toBe('a,b\\,c,d\\\\e');
});

test.each([
  [['vm-list', 'name-label=a=b', '--minimal'], { command: 'vm-list', pairs: [['name-label', 'a=b']], switches: ['minimal'] }],
  [['vm-start', 'vm=x', '--force'], { command: 'vm-start', pairs: [['vm', 'x']], switches: ['force'] }],
  [
    ['vm-param-set', 'uuid=u', 'other-config:k=v'],
    {
      command: 'vm-param-set',
      pairs: [
        ['uuid', 'u'],
        ['other-config:k', 'v'],
      ],
      switches: [],
    },
  ],
  [[], { command: 'help', pairs: [], switches: [] }],
])('%j is understood', (words, meaning) => {
  const { command, pairs, switches } = parse(words);
  expect({ command, pairs, switches: [...switches] }).toEqual(meaning);
});
