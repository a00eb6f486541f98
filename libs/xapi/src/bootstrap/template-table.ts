/** The templates of a real pool: names, sizes and families as XenServer 8 and XCP-ng 8.3 ship them. */

/** Settings that guests of a kind have in common: firmware, boot order, platform, what clients may offer. */
export type Family = 'linux-bios' | 'linux-uefi' | 'windows-uefi' | 'media';

export interface Template {
  readonly label: string;
  /** The name by which clients know the guest. */
  readonly reference: string;
  readonly family: Family;
  /** The least that the guest takes; a new VM has twice that. */
  readonly memoryGiB: number;
  /** Of its system disk; without one there is none. */
  readonly diskGiB?: number;
  readonly vcpus?: number;
  readonly platform?: Readonly<Record<string, string>>;
  readonly otherConfig?: Readonly<Record<string, string>>;
  readonly supportsBios?: boolean;
  readonly sriov?: true;
}

const bios = (label: string, reference: string, memoryGiB: number, diskGiB = 10): Template => ({
  label,
  reference,
  family: 'linux-bios',
  memoryGiB,
  diskGiB,
});
const uefi = (label: string, reference: string, memoryGiB: number, diskGiB = 10): Template => ({
  label,
  reference,
  family: 'linux-uefi',
  memoryGiB,
  diskGiB,
});
const windows = (
  label: string,
  reference: string,
  memoryGiB: number,
  diskGiB: number,
  more: Partial<Template> = {},
): Template => ({
  ...{ label, reference, family: 'windows-uefi', memoryGiB, diskGiB, ...more },
});
const tablet = { acpi_laptop_slate: '1' };
const sle = { 'install-arch': 'x86_64' };

export const templates: readonly Template[] = [
  uefi('AlmaLinux 8', 'alma-8', 2),
  uefi('AlmaLinux 9', 'alma-9', 2),
  uefi('AlmaLinux 10', 'alma-10', 2),
  bios('CentOS 7', 'centos-7', 2),
  bios('CentOS Stream 8', 'centos-stream-8', 2, 15),
  bios('CentOS Stream 9', 'centos-9', 2),
  uefi('CentOS Stream 10', 'centos-10', 2),
  bios('CoreOS', 'coreos', 2, 8),
  bios('Debian Buster 10', 'debian-10', 0.5),
  bios('Debian Bullseye 11', 'debian-11', 0.5),
  uefi('Debian Bookworm 12', 'debian-12', 1),
  uefi('Debian Trixie 13', 'debian-13', 1),
  uefi('Generic Linux UEFI', 'generic-linux-uefi', 1),
  bios('Gooroom Platform 2.0', 'gooroom-2', 1),
  bios('NeoKylin Linux Server 7', 'kylin-server-7', 2),
  bios('Oracle Linux 7', 'oel-7', 2),
  { ...uefi('Oracle Linux 8', 'oel-8', 2), vcpus: 2 },
  bios('Oracle Linux 9', 'oel-9', 2, 15),
  uefi('Oracle Linux 10', 'oel-10', 2, 15),
  bios('Red Hat Enterprise Linux 7', 'rhel-7', 2),
  uefi('Red Hat Enterprise Linux 8', 'rhel-8', 2),
  uefi('Red Hat Enterprise Linux 9', 'rhel-9', 2),
  uefi('Red Hat Enterprise Linux 10', 'rhel-10', 2),
  uefi('Rocky Linux 8', 'rocky-8', 2),
  uefi('Rocky Linux 9', 'rocky-9', 2, 15),
  uefi('Rocky Linux 10', 'rocky-10', 2, 15),
  bios('Scientific Linux 7', 'sl-7', 2),
  { ...bios('SUSE Linux Enterprise Server 12 SP5 (64-bit)', 'sles-12-sp5-64bit', 1, 8), otherConfig: sle },
  { ...uefi('SUSE Linux Enterprise 15 (64-bit)', 'sle-15-64bit', 1, 8), otherConfig: sle },
  bios('Ubuntu Bionic Beaver 18.04', 'ubuntu-18.04', 0.5),
  uefi('Ubuntu Focal Fossa 20.04', 'ubuntu-20.04', 0.5),
  uefi('Ubuntu Jammy Jellyfish 22.04', 'ubuntu-22.04', 1),
  uefi('Ubuntu Noble Numbat 24.04', 'ubuntu-24.04', 1),
  windows('Windows 10 (64-bit)', 'windows-10-64bit', 2, 32, { platform: tablet }),
  windows('Windows 11', 'windows-11', 4, 64, { platform: { ...tablet, vtpm: 'true' }, supportsBios: false }),
  windows('Windows Server 2016 (64-bit)', 'windows-server-2016-64bit', 1, 32, { sriov: true }),
  windows('Windows Server 2019 (64-bit)', 'windows-server-2019-64bit', 1, 32, { sriov: true }),
  windows('Windows Server 2022 (64-bit)', 'windows-server-2022-64bit', 1, 32, { sriov: true }),
  windows('Windows Server 2025', 'windows-server-2025', 2, 64, { sriov: true, supportsBios: false }),
  { label: 'Other install media', reference: 'other-install-media', family: 'media', memoryGiB: 0.125 },
];
