import { LoginThrottle, addressBlock } from './login-throttle';

/** Work that ends on command, and which of it has begun. */
function workshop(doors: LoginThrottle): {
  begun: string[];
  come: (address: string, name: string) => Promise<void>;
  end: (name: string) => Promise<void>;
} {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const come = (address: string, name: string): Promise<void> =>
    doors.through(address, () => {
      begun.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    });
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, come, end };
}
const room = { inside: 3, insideOfOne: 2, waiting: 4, waitingOfOne: 3 };

test('whoever comes with many waits behind his own, and another comes in between', async () => {
  const { begun, come, end } = workshop(new LoginThrottle(room));
  const all = ['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => come('192.0.2.1', name));
  all.push(come('192.0.2.2', 'b1'), come('192.0.2.2', 'b2'));
  expect(begun).toEqual(['a1', 'a2', 'b1']);
  await end('a1');
  expect(begun).toEqual(['a1', 'a2', 'b1', 'a3']);
  await end('a2');
  expect(begun.at(-1)).toBe('b2');
  for (const name of ['b1', 'a3', 'b2', 'a4', 'a5']) await end(name);
  await Promise.all(all);
  expect(begun).toHaveLength(7);
});

test('one try too many is turned away, of an address and of all; afterwards there is room again', async () => {
  const { begun, come, end } = workshop(new LoginThrottle(room));
  const all = ['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => come('192.0.2.1', name));
  await expect(come('192.0.2.1', 'a6')).rejects.toThrow('TOO_BUSY');
  all.push(come('192.0.2.2', 'b1'), come('192.0.2.3', 'c1'));
  await expect(come('192.0.2.4', 'd1')).rejects.toThrow('TOO_BUSY');
  for (const name of ['a1', 'a2', 'b1', 'a3', 'c1', 'a4', 'a5']) await end(name);
  await Promise.all(all);
  const again = come('192.0.2.1', 'again');
  await end('again');
  await again;
  expect(begun).toHaveLength(8);
});

test('work that fails makes room too', async () => {
  const doors = new LoginThrottle({ ...room, inside: 1 });
  const failed = doors.through('192.0.2.1', () => Promise.reject(new Error('wrong')));
  const next = doors.through('192.0.2.1', () => Promise.resolve('right'));
  await expect(failed).rejects.toThrow('wrong');
  expect(await next).toBe('right');
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
])('%s is of %s', (address, of) => expect(addressBlock(address)).toBe(of));
