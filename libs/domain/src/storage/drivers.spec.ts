import { XenError } from '@xenplane/model';
import { driverOf, drivers, fabricUnits, isoFiles, targetsOf, unitsOf, type Config } from '.';

const host = 'host-a';
const locate = (type: string, config: Config, at = host) => driverOf(type)?.locate(config, at);
function complaint(type: string, config: Config): string[] {
  try {
    locate(type, config);
  } catch (error) {
    if (error instanceof XenError) return error.description;
    throw error;
  }
  return [];
}
const [target] = targetsOf('10.0.0.5', 3260);
const iqn = target?.iqn ?? '';
const [unit] = unitsOf(iqn);

describe('what a device configuration lacks', () => {
  test.each<[string, Config, number]>([
    ['ext', {}, 90],
    ['ext', { device: '/dev/nothing' }, 91],
    ['lvm', { device: '/dev/sda' }, 105],
    ['lvm', { device: '' }, 90],
    ['nfs', {}, 102],
    ['nfs', { server: 'a.invalid' }, 140],
    ['nfs', { server: 'filer/export', serverpath: '/vms' }, 140],
    ['nfs', { server: '192.0.2.7', serverpath: '/x' }, 108],
    ['nfs', { server: 'filer' }, 101],
    ['nfs', { server: 'filer', serverpath: 'vms' }, 103],
    ['nfs', { server: 'filer', serverpath: '/export/missing' }, 73],
    ['smb', {}, 102],
    ['smb', { server: 'filer' }, 111],
    ['smb', { server: '\\\\filer\\vms', username: 'me' }, 115],
    ['lvmoiscsi', {}, 95],
    ['lvmoiscsi', { target: '10.0.0.5', port: '70000' }, 142],
    ['lvmoiscsi', { target: '192.0.2.7' }, 141],
    ['lvmoiscsi', { target: '10.0.0.5' }, 96],
    ['lvmoiscsi', { target: '10.0.0.5', targetIQN: 'iqn.other' }, 96],
    ['lvmoiscsi', { target: '10.0.0.5', targetIQN: iqn }, 107],
    ['lvmohba', {}, 107],
    ['lvmohba', { SCSIid: 'other' }, 107],
    ['iso', {}, 220],
    ['iso', { location: 'nowhere' }, 225],
    ['iso', { location: 'filer:/missing' }, 222],
    ['iso', { location: '/missing' }, 226],
    ['udev', {}, 94],
    ['file', {}, 94],
    ['file', { location: 'relative' }, 91],
    ['image', {}, 94],
  ])('%s %j fails with %i', (type, config, number) => {
    const [code, nothing, text] = complaint(type, config);
    expect([code, nothing]).toEqual([`SR_BACKEND_FAILURE_${number}`, '']);
    expect(text).not.toBe('');
  });

  test('a failure lists what could be said instead', () => {
    expect(complaint('nfs', { server: 'filer' })[3]).toContain(
      '<nfs-exports><Export><Target>filer</Target><Path>/export/',
    );
    expect(complaint('lvmoiscsi', { target: '10.0.0.5' })[3]).toContain(`<TargetIQN>${iqn}</TargetIQN>`);
    expect(complaint('lvmoiscsi', { target: '10.0.0.5', targetIQN: iqn })[3]).toContain(
      `<SCSIid>${unit?.scsiId}</SCSIid>`,
    );
    expect(complaint('lvmohba', {})[3]).toMatch(
      /^<\?xml version="1.0" \?><Devlist><BlockDevice><path>[^<]+<\/path><SCSIid>3/,
    );
  });
});

test('a complete configuration leads to the same place from every host exactly when the driver can be shared', () => {
  const complete: Readonly<Record<string, Config>> = {
    ext: { device: '/dev/sdb' },
    lvm: { device: '/dev/sdc,/dev/sdb' },
    nfs: { server: 'filer', serverpath: '/vms' },
    smb: { server: '\\\\filer\\vms', username: 'me', password: 'secret' },
    lvmoiscsi: { target: '10.0.0.5', targetIQN: iqn, SCSIid: unit?.scsiId ?? '' },
    lvmohba: { SCSIid: fabricUnits[0]?.scsiId ?? '' },
    iso: { location: 'filer:/iso' },
    udev: { location: '/dev/xapi/block' },
    file: { location: '/var/disks' },
    dummy: {},
    image: { location: 'http://images' },
  };
  expect(Object.keys(complete).toSorted()).toEqual(drivers.map((d) => d.type).toSorted());
  for (const { type, sharable } of drivers) {
    const config = complete[type] ?? {};
    expect([type, locate(type, config, 'a')?.key === locate(type, config, 'b')?.key]).toEqual([
      type,
      sharable,
    ]);
  }
});

test.each([
  ['nfs', { server: 'filer' }],
  ['lvmoiscsi', { target: '10.0.0.5' }],
  ['lvmoiscsi', { target: '10.0.0.5', targetIQN: iqn }],
  ['lvmohba', {}],
  ['ext', {}],
] as const)('what %s suggests for %j leads further', (type, config) => {
  const suggested = driverOf(type)?.suggest?.(config, host) ?? [];
  expect(suggested.length).toBeGreaterThan(0);
  for (const { configuration, complete, place } of suggested) {
    if (complete) expect(locate(type, configuration)).toEqual(place);
    else expect(driverOf(type)?.suggest?.(configuration, host).length).toBeGreaterThan(0);
  }
});

test('CD images are whole sectors', () => {
  for (const { bytes } of isoFiles) expect(bytes % 2048).toBe(0);
});
