/** The storage that every pool begins with, and its drivers. */
import { storage } from '@xenplane/domain';
import type { Ref, StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { keepMedia } from '../storage/drivers';
import { recordWith } from '../core/records';
import { addIsoFiles } from '../storage/sr-scan';
import { refOf, seededUuid } from '../core/seeded';

const TiB = 2 ** 40;

export async function addDrivers(tx: Tx, seed: number): Promise<void> {
  for (const { type, label, description, features, configuration, formats } of storage.drivers) {
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
        features: Object.fromEntries(features.map((f) => [f, storage.featureVersion(f)])),
        driver_filename: `/opt/xensource/sm/${type.toUpperCase().replace('LVMO', 'LVMo')}SR`,
        required_cluster_stack: [],
        supported_image_formats: [...formats],
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
  /** Where it is, as its driver names it. */
  readonly place: string;
  readonly otherConfig?: Record<string, string>;
  /** It holds the guest tools. */
  readonly tools?: true;
}

export async function addSrs(tx: Tx, srs: readonly NewSr[]): Promise<void> {
  await tx.insertAll(
    'SR',
    srs.map((sr) => ({
      ref: refOf('SR', sr.uuid),
      ...recordWith('SR', {
        uuid: sr.uuid,
        name_label: sr.label,
        name_description: sr.description,
        type: sr.type,
        content_type: sr.content,
        shared: sr.shared,
        physical_size: sr.bytes,
        other_config: sr.otherConfig ?? {},
        sm_config: {},
        is_tools_sr: sr.tools === true,
      }),
    })),
  );
  await keepMedia(tx, srs);
}
async function addSr(tx: Tx, sr: NewSr): Promise<Ref<'SR'>> {
  await addSrs(tx, [sr]);
  return refOf('SR', sr.uuid);
}

/** A repository that all hosts reach, at the place to which its device configuration leads. */
const addShared = (tx: Tx, sr: Omit<NewSr, 'place' | 'shared'>, imagesUrl: string): Promise<Ref<'SR'>> =>
  addSr(tx, {
    ...sr,
    shared: true,
    place: storage.driverOf(sr.type)?.locate(deviceConfig(sr, imagesUrl), '').key ?? '',
  });

export async function addSharedStorage(
  tx: Tx,
  seed: number,
  imagesUrl: string,
): Promise<{ shared: Ref<'SR'>; image: Ref<'SR'> }> {
  const shared = await addShared(
    tx,
    {
      uuid: seededUuid(seed, 'sr', 'shared'),
      label: 'Shared storage',
      description: 'NFS storage that every host reaches',
      type: 'nfs',
      content: 'user',
      bytes: 64 * TiB,
      otherConfig: { 'auto-scan': 'false' },
    },
    imagesUrl,
  );
  const iso = await addShared(
    tx,
    {
      uuid: seededUuid(seed, 'sr', 'iso'),
      label: 'ISO library',
      description: 'CD images for every host',
      type: 'iso',
      content: 'iso',
      bytes: TiB,
    },
    imagesUrl,
  );
  const image = await addShared(
    tx,
    {
      uuid: seededUuid(seed, 'sr', 'image'),
      label: 'Template images',
      description: `Images of ${imagesUrl}`,
      type: 'image',
      content: 'user',
      bytes: 16 * TiB,
    },
    imagesUrl,
  );
  const tools = await addSr(tx, {
    uuid: seededUuid(seed, 'sr', 'tools'),
    label: 'Guest tools',
    description: 'Programs for guests, as a CD',
    type: 'iso',
    content: 'iso',
    shared: true,
    bytes: storage.toolsIso.bytes,
    place: '',
    otherConfig: { xenserver_tools_sr: 'true' },
    tools: true,
  });
  await addIsoFiles(tx, iso);
  await addIsoFiles(tx, tools);
  return { shared, image };
}

/** How a shared SR is reached from a host. */
export function deviceConfig(
  sr: Pick<StoredRecord<'SR'>, 'type' | 'uuid'> & { readonly is_tools_sr?: boolean },
  imagesUrl: string,
): Record<string, string> {
  switch (sr.type) {
    case 'nfs':
      return { server: 'storage.xenplane.internal', serverpath: `/export/${sr.uuid}` };
    case 'iso':
      return sr.is_tools_sr
        ? { location: storage.toolsFolder, legacy_mode: 'true' }
        : { location: 'storage.xenplane.internal:/export/iso' };
    case 'image':
      return { location: imagesUrl };
    default:
      return { device: storage.localPartition };
  }
}
