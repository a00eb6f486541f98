/** The storage that every pool begins with, and what its drivers can do. */
import type { Tx } from '@xenplane/store';
import type { Ref, StoredRecord } from '@xenplane/model';
import { refOf, seededUuid } from './seeded';
import { recordWith } from '../records';

const TiB = 2 ** 40;
const vdiFeatures = [
  'VDI_CREATE',
  'VDI_DELETE',
  'VDI_ATTACH',
  'VDI_DETACH',
  'VDI_ACTIVATE',
  'VDI_DEACTIVATE',
  'VDI_CLONE',
  'VDI_SNAPSHOT',
  'VDI_RESIZE',
  'VDI_RESIZE_ONLINE',
  'VDI_UPDATE',
  'VDI_MIRROR',
  'VDI_CONFIG_CBT',
  'VDI_RESET_ON_BOOT',
  'VDI_GENERATE_CONFIG',
  'SR_UPDATE',
  'SR_PROBE',
];

interface Driver {
  readonly type: string;
  readonly label: string;
  readonly description: string;
  readonly features: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
}
export const drivers: readonly Driver[] = [
  {
    type: 'ext',
    label: 'Local ext4 storage',
    description: 'Disks as files on an ext4 volume of the host',
    features: vdiFeatures,
    configuration: { device: 'block device or list of them' },
  },
  {
    type: 'nfs',
    label: 'NFS storage',
    description: 'Disks as files on an NFS export that all hosts mount',
    features: vdiFeatures,
    configuration: { server: 'address of the server', serverpath: 'path of the export' },
  },
  {
    type: 'iso',
    label: 'ISO library',
    description: 'CD images',
    features: ['VDI_ATTACH', 'VDI_DETACH', 'SR_UPDATE'],
    configuration: { location: 'where the images are' },
  },
  {
    type: 'image',
    label: 'Template images',
    description: 'Images that each node fetches by digest and copies for every run of a VM',
    features: ['VDI_CREATE', 'VDI_DELETE', 'VDI_ATTACH', 'VDI_DETACH', 'VDI_CLONE', 'VDI_RESET_ON_BOOT', 'SR_UPDATE'],
    configuration: { location: 'URL of the image server' },
  },
];

export const driverOf = (type: string): Driver | undefined => drivers.find((d) => d.type === type);

export async function addDrivers(tx: Tx, seed: number): Promise<void> {
  for (const { type, label, description, features, configuration } of drivers) {
    const uuid = seededUuid(seed, 'sm', type);
    await tx.insert(
      'SM',
      refOf('SM', uuid),
      recordWith('SM', {
        uuid,
        name_label: label,
        name_description: description,
        type,
        vendor: 'Xenplane',
        copyright: 'Apache-2.0',
        version: '1.0',
        required_api_version: '1.0',
        configuration: { ...configuration },
        capabilities: [...features],
        features: Object.fromEntries(features.map((f) => [f, 1])),
        driver_filename: `/opt/xensource/sm/${type.toUpperCase()}SR`,
        supported_image_formats: ['raw', 'qcow2'],
      }),
    );
  }
}

interface NewSr {
  readonly uuid: string;
  readonly label: string;
  readonly description: string;
  readonly type: string;
  readonly content: string;
  readonly shared: boolean;
  readonly bytes: number;
  readonly otherConfig?: Record<string, string>;
}

export async function addSr(tx: Tx, sr: NewSr): Promise<Ref<'SR'>> {
  const ref = refOf('SR', sr.uuid);
  await tx.insert(
    'SR',
    ref,
    recordWith('SR', {
      uuid: sr.uuid,
      name_label: sr.label,
      name_description: sr.description,
      type: sr.type,
      content_type: sr.content,
      shared: sr.shared,
      physical_size: sr.bytes,
      other_config: sr.otherConfig ?? {},
      sm_config: {},
    }),
  );
  return ref;
}

export async function addSharedStorage(tx: Tx, seed: number, imagesUrl: string): Promise<{ shared: Ref<'SR'>; image: Ref<'SR'> }> {
  const shared = await addSr(tx, {
    uuid: seededUuid(seed, 'sr', 'shared'),
    label: 'Shared storage',
    description: 'NFS storage that every host reaches',
    type: 'nfs',
    content: 'user',
    shared: true,
    bytes: 64 * TiB,
    otherConfig: { 'auto-scan': 'false' },
  });
  await addSr(tx, {
    uuid: seededUuid(seed, 'sr', 'iso'),
    label: 'ISO library',
    description: 'CD images for every host',
    type: 'iso',
    content: 'iso',
    shared: true,
    bytes: TiB,
  });
  const image = await addSr(tx, {
    uuid: seededUuid(seed, 'sr', 'image'),
    label: 'Template images',
    description: `Images of ${imagesUrl}`,
    type: 'image',
    content: 'user',
    shared: true,
    bytes: 16 * TiB,
  });
  return { shared, image };
}

/** How a shared SR is reached from a host. */
export function deviceConfig(sr: Pick<StoredRecord<'SR'>, 'type' | 'uuid'>, imagesUrl: string): Record<string, string> {
  switch (sr.type) {
    case 'nfs':
      return { server: 'storage.xenplane.internal', serverpath: `/export/${sr.uuid}` };
    case 'iso':
      return { location: `storage.xenplane.internal:/export/iso` };
    case 'image':
      return { location: imagesUrl };
    default:
      return { device: '/dev/disk/by-id/local-storage-part3' };
  }
}
