import fc from 'fast-check';
import { nullRef, type ErrorCode } from '@xenplane/model';
import { vmLifecycle } from '@xenplane/domain';
import facts from '../fixtures/operations.json';

type Subject = vmLifecycle.VmSubject;
const states = ['Halted', 'Paused', 'Suspended', 'Running'] as const;

function subject(vm: Partial<Subject['vm']> = {}, rest: Partial<Subject> = {}): Subject {
  const plain: Subject['vm'] = {
    power_state: 'Halted',
    current_operations: {},
    blocked_operations: {},
    is_a_template: false,
    is_default_template: false,
    is_a_snapshot: false,
    is_control_domain: false,
    domid: -1,
    domain_type: 'hvm',
    HVM_boot_policy: 'BIOS order',
    appliance: nullRef(),
    protection_policy: nullRef(),
    snapshot_schedule: nullRef(),
    attached_PCIs: [],
  };
  const around = {
    guest: { other: {}, PV_drivers_detected: true },
    metrics: { nomigrate: false, nested_virt: false },
    onBoot: [],
    vusbs: 0,
    vgpus: 0,
    vtpms: 0,
  };
  return { ref: 'OpaqueRef:vm', vm: { ...plain, ...vm }, ...around, ...rest };
}
const kinds: Readonly<Record<string, Partial<Subject['vm']>>> = {
  vm: {},
  template: { is_a_template: true },
  default_template: { is_a_template: true, is_default_template: true },
  snapshot: { is_a_template: true, is_a_snapshot: true },
};
const codeOf = (op: vmLifecycle.VmOperation, s: Subject): ErrorCode | undefined =>
  vmLifecycle.refusal(op, s)?.code;

describe('what xapi lists as allowed', () => {
  test.each(Object.entries(facts.vmExpectedAllowed))('%s', (name, expected) => {
    const [kind = '', state = ''] = name.split('/');
    const power_state = states.find((s) => s === state) ?? 'Halted';
    expect([...vmLifecycle.allowedOperations(subject({ ...kinds[kind], power_state }))].sort()).toEqual(
      [...expected].sort(),
    );
  });
});

describe('power states', () => {
  const table: Readonly<Record<string, readonly string[]>> = facts.vmPowerStates;
  test.each(vmLifecycle.operations)('%s may begin where the facts say', (op) => {
    expect([...vmLifecycle.allowedIn[op]].sort()).toEqual([...(table[op] ?? [])].sort());
    for (const power_state of states) {
      const refused = vmLifecycle.refusal(
        op,
        subject({ power_state, is_a_template: op === 'provision', is_a_snapshot: false }),
      );
      const wrong = op !== 'import' && !table[op]?.includes(power_state);
      expect([power_state, refused?.code === 'VM_BAD_POWER_STATE']).toEqual([power_state, wrong]);
      if (wrong)
        expect(refused?.params).toEqual([
          'OpaqueRef:vm',
          vmLifecycle.allowedIn[op].map((s) => s.toLowerCase()).join(', '),
          power_state.toLowerCase(),
        ]);
    }
  });
  test('every state can be reached from Halted', () => {
    const reached = new Set<string>(['Halted']);
    for (let before = 0; before < reached.size;) {
      before = reached.size;
      for (const op of vmLifecycle.operations) {
        const to = vmLifecycle.leadsTo[op];
        if (to && vmLifecycle.allowedIn[op].some((s) => reached.has(s))) reached.add(to);
      }
    }
    expect([...reached].sort()).toEqual(['Halted', 'Paused', 'Running', 'Suspended']);
  });
});

describe('the first complaint wins, in this order', () => {
  const all = subject({
    power_state: 'Halted',
    blocked_operations: { pause: 'not now' },
    current_operations: { t: 'start' },
    is_a_template: true,
  });
  test.each([
    ['OPERATION_BLOCKED', all, ['OpaqueRef:vm', 'not now']],
    [
      'VM_BAD_POWER_STATE',
      { ...all, vm: { ...all.vm, blocked_operations: {} } },
      ['OpaqueRef:vm', 'running', 'halted'],
    ],
    [
      'OTHER_OPERATION_IN_PROGRESS',
      { ...all, vm: { ...all.vm, blocked_operations: {}, power_state: 'Running' as const } },
      ['VM', 'OpaqueRef:vm', 'start', 't'],
    ],
    [
      'VM_IS_TEMPLATE',
      {
        ...all,
        vm: { ...all.vm, blocked_operations: {}, power_state: 'Running' as const, current_operations: {} },
      },
      ['OpaqueRef:vm', 'pause'],
    ],
  ])('%s', (code, s, params) => {
    const refused = vmLifecycle.refusal('pause', s);
    expect([refused?.code, refused?.params]).toEqual([code, params]);
  });
});

