/** New repositories: formatted and connected, or brought in as they are. */
import { storage } from '@xenplane/domain';
import {
  asRef,
  nullRef,
  XenError,
  type classes,
  type OperationParams,
  type Ref,
  type StoredRecord,
} from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Context } from '../core/context';
import { keepSecrets } from './device-secrets';
import { driver, keepMedia } from './drivers';
import { erasePlace, mediaAt, repositoriesAt } from '../tables/layers/media';
import { recordWith } from '../core/records';
import { addIsoFiles } from './sr-scan';

type Given = OperationParams<typeof classes.SR, 'create'>;
type Identity = Pick<
  Given,
  'name_label' | 'name_description' | 'type' | 'content_type' | 'shared' | 'sm_config'
>;

export async function insertSr(
  tx: Tx,
  uuid: string,
  { name_label, name_description, type, content_type, shared, sm_config }: Identity,
  bytes: number,
): Promise<Ref<'SR'>> {
  const ref = asRef<'SR'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'SR',
    ref,
    recordWith('SR', {
      uuid,
      name_label,
      name_description,
      type,
      content_type,
      shared,
      physical_size: bytes,
      sm_config: { ...sm_config },
    }),
  );
  return ref;
}

/** A repository at a place that holds one only is overwritten, unless the pool uses it. */
async function assertFree(tx: Tx, { exclusive, type }: storage.Driver, place: string): Promise<void> {
  if (!exclusive) return;
  const others = await repositoriesAt(tx, place);
  if (others.length > 0)
    throw storage.failure(
      type.startsWith('lvmo') ? 'deviceInUse' : 'partitionInUse',
      `${place} holds ${others[0]?.uuid}`,
    );
  await erasePlace(tx, place);
}

async function connect(
  { tx, plane }: Context,
  SR: Ref<'SR'>,
  hosts: readonly Ref<'host'>[],
  device_config: Given['device_config'],
): Promise<void> {
  const configs = await keepSecrets({ tx, plane }, device_config, hosts.length);
  const rows = configs.map((config, i) => {
    const uuid = plane.ids.uuid();
    return {
      ref: asRef<'PBD'>(`OpaqueRef:${uuid}`),
      ...recordWith('PBD', {
        uuid,
        SR,
        host: hosts[i] ?? nullRef(),
        device_config: config,
        currently_attached: true,
      }),
    };
  });
  await tx.insertAll('PBD', rows);
}

/** Formats the storage, records the repository, connects the host or, when it is shared, every host. */
export async function createSr(context: Context, asked: Given): Promise<Ref<'SR'>> {
  const { tx, plane } = context;
  const given = { ...asked, type: asked.type.toLowerCase() };
  const kind = driver(given.type);
  const { uuid: hostUuid } = await tx.get('host', given.host);
  const place = kind.locate(given.device_config, hostUuid);
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/medium/' || $1))", [place.key]);
  await assertFree(tx, kind, place.key);
  const uuid = plane.ids.uuid();
  const bytes = place.bytes || Math.max(0, given.physical_size);
  const sr = await insertSr(
    tx,
    uuid,
    { ...given, sm_config: { ...kind.smConfig, ...given.sm_config } },
    bytes,
  );
  if (given.shared && !kind.sharable) throw new XenError('SR_NOT_SHARABLE', sr, given.host);
  await keepMedia(tx, [
    {
      uuid,
      type: given.type,
      place: place.key,
      bytes,
      label: given.name_label,
      description: given.name_description,
    },
  ]);
  const hosts = given.shared ? (await tx.find('host', {})).map((h) => h.ref) : [given.host];
  await connect(context, sr, hosts, given.device_config);
  if (kind.holdsIsos) await addIsoFiles(tx, sr);
  return sr;
}

/** Records a repository that storage holds already; it is reached when its PBDs are made and plugged. */
export async function introduceSr(
  { tx, plane }: Context,
  { uuid, ...given }: Identity & { readonly uuid: string },
): Promise<Ref<'SR'>> {
  const { type } = driver(given.type.toLowerCase());
  if ((await tx.find('SR', { uuid })).length > 0) throw new XenError('SR_UUID_EXISTS', uuid);
  return insertSr(tx, uuid || plane.ids.uuid(), { ...given, type }, 0);
}

/** Requirements of local storage for a repository to be reached there. */
export async function assertThere(
  tx: Tx,
  kind: storage.Driver,
  sr: StoredRecord<'SR'>,
  place: storage.Place,
): Promise<void> {
  if (!kind.remembers) return;
  const found = await mediaAt(tx, sr.type, place.key);
  if (!found.some((m) => m.uuid === sr.uuid))
    throw storage.failure('unavailable', `no repository ${sr.uuid} at ${place.key}`);
}
