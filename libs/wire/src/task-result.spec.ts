import type { Type } from '@xenplane/model';
import { decodeTaskResult, encodeTaskResult } from '.';

test.each<[string, Type | undefined, unknown, string]>([
  ['a reference', { kind: 'ref', cls: 'VM' }, 'OpaqueRef:aa', '<value>OpaqueRef:aa</value>'],
  ['void', undefined, undefined, '<value></value>'],
  ['an empty text', { kind: 'string' }, '', '<value></value>'],
  [
    'a set of references',
    { kind: 'set', of: { kind: 'ref', cls: 'VDI' } },
    ['OpaqueRef:a'],
    '<value><array><data><value>OpaqueRef:a</value></data></array></value>',
  ],
  ['an int', { kind: 'int' }, 5, '<value>5</value>'],
])('%s is kept and found again', (_, type, value, kept) => {
  expect(encodeTaskResult(type, value)).toBe(kept);
  expect(decodeTaskResult(type, kept)).toEqual(value);
});

test('a task without a result has none', () => {
  expect(decodeTaskResult({ kind: 'int' }, '')).toBeUndefined();
});
test('a result of another type is not taken', () => {
  expect(() => decodeTaskResult({ kind: 'int' }, '<value>OpaqueRef:aa</value>')).toThrow(
    /^INTERNAL_ERROR Expected int/,
  );
});
