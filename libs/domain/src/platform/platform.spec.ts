import { platform as rules } from '@xenplane/domain';

const GiB = 2 ** 30;
const vm = (more: Partial<rules.PlatformSubject> = {}): rules.PlatformSubject => ({
  platform: {},
  domain_type: 'hvm',
  HVM_boot_policy: 'BIOS order',
  HVM_boot_params: { firmware: 'bios' },
  NVRAM: {},
  VCPUs_max: 4,
  memory_static_min: GiB,
  memory_static_max: 2 * GiB,
  memory_dynamic_min: 2 * GiB,
  memory_dynamic_max: 2 * GiB,
  ...more,
});
const asked = { vusbs: 0, force: false };
const uefi = { HVM_boot_params: { firmware: 'uefi' } };

test.each<[string, Partial<rules.PlatformSubject>, readonly string[] | undefined]>([
  ['nothing that is wrong', {}, undefined],
  ['cores that divide', { platform: { 'cores-per-socket': '2' } }, undefined],
  ['cores in another base', { platform: { 'cores-per-socket': '0x4' } }, undefined],
  [
    'cores that do not divide',
    { platform: { 'cores-per-socket': '3' } },
    ['VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE', '4', '3'],
  ],
  [
    'more cores than CPUs',
    { platform: { 'cores-per-socket': '8' } },
    ['VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE', '4', '8'],
  ],
  [
    'no cores',
    { platform: { 'cores-per-socket': '0' } },
    ['VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE', '4', '0'],
  ],
  [
    'negative cores',
    { platform: { 'cores-per-socket': '-2' } },
    ['VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE', '4', '-2'],
  ],
  [
    'cores that are no number',
    { platform: { 'cores-per-socket': 'abc' } },
    ['INVALID_VALUE', 'platform:cores-per-socket', 'abc'],
  ],
  [
    'cores that are empty',
    { platform: { 'cores-per-socket': '' } },
    ['INVALID_VALUE', 'platform:cores-per-socket', ''],
  ],
  [
    'half a core',
    { platform: { 'cores-per-socket': '1.5' } },
    ['INVALID_VALUE', 'platform:cores-per-socket', '1.5'],
  ],
  ['cores of a PV guest', { domain_type: 'pv', platform: { 'cores-per-socket': 'abc' } }, undefined],
  [
    'cores of a PVH guest',
    { domain_type: 'pvh', platform: { 'cores-per-socket': '3' } },
    ['VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE', '4', '3'],
  ],
  [
    'firmware of another kind',
    { HVM_boot_params: { firmware: 'coreboot' } },
    ['INVALID_VALUE', "HVM-boot-params['firmware']", 'coreboot'],
  ],
  [
    'UEFI variables in another way',
    { ...uefi, NVRAM: { 'EFI-variables-on-boot': 'x' } },
    ['INVALID_VALUE', "NVRAM['EFI-variables-on-boot']", 'x'],
  ],
  ['the same below a BIOS', { NVRAM: { 'EFI-variables-on-boot': 'x' } }, undefined],
  [
    'the former device model, which is replaced',
    { ...uefi, platform: { 'device-model': 'qemu-trad' } },
    undefined,
  ],
  [
    "UEFI's device model below a BIOS",
    { platform: { 'device-model': 'qemu-upstream-uefi' } },
    ['INVALID_VALUE', 'platform:device-model', 'BIOS boot is not supported with qemu-upstream-uefi'],
  ],
  ['nesting that is on', { platform: { 'nested-virt': 'True' } }, undefined],
  [
    'nesting that is neither',
    { platform: { 'nested-virt': 'perhaps' } },
    ['INVALID_VALUE', 'platform:nested-virt', 'perhaps'],
  ],
  [
    'nesting in memory that moves',
    { platform: { 'nested-virt': '1' }, memory_dynamic_min: GiB },
    ['MEMORY_CONSTRAINT_VIOLATION_MAXPIN', 'nested virt'],
  ],
])('a start with %s', (_what, more, expected) =>
  expect(rules.refuseToStart(vm(more), asked)?.description).toEqual(expected),
);

