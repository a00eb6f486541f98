import { filters, passthrough, type Candidate, type Guest } from '@xenplane/domain';

test.each([
  ['0/0000:81:00.0', ['0000:81:00.0']],
  ['0/0000:81:00.0,1/0000:82:00.1', ['0000:81:00.0', '0000:82:00.1']],
  ['0/0:4:0.0, 0/0000:04:00.0', ['0000:04:00.0']],
  ['0/0000:AB:1F.7', ['0000:ab:1f.7']],
  ['', []],
  ['0000:81:00.0,x/0000:81:00.0,0/0000:81:00,0/10000:81:00.0', []],
])('%j names %j', (pci, expected) => expect(passthrough.pciAddresses({ pci })).toEqual(expected));

test('what is no address, or of a device that no host has, is refused', () => {
  const known = new Set(['0000:81:00.0']);
  expect(passthrough.refusePci({ pci: '0/0000:81:00.0' }, known)).toBeUndefined();
  expect(passthrough.refusePci({}, known)).toBeUndefined();
  expect(passthrough.refusePci({ pci: '0/0000:81:00.0,0/0000:99:00.0' }, known)?.description).toEqual([
    'INVALID_VALUE',
    'other_config:pci',
    '0/0000:99:00.0',
  ]);
  expect(passthrough.refusePci({ pci: '0/0000:99:00.0' })).toBeUndefined();
  expect(passthrough.refusePci({ pci: 'card' })?.description).toEqual([
    'INVALID_VALUE',
    'other_config:pci',
    'card',
  ]);
});

test('a host is possible when it has the device and no other VM does', () => {
  const guest: Guest = {
    ref: 'vm',
    memoryBytes: 0,
    vcpus: 1,
    needsHvm: false,
    srs: [],
    networks: [],
    pcis: ['0000:81:00.0'],
  };
  const host = (pcis: readonly (readonly [string, string])[]): Candidate => {
    const present: Partial<Candidate> = { ref: 'h', pcis: new Map(pcis) };
    return present as Candidate;
  };
  expect(filters.pci(guest, host([['0000:81:00.0', '']]))).toBeUndefined();
  expect(filters.pci(guest, host([['0000:81:00.0', 'vm']]))).toBeUndefined();
  expect(filters.pci(guest, host([['0000:81:00.0', 'other']]))).toEqual([
    'DEVICE_ALREADY_ATTACHED',
    '0000:81:00.0',
  ]);
  expect(filters.pci(guest, host([]))).toEqual([
    'VM_INCOMPATIBLE_WITH_THIS_HOST',
    'vm',
    'h',
    'The host has no PCI device 0000:81:00.0',
  ]);
  expect(filters.pci({ ...guest, pcis: [] }, host([]))).toBeUndefined();
});
