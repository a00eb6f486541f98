/** Template images: bytes go to the image server, which names them by digest; a disk and a template with that digest come here. */
import { nullRef, XenError, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { refOf, seededMac, seededUuid } from '../core/seeded';
import { templateRecord } from '../bootstrap/templates';
import { takeSpace } from '../storage/vdi-clone';
import type { Plane } from '../core/context';
import { withoutRetry } from '../core/image-server';
import { newLayer } from '../tables/layers/layers';
import { recordWith } from '../core/records';
import { imageKeys } from '../runs/domain-spec';
import { insertImage } from '../tables/images';

/** The image server's answer about an image that it has stored. */
export interface StoredImage {
  readonly sha256: string;
  readonly format: 'raw' | 'qcow2';
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number;
}

/** Streams bytes to the image server; nothing is kept there unless all of them arrive. */
export async function storeImage(
  plane: Plane,
  body: ReadableStream<Uint8Array> | Uint8Array,
  name: string,
): Promise<StoredImage> {
  const { imagesUrl, imagesSecret } = plane.settings;
  if (!imagesSecret) throw new XenError('INTERNAL_ERROR', 'This API has no right to store images');
  const response = await withoutRetry(() =>
    fetch(`${imagesUrl}/images?name=${encodeURIComponent(name)}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${imagesSecret}`, 'content-type': 'application/octet-stream' },
      body,
      duplex: 'half',
    } as RequestInit),
  );
  if (!response.ok)
    throw new XenError(
      'IMPORT_ERROR',
      `The image server refused the image: ${response.status} ${await response.text()}`,
    );
  return (await response.json()) as StoredImage;
}

/** A disk that each node makes from the image at every start, and a template that has it. Answers the template. */
export async function addImageTemplate(
  tx: Tx,
  plane: Plane,
  image: StoredImage,
  name: string,
  uuid = plane.ids.uuid(),
): Promise<Ref<'VM'>> {
  const [sr] = await tx.find('SR', { type: 'image' });
  if (!sr) throw new XenError('INTERNAL_ERROR', 'The pool has no storage for template images');
  await insertImage(tx, image, name);
  const vdi = await addImageDisk(tx, sr.ref, image, name, seededUuid(uuid, 'vdi'));
  return addReadyTemplate(
    tx,
    {
      uuid,
      name,
      description: `Runs the image ${image.sha256.slice(0, 12)} from a disk that lives as long as each run`,
    },
    vdi,
  );
}

export interface ReadyTemplate {
  readonly uuid: string;
  readonly name: string;
  readonly description: string;
}
/** A template that starts from the disk, without an installer. */
export async function addReadyTemplate(
  tx: Tx,
  { uuid, name, description }: ReadyTemplate,
  vdi: Ref<'VDI'>,
): Promise<Ref<'VM'>> {
  const vm = refOf('VM', uuid),
    metrics = seededUuid(uuid, 'metrics'),
    vbd = seededUuid(uuid, 'vbd', 0);
  const base = templateRecord(
    { label: name, reference: 'linux', family: 'linux-bios', memoryGiB: 0.5 },
    uuid,
  );
  await tx.insert(
    'VM_metrics',
    refOf('VM_metrics', metrics),
    recordWith('VM_metrics', { uuid: metrics, VCPUs_number: 1, hvm: true }),
  );
  const { default_template: _default, ...other_config } = base.other_config;
  await tx.insert('VM', vm, {
    ...base,
    metrics: refOf('VM_metrics', metrics),
    is_default_template: false,
    name_description: description,
    other_config,
  });
  await tx.insert(
    'VBD',
    refOf('VBD', vbd),
    recordWith('VBD', {
      uuid: vbd,
      VM: vm,
      VDI: vdi,
      userdevice: '0',
      bootable: true,
      mode: 'RW',
      type: 'Disk',
    }),
  );
  await addInterface(tx, vm, uuid);
  return vm;
}

async function addImageDisk(
  tx: Tx,
  SR: Ref<'SR'>,
  image: StoredImage,
  name: string,
  uuid: string,
): Promise<Ref<'VDI'>> {
  const ref = refOf('VDI', uuid);
  await takeSpace({ tx }, SR, image.virtualSizeBytes, 0);
  await tx.insert(
    'VDI',
    ref,
    recordWith('VDI', {
      uuid,
      location: uuid,
      SR,
      name_label: name,
      name_description: 'Made from the template image at each start',
      virtual_size: image.virtualSizeBytes,
      type: 'system',
      on_boot: 'reset',
      managed: true,
      sm_config: {
        [imageKeys.digest]: image.sha256,
        [imageKeys.format]: image.format,
        [imageKeys.bytes]: String(image.sizeBytes),
      },
    }),
  );
  await newLayer(tx, { id: uuid, vdi: ref, image: image.sha256 });
  return ref;
}

async function addInterface(tx: Tx, vm: Ref<'VM'>, vmUuid: string): Promise<void> {
  const [network] = await tx.find('network', { bridge: 'xenbr0' });
  if (!network) return;
  const uuid = seededUuid(vmUuid, 'vif', 0);
  await tx.insert(
    'VIF',
    refOf('VIF', uuid),
    recordWith('VIF', {
      uuid,
      VM: vm,
      network: network.ref,
      device: '0',
      MAC: seededMac(vmUuid, '0'),
      MAC_autogenerated: true,
      MTU: network.MTU,
      metrics: nullRef(),
    }),
  );
}