test('a forced start does not look at the memory of nesting', () =>
  expect(
    rules.refuseToStart(vm({ platform: { 'nested-virt': '1' }, memory_dynamic_min: GiB }), {
      vusbs: 0,
      force: true,
    }),
  ).toBeUndefined());

test('USB devices need a device model that passes them through', () => {
  const withUsb = { vusbs: 1, force: false };
  expect(rules.refuseToStart(vm(), withUsb)).toBeUndefined();
  const field = 'platform:device-model when vm has VUSBs';
  expect(rules.refuseToStart(vm({ domain_type: 'pv' }), withUsb)?.description).toEqual([
    'INVALID_VALUE',
    field,
    'undefined',
  ]);
  expect(rules.refuseToStart(vm({ platform: { 'device-model': 'other' } }), withUsb)?.description).toEqual([
    'INVALID_VALUE',
    field,
    'other',
  ]);
});

test('a resume looks at what building the domain needs, with the device model that the VM was started with', () => {
  expect(rules.refuseToBuild(vm({ platform: { 'cores-per-socket': '3' } }))?.code).toBe(
    'VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE',
  );
  expect(rules.refuseToBuild(vm({ platform: { 'nested-virt': 'perhaps' } }))).toBeUndefined();
  expect(
    rules.refuseToBuild(vm({ ...uefi, platform: { 'device-model': 'qemu-trad' } }))?.description,
  ).toEqual(['INVALID_VALUE', 'platform:device-model', 'UEFI boot is not supported with qemu-trad']);
});

test('a VM with a device model starts with one named', () => {
  expect(rules.platformToStart(vm())).toEqual({ 'device-model': 'qemu-upstream-compat' });
  expect(rules.platformToStart(vm(uefi))).toEqual({ 'device-model': 'qemu-upstream-uefi' });
  expect(rules.platformToStart(vm({ platform: { 'device-model': 'qemu-trad', apic: 'true' } }))).toEqual({
    'device-model': 'qemu-upstream-compat',
    apic: 'true',
  });
  expect(rules.platformToStart(vm({ domain_type: 'pv' }))).toEqual({});
});

test.each<[string, Partial<Parameters<typeof rules.refuseBasics>[0]>, readonly string[] | undefined]>([
  ['nothing that is wrong', {}, undefined],
  [
    'a domain that is kept aside',
    { actions_after_crash: 'rename_restart' },
    ['VALUE_NOT_SUPPORTED', 'VM.actions_after_crash', 'rename_restart'],
  ],
  [
    'a dump of an HVM guest',
    { actions_after_crash: 'coredump_and_restart' },
    ['VALUE_NOT_SUPPORTED', 'VM.actions_after_crash', 'coredump_and_restart'],
  ],
  ['a dump of a PV guest', { actions_after_crash: 'coredump_and_destroy', domain_type: 'pv' }, undefined],
  [
    'too little shadow memory',
    { HVM_shadow_multiplier: 0.5 },
    ['INVALID_VALUE', 'HVM_shadow_multiplier', '0.5'],
  ],
  [
    'more vCPUs at the start than at all',
    { VCPUs_at_startup: 5 },
    ['VALUE_NOT_SUPPORTED', 'VCPUs-at-startup', '5'],
  ],
])('no host takes a VM with %s', (_what, more, expected) => {
  const basics = {
    domain_type: 'hvm',
    HVM_boot_policy: '',
    actions_after_crash: 'restart',
    HVM_shadow_multiplier: 1,
    VCPUs_max: 4,
    VCPUs_at_startup: 1,
  } as const;
  expect(rules.refuseBasics({ ...basics, ...more })?.description.slice(0, 3)).toEqual(expected);
});
