import fc from 'fast-check';
import { filters, graphics, type Candidate, type Guest } from '@xenplane/domain';

const gpu = (ref: string, more: Partial<graphics.Gpu> = {}): graphics.Gpu => ({
  ref,
  group: 'g',
  supported: ['whole', 'half', 'quarter'],
  enabled: ['whole', 'half', 'quarter'],
  most: { whole: 1, half: 2, quarter: 4 },
  residents: [],
  ...more,
});
const wish = (vgpu: string, type: string, more: Partial<graphics.GpuRequest> = {}): graphics.GpuRequest => ({
  vgpu,
  group: 'g',
  type,
  passthrough: type === 'whole',
  packed: true,
  ...more,
});

test.each([
  ['an empty one', gpu('a'), 'quarter', 4],
  ['one in use', gpu('a', { residents: ['quarter', 'quarter', 'quarter'] }), 'quarter', 1],
  ['one that serves another type', gpu('a', { residents: ['half'] }), 'quarter', 0],
  ['a type that is not enabled', gpu('a', { enabled: ['whole'] }), 'quarter', 0],
  ['a type that is not supported', gpu('a', { supported: ['whole'] }), 'quarter', 0],
])('what is left of %s', (_what, one, type, expected) =>
  expect(graphics.remaining(one, type)).toBe(expected),
);

test('depth first fills what is begun, breadth first what is emptiest', () => {
  const two = [gpu('a'), gpu('b', { residents: ['quarter'] })];
  expect(graphics.allot(two, [wish('v', 'quarter')]).chosen.get('v')).toBe('b');
  expect(graphics.allot(two, [wish('v', 'quarter', { packed: false })]).chosen.get('v')).toBe('a');
});

test('never more than fits, whatever is asked', () => {
  const types = fc.constantFrom('whole', 'half', 'quarter');
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4 }),
      fc.array(fc.record({ type: types, packed: fc.boolean() }), { maxLength: 20 }),
      (count, asked) => {
        const gpus = Array.from({ length: count }, (_, i) => gpu(`p${i}`));
        const wishes = asked.map(({ type, packed }, i) => wish(`v${i}`, type, { packed }));
        const { chosen, missing } = graphics.allot(gpus, wishes);
        expect(chosen.size === wishes.length).toBe(missing === undefined);
        for (const { ref, most } of gpus) {
          const served = wishes.filter((w) => chosen.get(w.vgpu) === ref).map((w) => w.type);
          expect(new Set(served).size).toBeLessThanOrEqual(1);
          if (served[0]) expect(served.length).toBeLessThanOrEqual(most[served[0]] ?? 0);
        }
      },
    ),
  );
});

test('a host is possible when it has what the guest asks for', () => {
  const asking = (more: Partial<Guest>): Guest => ({
    ref: 'vm',
    memoryBytes: 0,
    vcpus: 1,
    needsHvm: false,
    srs: [],
    networks: [],
    ...more,
  });
  const host = (more: Partial<Candidate>): Candidate => ({ ref: 'h', ...more }) as Candidate;
  expect(filters.gpus(asking({ gpus: [wish('v', 'half')] }), host({ gpus: [gpu('a')] }))).toBeUndefined();
  expect(filters.gpus(asking({ gpus: [wish('v', 'half')] }), host({}))).toEqual([
    'VM_REQUIRES_VGPU',
    'vm',
    'g',
    'half',
  ]);
  expect(
    filters.gpus(asking({ gpus: [wish('v', 'whole')] }), host({ gpus: [gpu('a', { group: 'other' })] })),
  ).toEqual(['VM_REQUIRES_GPU', 'vm', 'g']);
  expect(filters.gpus(asking({}), host({}))).toBeUndefined();
  expect(filters.usb(asking({ usbGroups: ['u'] }), host({ usbGroups: new Set(['u']) }))).toBeUndefined();
  expect(filters.usb(asking({ usbGroups: ['u'] }), host({}))).toEqual(['VM_REQUIRES_VUSB', 'vm', 'u']);
});
