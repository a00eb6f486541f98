/** The text on the screen of a simulated guest from the moment it is started, by the time since. */
export interface GuestFacts {
  readonly name: string;
  /** As its agent says; empty when it has none. */
  readonly system: string;
  readonly kernel: string;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly nics: readonly GuestNic[];
  readonly disks: readonly string[];
  /** True if its agent has reported: then it is up, however short the time. */
  readonly isUp: boolean;
}
export interface GuestNic {
  readonly device: string;
  readonly mac: string;
  readonly address: string;
}

const MiB = 2 ** 20;
const KiB = 1024;

/** The name as a host may be called. */
export const hostName = ({ name }: Pick<GuestFacts, 'name'>): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63) || 'localhost';
export const systemName = ({ system }: GuestFacts): string => system || 'Linux';
export const kernelName = ({ kernel }: GuestFacts): string => kernel || '6.1.0';

/** When the kernel takes over the screen and makes it larger. */
const kernelAt = 1.5;
const largeAt = 2.5;
const upAt = 8;

interface Line {
  readonly at: number;
  readonly text: string;
}

function firmware(facts: GuestFacts): Line[] {
  return [
    { at: 0, text: 'Xenplane virtual firmware 1.0' },
    { at: 0, text: `${facts.vcpus} processor(s), ${Math.round(facts.memoryBytes / MiB)} MiB of memory` },
    ...facts.disks.map((device) => ({ at: 0.3, text: `Found disk ${device}` })),
    { at: 0.8, text: `Booting from ${facts.disks[0] ?? 'the network'} ...` },
    { at: kernelAt, text: '' },
  ];
}

/** Lines of the kernel carry the time. */
function kernel(facts: GuestFacts): Line[] {
  const line = (at: number, text: string): Line => ({
    at: kernelAt + at,
    text: `[${at.toFixed(6).padStart(12)}] ${text}`,
  });
  return [
    line(0, `Linux version ${kernelName(facts)}`),
    line(0.01, 'Hypervisor detected: Xen'),
    line(0.04, `Memory: ${Math.round(facts.memoryBytes / KiB)}K available`),
    line(0.2, `smp: Brought up 1 node, ${facts.vcpus} CPU(s)`),
    line(0.6, 'xen:balloon: Initialising balloon driver'),
    line(largeAt - kernelAt, 'fb0: frame buffer device, 100x37 characters'),
    ...facts.disks.map((device, i) => line(1.2 + i / 100, `blkfront: ${device}: flush diskcache: enabled`)),
    ...facts.nics.map(({ device, mac }, i) =>
      line(1.5 + i / 100, `xen_netfront: eth${device}: address ${mac}`),
    ),
    line(2.1, 'EXT4-fs (xvda1): mounted filesystem'),
  ];
}

function services(facts: GuestFacts): Line[] {
  const started = [
    'Load kernel modules',
    'Remount root filesystem',
    'Create volatile files',
    'Network',
    'Time synchronisation',
    'Xen guest agent',
    'OpenSSH server',
  ];
  const from = 4,
    step = (upAt - from) / started.length;
  return [
    ...started.map((what, i) => ({ at: from + i * step, text: `[  OK  ] Started ${what}.` })),
    ...facts.nics
      .filter((n) => n.address !== '')
      .map(({ device, address }) => ({ at: upAt - 0.1, text: `         eth${device}: ${address}` })),
  ];
}

const linesOf = (facts: GuestFacts): Line[] =>
  [...firmware(facts), ...kernel(facts), ...services(facts)].sort((a, b) => a.at - b.at);

/** All that has been written so far, and whether the boot is over. A longer time only ever adds. */
export function bootText(
  facts: GuestFacts,
  seconds: number,
): { readonly text: string; readonly done: boolean } {
  const done = facts.isUp || seconds >= upAt;
  const lines = linesOf(facts).filter((line) => done || line.at <= seconds);
  return { text: lines.map((l) => `${l.text}\n`).join(''), done };
}
export const hasLargeScreen = (facts: GuestFacts, seconds: number): boolean =>
  facts.isUp || seconds >= largeAt;
