/** Where updates come from: remote repositories, one that is filled from uploads, one that is another pool. */
import { asRef, XenError, type CallsOf, type classes, type Ref, type StoredRecord } from '@xenplane/model';
import type { Context } from '../../core/context';
import { recordWith } from '../../core/records';

type Repository = StoredRecord<'Repository'>;
const gpgkeyName = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;

function assertUrl(url: string): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).username !== '')
    throw new XenError('INVALID_BASE_URL', url);
}
function assertGpgkey(path: string): void {
  if (path !== '' && (!gpgkeyName.test(path) || path.includes('..')))
    throw new XenError('INVALID_GPGKEY_PATH', path);
}

async function add({ tx, plane }: Context, given: Partial<Repository>): Promise<Ref<'Repository'>> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/repositories'))", []);
  const { binary_url = '', name_label = '', origin } = given;
  const [same] =
    origin === 'bundle'
      ? await tx.find('Repository', { origin })
      : [...(await tx.find('Repository', { name_label })), ...(await tx.find('Repository', { binary_url }))];
  if (same)
    throw new XenError(
      origin === 'bundle' ? 'BUNDLE_REPOSITORY_ALREADY_EXISTS' : 'REPOSITORY_ALREADY_EXISTS',
      same.ref,
    );
  const uuid = plane.ids.uuid(),
    ref = asRef<'Repository'>(`OpaqueRef:${uuid}`);
  await tx.insert('Repository', ref, recordWith('Repository', { ...given, uuid }));
  return ref;
}

export const repositoryCalls: CallsOf<typeof classes.Repository, Context> = {
  introduce: (context, given) => {
    assertUrl(given.binary_url);
    assertUrl(given.source_url);
    assertGpgkey(given.gpgkey_path);
    return add(context, { ...given, origin: 'remote' });
  },
  introduce_bundle: (context, { name_label, name_description }) =>
    add(context, { name_label, name_description, update: true, origin: 'bundle' }),
  introduce_remote_pool: (context, given) => {
    assertUrl(given.binary_url);
    return add(context, { ...given, update: true, origin: 'remote_pool' });
  },
  forget: async ({ tx }, { self }) => {
    await tx.lock('Repository', self);
    const [user] = await tx.query('SELECT ref FROM pool WHERE $1 = ANY(repositories) FOR UPDATE', [self]);
    if (user) throw new XenError('REPOSITORY_IS_IN_USE');
    await tx.remove('Repository', self);
  },
  set_gpgkey_path: async ({ tx }, { self, value }) => {
    assertGpgkey(value);
    await tx.update('Repository', self, { gpgkey_path: value });
  },
};
