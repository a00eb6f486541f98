import { asRef, type XenError } from '@xenplane/model';
import {
  hostLifecycle,
  poolLifecycle,
  srLifecycle,
  vbdLifecycle,
  vdiLifecycle,
  vifLifecycle,
} from '@xenplane/domain';

const vm = {
  power_state: 'Running' as const,
  current_operations: {},
  domain_type: 'hvm' as const,
  HVM_boot_policy: 'BIOS order',
  is_control_domain: false,
  domid: 3,
};
const guest = {
  PV_drivers_detected: true,
  can_use_hotplug_vbd: 'yes' as const,
  can_use_hotplug_vif: 'yes' as const,
};
const said = (refused: XenError | undefined): readonly string[] | undefined => refused?.description;

describe('VBD', () => {
  type S = vbdLifecycle.VbdSubject;
  const vdi = { managed: true, current_operations: {}, sharable: false, read_only: false };
  const subject = (vbd: Partial<S['vbd']> = {}, rest: Partial<S> = {}): S => ({
    ref: 'vbd',
    vm,
    guest,
    vdi,
    others: [],
    vbd: {
      VM: asRef('vm'),
      VDI: asRef('vdi'),
      current_operations: {},
      unpluggable: true,
      type: 'Disk',
      empty: false,
      currently_attached: false,
      mode: 'RW',
      ...vbd,
    },
    ...rest,
  });
  const cd = { type: 'CD' as const, mode: 'RO' as const };
  test.each<[string, vbdLifecycle.VbdOperation, S, readonly string[] | undefined]>([
    [
      'an operation that is under way',
      'plug',
      subject({ current_operations: { t: 'unplug' } }),
      ['OTHER_OPERATION_IN_PROGRESS', 'VBD', 'vbd', 'unplug', 't'],
    ],
    [
      'what cannot be unplugged',
      'unplug',
      subject({ unpluggable: false, currently_attached: true }),
      ['VBD_NOT_UNPLUGGABLE', 'vbd'],
    ],
    ['a disk is not inserted', 'insert', subject(), ['VBD_NOT_REMOVABLE_MEDIA', 'vbd']],
    [
      'an empty drive has nothing to eject',
      'eject',
      subject({ ...cd, empty: true }),
      ['VBD_IS_EMPTY', 'vbd'],
    ],
    ['a full drive takes nothing more', 'insert', subject({ ...cd }), ['VBD_NOT_EMPTY', 'vbd']],
    ['attached twice', 'plug', subject({ currently_attached: true }), ['DEVICE_ALREADY_ATTACHED', 'vbd']],
    ['detached twice', 'unplug', subject(), ['DEVICE_ALREADY_DETACHED', 'vbd']],
    [
      'a VM that is down',
      'plug',
      subject({}, { vm: { ...vm, power_state: 'Halted' } }),
      ['VM_BAD_POWER_STATE', 'vm', 'running', 'halted'],
    ],
    ['a guest without drivers', 'plug', subject({}, { guest: undefined }), ['VM_MISSING_PV_DRIVERS', 'vm']],
    [
      'a CD of a suspended VM',
      'eject',
      subject({ ...cd }, { vm: { ...vm, power_state: 'Suspended' } }),
      ['VM_BAD_POWER_STATE', 'vm', 'halted, running', 'suspended'],
    ],
    [
      'a disk that another VM writes',
      'plug',
      subject({}, { others: [{ mode: 'RW' }] }),
      ['VDI_IN_USE', 'vdi'],
    ],
    [
      'writing where another VM reads',
      'plug',
      subject({}, { others: [{ mode: 'RO' }] }),
      ['VDI_IN_USE', 'vdi'],
    ],
    [
      'writing to a disk that is copied',
      'plug',
      subject({}, { vdi: { ...vdi, current_operations: { t: 'copy' } } }),
      ['VDI_IN_USE', 'vdi'],
    ],
    [
      'reading where another VM reads',
      'plug',
      subject({ mode: 'RO' }, { others: [{ mode: 'RO' }] }),
      undefined,
    ],
    [
      'writing a disk that is read-only',
      'plug',
      subject({}, { vdi: { ...vdi, read_only: true } }),
      ['VDI_READONLY', 'vdi'],
    ],
    [
      'a disk that is being destroyed',
      'plug',
      subject({}, { vdi: { ...vdi, current_operations: { t: 'destroy' } } }),
      ['OTHER_OPERATION_IN_PROGRESS', 'VDI', 'vdi', 'destroy', 't'],
    ],
    ['nothing in the way', 'plug', subject(), undefined],
  ])('%s', (_what, op, s, expected) => expect(said(vbdLifecycle.refusal(op, s))).toEqual(expected));
  test('the list of allowed operations does not look at other VMs', () =>
    expect(vbdLifecycle.allowedOperations(subject({}, { others: [{ mode: 'RW' }] }))).toContain('plug'));
});

