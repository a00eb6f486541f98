import fc from 'fast-check';
import { inSameDomain, relativeId, sidBytes, sidText } from './sid';

const text = 'S-1-5-21-3143668282-2591278241-912959342-502';
const bytes = Buffer.from('010500000000000515000000', 'hex');

test('a known one, both ways', () => {
  const known = Buffer.concat([
    bytes,
    ...[3143668282, 2591278241, 912959342, 502].map((n) => Buffer.from(new Uint32Array([n]).buffer)),
  ]);
  expect(sidText(known)).toBe(text);
  expect(sidBytes(text)).toEqual(known);
  expect([relativeId(text), inSameDomain(text, '513')]).toEqual([
    502,
    'S-1-5-21-3143668282-2591278241-912959342-513',
  ]);
});

test('every one comes back', () => {
  const parts = fc.array(
    fc.nat(2 ** 31).map((n) => n * 2 - (n % 2)),
    { minLength: 1, maxLength: 15 },
  );
  fc.assert(
    fc.property(fc.nat(2 ** 31), parts, (authority, numbers) => {
      const sid = ['S-1', authority, ...numbers.map((n) => Math.min(n, 2 ** 32 - 1))].join('-');
      expect(sidText(sidBytes(sid) ?? Buffer.alloc(0))).toBe(sid);
    }),
  );
});

test.each([
  '',
  'S-1',
  'S-1-5',
  'S-2-5-1',
  'S-1-5-4294967296',
  'S-1-5-21)(uid=*',
  's-1-5-21',
  `S-1-5${'-1'.repeat(16)}`,
])('%j is none', (wrong) => expect(sidBytes(wrong)).toBeUndefined());
test.each(['', '01', '0105000000000005', '020100000000000501000000', 'ff'])('bytes %s are none', (hex) =>
  expect(sidText(Buffer.from(hex, 'hex'))).toBeUndefined(),
);