describe('beside other operations', () => {
  test.each([
    ['clone', ['copy', 'export'], true],
    ['snapshot', ['checkpoint'], true],
    ['clone', ['start'], false],
    ['hard_shutdown', ['clean_shutdown'], true],
    ['hard_shutdown', ['hard_shutdown'], false],
    ['hard_reboot', ['hard_shutdown'], false],
    ['hard_reboot', ['clean_reboot'], true],
    ['clean_shutdown', ['migrate_send'], true],
    ['start', ['start'], false],
  ] as const)('%s beside %j: %s', (op, current, allowed) =>
    expect(vmLifecycle.isAllowedBeside(op, current)).toBe(allowed),
  );
});

describe('guests', () => {
  const running = { power_state: 'Running' as const, domid: 3 };
  test.each([
    [
      'a guest without drivers cannot be asked',
      'clean_shutdown',
      subject(running, { guest: undefined }),
      'VM_LACKS_FEATURE',
    ],
    [
      'unless it says that it can',
      'clean_shutdown',
      subject(running, {
        guest: { PV_drivers_detected: false, other: { 'feature-shutdown': '1', 'feature-poweroff': '1' } },
      }),
      undefined,
    ],
    [
      'one of both is enough',
      'clean_reboot',
      subject(running, { guest: { PV_drivers_detected: false, other: { 'feature-reboot': '1' } } }),
      undefined,
    ],
    [
      'a guest that has said nothing cannot be moved',
      'pool_migrate',
      subject(running, { guest: undefined }),
      'VM_LACKS_FEATURE',
    ],
    [
      'a paused one is not asked',
      'checkpoint',
      subject({ power_state: 'Paused', domid: 3 }, { guest: undefined }),
      undefined,
    ],
    [
      'a para-virtual guest always can',
      'clean_shutdown',
      subject({ ...running, domain_type: 'pv' }, { guest: undefined }),
      undefined,
    ],
    [
      'a disk that is reset stands against suspend',
      'suspend',
      subject(running, { onBoot: ['reset'] }),
      'VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION',
    ],
    [
      'a PCI device too',
      'suspend',
      subject({ ...running, attached_PCIs: [nullRef()] }),
      'VM_HAS_PCI_ATTACHED',
    ],
    [
      'nested virtualisation makes it immobile',
      'suspend',
      subject(running, { metrics: { nomigrate: false, nested_virt: true } }),
      'VM_IS_IMMOBILE',
    ],
    [
      'so does a start with leave to stay',
      'pool_migrate',
      subject(running, { metrics: { nomigrate: true, nested_virt: false } }),
      'VM_IS_IMMOBILE',
    ],
    [
      'its memory stays as it is',
      'changing_dynamic_range',
      subject(running, { metrics: { nomigrate: false, nested_virt: true } }),
      'VM_IS_USING_NESTED_VIRT',
    ],
    ['a second VTPM is one too many', 'create_vtpm', subject({}, { vtpms: 1 }), 'VTPM_MAX_AMOUNT_REACHED'],
  ] as const)('%s', (_what, op, s, code) => expect(codeOf(op, s)).toBe(code));
});

test('who forces it answers for the guest, except for CPUs', () => {
  const silent = subject(
    { power_state: 'Running', domid: 3 },
    { guest: undefined, metrics: { nomigrate: true, nested_virt: false } },
  );
  expect(vmLifecycle.refusal('pool_migrate', silent, { force: true })).toBeUndefined();
  expect(vmLifecycle.refusal('changing_VCPUs_live', silent, { force: true })?.code).toBe('VM_LACKS_FEATURE');
});

test('errors name operations as xapi does', () => {
  const { exceptions, unknown } = facts.vmOpDisplay;
  const names = { ...exceptions, ...Object.fromEntries(unknown.ops.map((op) => [op, unknown.text])) };
  for (const [op, name] of Object.entries(names))
    expect(
      vmLifecycle.refusal('start', subject({ current_operations: { t: op as vmLifecycle.VmOperation } }))
        ?.params[2],
    ).toBe(name);
  const template = subject({ is_a_template: true, power_state: 'Running' });
  expect(vmLifecycle.refusal('data_source_op', template)?.description).toEqual([
    'VM_IS_TEMPLATE',
    'OpaqueRef:vm',
    'data_sources_op',
  ]);
});

test('what is listed as allowed is not refused', () => {
  const any = fc.record({
    power_state: fc.constantFrom(...states),
    is_a_template: fc.boolean(),
    is_a_snapshot: fc.boolean(),
    is_control_domain: fc.boolean(),
    busy: fc.option(fc.constantFrom(...vmLifecycle.operations), { nil: undefined }),
  });
  fc.assert(
    fc.property(any, ({ busy, ...vm }) => {
      const s = subject({ ...vm, current_operations: busy ? { task: busy } : {} });
      return vmLifecycle.allowedOperations(s).every((op) => vmLifecycle.refusal(op, s) === undefined);
    }),
  );
});
