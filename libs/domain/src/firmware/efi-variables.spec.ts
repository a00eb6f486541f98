import fc from 'fast-check';
import {
  contentOf,
  keysIn,
  readVariables,
  sameKeys,
  withKeys,
  writeVariables,
  type EfiVariable,
} from './efi-variables';

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const exactly = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const name = fc.string({ unit: fc.constantFrom('a', 'B', '0', 'é', '中'), minLength: 1, maxLength: 20 });
const variable: fc.Arbitrary<EfiVariable> = fc.record({
  name,
  value: bytes(200),
  vendor: exactly(16),
  attributes: fc.nat(0xff),
  origin: exactly(48),
});
const key = (byte: number): Uint8Array => new Uint8Array([byte, byte]);

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.array(variable, { maxLength: 8 }), (all) =>
      expect(readVariables(writeVariables(all))).toEqual(all),
    ),
  );
});
test('a store is its header and its variables', () => {
  const [one] = withKeys([], { PK: key(7) });
  const store = Buffer.from(writeVariables(one ? [one] : []));
  expect(store.subarray(0, 4).toString()).toBe('VARS');
  expect([store.readUInt32LE(4), store.readBigUInt64LE(8), store.readBigUInt64LE(16)]).toEqual([
    2,
    1n,
    BigInt(store.length - 24),
  ]);
  expect(store.subarray(32, 36).toString('utf16le')).toBe('PK');
});
test('anything else is no store', () => {
  fc.assert(fc.property(bytes(300), (garbage) => expect(readVariables(garbage)).toBeUndefined()));
  const store = writeVariables(withKeys([], { PK: key(1), db: key(2) }));
  for (let length = 0; length < store.byteLength; length += 1)
    expect(readVariables(store.subarray(0, length))).toBeUndefined();
});
test('keys are put in, exchanged and taken out; other variables stay', () => {
  const other: EfiVariable = {
    name: 'BootOrder',
    value: key(9),
    vendor: new Uint8Array(16),
    attributes: 7,
    origin: new Uint8Array(48),
  };
  const user = withKeys([other], { PK: key(1), KEK: key(2), db: key(3) });
  expect(keysIn(user)).toEqual({ PK: key(1), KEK: key(2), db: key(3) });
  const renewed = withKeys(user, { PK: key(1), KEK: key(2), db: key(4), dbx: key(5) });
  expect(renewed.map((v) => v.name)).toEqual(['BootOrder', 'PK', 'KEK', 'db', 'dbx']);
  expect(withKeys(renewed, {})).toEqual([other]);
  expect([sameKeys(keysIn(user), keysIn(renewed)), sameKeys(keysIn(user), keysIn(user))]).toEqual([
    false,
    true,
  ]);
});
test('the content of a signed file is what is behind its signature', () => {
  const signed = Buffer.alloc(16 + 40 + 3, 1);
  signed.writeUInt32LE(40, 16);
  signed.set([7, 8, 9], 56);
  expect([...contentOf(signed)]).toEqual([7, 8, 9]);
  expect([...contentOf(key(3))]).toEqual([3, 3]);
});