describe('VIF', () => {
  type S = vifLifecycle.VifSubject;
  const subject = (vif: Partial<S['vif']> = {}, rest: Partial<S> = {}): S => ({
    ref: 'vif',
    vm,
    guest,
    vif: { VM: asRef('vm'), current_operations: {}, currently_attached: false, ...vif },
    ...rest,
  });
  test.each<[string, vifLifecycle.VifOperation, S, readonly string[] | undefined]>([
    [
      'operations that are under way',
      'plug',
      subject({ current_operations: { t: 'plug', u: 'unplug' } }),
      ['OTHER_OPERATION_IN_PROGRESS', 'VIF', 'vif', '{plug; unplug}', '{t; u}'],
    ],
    ['attached twice', 'plug', subject({ currently_attached: true }), ['DEVICE_ALREADY_ATTACHED', 'vif']],
    [
      'a VM that is down',
      'unplug',
      subject({}, { vm: { ...vm, power_state: 'Halted' } }),
      ['VM_BAD_POWER_STATE', 'vm', 'running', 'halted'],
    ],
    [
      'Dom0',
      'plug',
      subject({}, { vm: { ...vm, is_control_domain: true, domid: 0 } }),
      ['OPERATION_NOT_ALLOWED', 'VIF plug is not allowed on dom0'],
    ],
    ['a guest without drivers', 'plug', subject({}, { guest: undefined }), ['VM_MISSING_PV_DRIVERS', 'vm']],
    ['nothing in the way', 'plug', subject(), undefined],
  ])('%s', (_what, op, s, expected) => expect(said(vifLifecycle.refusal(op, s))).toEqual(expected));
});

describe('VDI', () => {
  type S = vdiLifecycle.VdiSubject;
  const all = new Set([
    'VDI_SNAPSHOT',
    'VDI_CLONE',
    'VDI_DELETE',
    'VDI_RESIZE',
    'VDI_RESIZE_ONLINE',
    'VDI_UPDATE',
    'VDI_CONFIG_CBT',
    'VDI_RESET_ON_BOOT',
    'VDI_MIRROR',
  ]);
  const subject = (vdi: Partial<S['vdi']> = {}, rest: Partial<S> = {}): S => ({
    ref: 'vdi',
    sr: { type: 'nfs', is_tools_sr: false },
    features: all,
    plugged: true,
    haEnabled: false,
    vbds: [],
    vdi: {
      SR: asRef('sr'),
      current_operations: {},
      sharable: false,
      on_boot: 'persist',
      type: 'user',
      is_a_snapshot: false,
      cbt_enabled: false,
      ...vdi,
    },
    ...rest,
  });
  const attached = [{ currently_attached: true, mode: 'RW' as const, current_operations: {} }];
  test.each<[string, vdiLifecycle.VdiOperation, S, readonly string[] | undefined]>([
    [
      'an operation that is under way',
      'clone',
      subject({ current_operations: { t: 'resize' } }),
      ['OTHER_OPERATION_IN_PROGRESS', 'VDI', 'vdi', 'resize', 't'],
    ],
    ['beside a copy', 'clone', subject({ current_operations: { t: 'copy' } }), undefined],
    [
      'of what is copied',
      'destroy',
      subject({ current_operations: { t: 'copy' } }),
      ['OTHER_OPERATION_IN_PROGRESS', 'VDI', 'vdi', 'copy', 't'],
    ],
    [
      'a disk in use is not destroyed',
      'destroy',
      subject({}, { vbds: attached }),
      ['VDI_IN_USE', 'vdi', 'destroy'],
    ],
    ['a disk in use is cloned', 'clone', subject({}, { vbds: attached }), undefined],
    [
      'a storage that cannot',
      'snapshot',
      subject({}, { features: new Set() }),
      ['SR_OPERATION_NOT_SUPPORTED', 'sr'],
    ],
    ['a storage that is not plugged', 'resize', subject({}, { plugged: false }), ['SR_HAS_NO_PBDS', 'sr']],
    ['a shared disk has no snapshots', 'snapshot', subject({ sharable: true }), ['VDI_IS_SHARABLE', 'vdi']],
    [
      'nor one that is reset at boot',
      'snapshot',
      subject({ on_boot: 'reset' }),
      ['VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION'],
    ],
    [
      'a physical device',
      'destroy',
      subject({}, { sr: { type: 'udev', is_tools_sr: false } }),
      ['VDI_IS_A_PHYSICAL_DEVICE', 'vdi'],
    ],
    [
      'data of what is no snapshot',
      'data_destroy',
      subject({ cbt_enabled: true }),
      ['OPERATION_NOT_ALLOWED', 'VDI is not a snapshot'],
    ],
    ['a tracked disk does not move', 'mirror', subject({ cbt_enabled: true }), ['VDI_CBT_ENABLED', 'vdi']],
    ['a disk in use moves', 'mirror', subject({}, { vbds: attached }), undefined],
    [
      'a disk that is reset at boot does not',
      'mirror',
      subject({ on_boot: 'reset' }),
      ['VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION'],
    ],
    [
      'tracking of a snapshot',
      'enable_cbt',
      subject({ is_a_snapshot: true }),
      ['OPERATION_NOT_ALLOWED', 'VDI is a snapshot'],
    ],
    [
      'tracking of memory',
      'enable_cbt',
      subject({ type: 'suspend' }),
      ['VDI_INCOMPATIBLE_TYPE', 'vdi', 'Suspend'],
    ],
    [
      'a snapshot without contents',
      'revert_to',
      subject({ type: 'cbt_metadata', is_a_snapshot: true }),
      ['VDI_INCOMPATIBLE_TYPE', 'vdi', 'CBT metadata'],
    ],
    ['on_boot of a tracked disk', 'set_on_boot', subject({ cbt_enabled: true }), ['VDI_CBT_ENABLED', 'vdi']],
  ])('%s', (_what, op, s, expected) => expect(said(vdiLifecycle.refusal(op, s))).toEqual(expected));
});

