/** The self-description of guests once they are up. */
import type { DomainSpec, GuestMetrics } from '../protocol';

interface System {
  readonly distro: string;
  readonly name: string;
  readonly major: string;
  readonly minor: string;
  readonly uname: string;
  readonly drivers: boolean;
  /** The features of its agent besides those that all have. */
  readonly offers?: readonly string[];
}
const linux = { distro: 'linux', name: 'Linux', major: '6', minor: '1', uname: '6.1.0', drivers: true };
const systems: Readonly<Record<string, System>> = {
  'debian-12': {
    distro: 'debian',
    name: 'Debian GNU/Linux 12 (bookworm)',
    major: '12',
    minor: '7',
    uname: '6.1.0-25-amd64',
    drivers: true,
  },
  'rocky-9': {
    distro: 'rocky',
    name: 'Rocky Linux 9.4 (Blue Onyx)',
    major: '9',
    minor: '4',
    uname: '5.14.0-427.el9.x86_64',
    drivers: true,
  },
  'ubuntu-24.04': {
    distro: 'ubuntu',
    name: 'Ubuntu 24.04 LTS',
    major: '24',
    minor: '04',
    uname: '6.8.0-41-generic',
    drivers: true,
  },
  // As it was called in earlier versions.
  'ubuntu-2404': {
    distro: 'ubuntu',
    name: 'Ubuntu 24.04 LTS',
    major: '24',
    minor: '04',
    uname: '6.8.0-41-generic',
    drivers: true,
  },
  'windows-server-2025': {
    distro: 'windows',
    name: 'Microsoft Windows Server 2025 Standard',
    major: '10',
    minor: '0',
    uname: '',
    drivers: true,
    offers: ['feature-static-ip-setting'],
  },
  linux,
};
const features = [
  'feature-suspend',
  'feature-shutdown',
  'feature-poweroff',
  'feature-reboot',
  'feature-vcpu-hotplug',
  'feature-balloon',
];
const unknown: System = { distro: '', name: '', major: '', minor: '', uname: '', drivers: false };

/** Families of systems: what one calls itself, before its version. */
const families: Readonly<Record<string, readonly [distro: string, name: string]>> = {
  alma: ['almalinux', 'AlmaLinux'],
  centos: ['centos', 'CentOS Linux'],
  coreos: ['coreos', 'CoreOS'],
  debian: ['debian', 'Debian GNU/Linux'],
  generic: ['linux', 'Linux'],
  gooroom: ['gooroom', 'Gooroom'],
  kylin: ['neokylin', 'NeoKylin Linux Server'],
  oel: ['ol', 'Oracle Linux Server'],
  rhel: ['rhel', 'Red Hat Enterprise Linux'],
  rocky: ['rocky', 'Rocky Linux'],
  sl: ['scientific', 'Scientific Linux'],
  sle: ['sles', 'SUSE Linux Enterprise'],
  sles: ['sles', 'SUSE Linux Enterprise Server'],
  ubuntu: ['ubuntu', 'Ubuntu'],
};
/** From a label as `rhel-9`, `ubuntu-22.04` or `windows-server-2019-64bit`. */
function ofFamily(guestOs: string): System | undefined {
  const windows = /^windows-(server-)?(\d+)/.exec(guestOs);
  if (windows) {
    const name = `Microsoft Windows ${windows[1] === undefined ? '' : 'Server '}${windows[2]}`;
    return {
      distro: 'windows',
      name,
      major: '10',
      minor: '0',
      uname: '',
      drivers: true,
      offers: ['feature-static-ip-setting'],
    };
  }
  const [, family = '', major = '', minor = '0'] =
    /^([a-z]+)(?:-[a-z]+)*(?:-(\d+)(?:[.-](?:sp)?(\d+))?)?/.exec(guestOs) ?? [];
  const found = Object.hasOwn(families, family) ? families[family] : undefined;
  return (
    found && { distro: found[0], name: `${found[1]} ${major}`.trim(), major, minor, uname: '', drivers: true }
  );
}
export const systemOf = (guestOs: string): System => systems[guestOs] ?? ofFamily(guestOs) ?? unknown;

/** True if the guest hears when it is asked to shut down. */
export const hears = (spec: DomainSpec): boolean => spec.mode !== 'hvm' || systemOf(spec.guestOs).drivers;

/** An address of the private range that follows from the card's. */
export const addressOf = (mac: string): string => {
  const [, , , a = '0', b = '0', c = '0'] = mac.split(':');
  return `10.${parseInt(a, 16)}.${parseInt(b, 16)}.${Math.max(1, parseInt(c, 16))}`;
};

export function guestMetrics(spec: DomainSpec): GuestMetrics | undefined {
  const system = systemOf(spec.guestOs);
  if (!system.drivers) return undefined;
  const networks = Object.fromEntries(
    spec.nics.flatMap(({ device, mac, addresses = [] }) => {
      const fixed = addresses.map((address) => address.split('/')[0] ?? '');
      const ip = fixed.find((address) => !address.includes(':')) ?? addressOf(mac),
        [, , , a = '0', b = '0', c = '0'] = mac.split(':');
      return [
        [`${device}/ip`, ip],
        [`${device}/ipv4/0`, ip],
        [`${device}/ipv6/0`, fixed.find((address) => address.includes(':')) ?? `fe80::${a}${b}:${c}`],
      ];
    }),
  );
  const on = Object.fromEntries([...features, ...(system.offers ?? [])].map((f) => [f, '1']));
  return {
    osVersion: {
      name: system.name,
      distro: system.distro,
      major: system.major,
      minor: system.minor,
      ...(system.uname === '' ? {} : { uname: system.uname }),
    },
    pvDriversVersion: { major: '8', minor: '3', micro: '0', build: '1' },
    networks,
    other: { ...on, 'platform-feature-multiprocessor-suspend': '1' },
  };
}
