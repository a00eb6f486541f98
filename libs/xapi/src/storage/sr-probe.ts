/** The answer of storage to a probe. */
import { storage } from '@xenplane/domain';
import { type classes, type OperationParams, type ResultOf } from '@xenplane/model';
import type { Context } from '../core/context';
import { withoutPasswords } from './device-secrets';
import { driver } from './drivers';
import { mediaAt, type StorageMedium } from '../tables/layers/media';

type Given = OperationParams<typeof classes.SR, 'probe'>;
type Found = ResultOf<(typeof classes.SR)['calls']['probe_ext']>;

/** The repositories at a place as XML; what is missing of the configuration fails with a list of what could be said. */
export async function probe({ tx }: Context, { host, device_config, type }: Given): Promise<string> {
  const kind = driver(type.toLowerCase());
  const { uuid } = await tx.get('host', host);
  const { key } = kind.locate(device_config, uuid);
  return storage.repositoriesXml(await mediaAt(tx, type, key));
}

const stat = ({ uuid, label, description, bytes }: StorageMedium): NonNullable<Found[number]['sr']> => ({
  uuid,
  name_label: label,
  name_description: description,
  free_space: bytes,
  total_space: bytes,
  clustered: false,
  health: 'healthy',
});

/** Passwords are left out: nobody would own a secret that is made for a question. */
export async function probeExt({ tx }: Context, { host, device_config, type }: Given): Promise<Found> {
  const kind = driver(type.toLowerCase());
  const { uuid } = await tx.get('host', host);
  const suggested = kind.suggest?.(device_config, uuid) ?? [];
  const places: readonly storage.ProbedPlace[] =
    suggested.length > 0 && !(type === 'ext' || type === 'lvm' ? 'device' in device_config : false)
      ? suggested
      : [
          {
            configuration: device_config,
            complete: true,
            place: kind.locate(device_config, uuid),
            facts: {},
          },
        ];
  const answers = await Promise.all(
    places.map(async (p) => ({ ...p, media: p.place ? await mediaAt(tx, type, p.place.key) : [] })),
  );
  return answers.flatMap(({ configuration, complete, facts, media }) =>
    (media.length > 0 ? media.map(stat) : [undefined]).map((sr) => ({
      configuration: withoutPasswords(configuration),
      complete,
      sr,
      extra_info: { ...facts },
    })),
  );
}