describe('SR, host, pool', () => {
  const sr = (rest: Partial<srLifecycle.SrSubject> = {}): srLifecycle.SrSubject => ({
    ref: 'sr',
    sr: { current_operations: {}, is_tools_sr: false },
    features: new Set(['VDI_CREATE']),
    pbds: [{ currently_attached: false }],
    hasDisks: false,
    ...rest,
  });
  test.each<[srLifecycle.SrOperation, srLifecycle.SrSubject, readonly string[] | undefined]>([
    ['destroy', sr({ pbds: [{ currently_attached: true }] }), ['SR_HAS_PBD', 'sr']],
    ['destroy', sr({ pbds: [] }), ['SR_HAS_NO_PBDS', 'sr']],
    ['destroy', sr({ hasDisks: true }), ['SR_NOT_EMPTY']],
    [
      'vdi_create',
      sr({ sr: { current_operations: {}, is_tools_sr: true } }),
      ['SR_OPERATION_NOT_SUPPORTED', 'sr'],
    ],
    ['plug', sr({ sr: { current_operations: { t: 'plug' }, is_tools_sr: false } }), undefined],
    [
      'scan',
      sr({ sr: { current_operations: { t: 'plug' }, is_tools_sr: false } }),
      ['OTHER_OPERATION_IN_PROGRESS', 'SR', 'sr', 'plug', 't'],
    ],
  ])('SR %s', (op, s, expected) => expect(said(srLifecycle.refusal(op, s))).toEqual(expected));

  const host = (
    more: Partial<hostLifecycle.HostSubject['host']> = {},
    live = true,
  ): hostLifecycle.HostSubject => ({
    ref: 'host',
    host: { current_operations: {}, enabled: false, power_on_mode: '', ...more },
    live,
  });
  test.each<[hostLifecycle.HostOperation, hostLifecycle.HostSubject, readonly string[] | undefined]>([
    ['reboot', host({ enabled: true }), ['HOST_NOT_DISABLED']],
    ['reboot', host(), undefined],
    [
      'evacuate',
      host({ current_operations: { t: 'vm_migrate' } }),
      ['OTHER_OPERATION_IN_PROGRESS', 'host', 'host', 'VM.migrate', 't'],
    ],
    ['power_on', host(), ['HOST_IS_LIVE', 'host']],
    ['power_on', host({}, false), ['HOST_POWER_ON_MODE_DISABLED']],
  ])('host %s', (op, s, expected) => expect(said(hostLifecycle.refusal(op, s))).toEqual(expected));

  test.each<
    [
      poolLifecycle.PoolOperation,
      Record<string, 'ha_enable' | 'eject'>,
      boolean,
      readonly string[] | undefined,
    ]
  >([
    ['ha_enable', {}, true, ['HA_IS_ENABLED']],
    ['ha_disable', {}, false, ['HA_NOT_ENABLED']],
    ['designate_new_master', { t: 'ha_enable' }, false, ['HA_ENABLE_IN_PROGRESS']],
    ['ha_enable', { t: 'eject' }, false, ['OTHER_OPERATION_IN_PROGRESS', 'pool', 'pool', 'eject', 't']],
    ['ha_enable', {}, false, undefined],
  ])('pool %s beside %j, HA %s', (op, current_operations, ha_enabled, expected) =>
    expect(
      said(poolLifecycle.refusal(op, { ref: 'pool', pool: { current_operations, ha_enabled }, clusters: 0 })),
    ).toEqual(expected),
  );
});
