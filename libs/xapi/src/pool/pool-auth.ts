/** The pool and its hosts joined to a directory of users. */
import { XenError, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { ofPool } from '../people/directory';
import { joinDirectory, leaveDirectory } from '../people/external-auth';
import type { Context, Outside, Plane } from '../core/context';

interface Join {
  readonly config: Readonly<Record<string, string>>;
  readonly service_name: string;
  readonly auth_type: string;
}
interface HostAuth {
  readonly ref: string;
  readonly external_auth_type: string;
  readonly external_auth_service_name: string;
  readonly external_auth_configuration: Readonly<Record<string, string>>;
}
const hostsOf = (tx: Tx): Promise<HostAuth[]> =>
  tx.query<HostAuth>(
    'SELECT ref, external_auth_type, external_auth_service_name, external_auth_configuration FROM host ORDER BY ref FOR NO KEY UPDATE',
    [],
  );

type Choice = (tx: Tx) => Promise<readonly string[]>;
const everyHost =
  (pool: Ref<'pool'>): Choice =>
  async (tx) => {
    await tx.get('pool', pool);
    const hosts = await hostsOf(tx);
    const joined = hosts.find((h) => h.external_auth_type !== '');
    if (joined) throw new XenError('POOL_AUTH_ALREADY_ENABLED', joined.ref);
    return hosts.map((h) => h.ref);
  };
const thisHost =
  (host: Ref<'host'>): Choice =>
  async (tx) => {
    const { external_auth_type, external_auth_service_name } = await tx.lock('host', host);
    if (external_auth_type !== '')
      throw new XenError('AUTH_ALREADY_ENABLED', external_auth_type, external_auth_service_name);
    return [host];
  };

/** The preconditions are checked before the directory is asked, and again when it has answered. */
async function join(
  plane: Plane,
  { config, service_name, auth_type }: Join,
  hosts: Choice,
  inWords: (error: unknown, host: string) => unknown,
): Promise<void> {
  const [first = ''] = await inTransaction(plane.store, hosts);
  try {
    await joinDirectory(plane, { service: service_name, type: auth_type, configuration: config, hosts });
  } catch (error) {
    throw inWords(error, first);
  }
}

async function assertAlike({ tx }: Context): Promise<void> {
  const kinds = new Set(
    (await hostsOf(tx)).map((h) => `${h.external_auth_type}/${h.external_auth_service_name}`),
  );
  if (kinds.size > 1) throw new XenError('POOL_JOINING_EXTERNAL_AUTH_MISMATCH');
}

/** The way to a directory is chosen with the join; what is so already can be asked for again. */
function setLdaps(hosts: readonly HostAuth[], ldaps: boolean): void {
  const [joined] = hosts.filter((h) => h.external_auth_type !== '');
  if (!joined) throw new XenError('AUTH_IS_DISABLED');
  const present = joined.external_auth_configuration['ldaps'];
  if (present === undefined)
    throw new XenError(
      'AUTH_SET_LDAPS_FAILED',
      joined.ref,
      `A directory of type ${joined.external_auth_type} is not reached by LDAP`,
    );
  if (present !== String(ldaps))
    throw new XenError(
      'AUTH_SET_LDAPS_FAILED',
      joined.ref,
      'It is chosen by config:ldaps or config:url when the directory is joined',
    );
}

type OfPool = { readonly pool: Ref<'pool'> };
type OfHost = { readonly host: Ref<'host'> };
type Ldaps = { readonly ldaps: boolean };

export const poolAuthOutside = {
  enable_external_auth: ({ plane }: Outside, { pool, ...wish }: Join & OfPool): Promise<void> =>
    join(plane, wish, everyHost(pool), ofPool),
};
export const poolAuth = {
  disable_external_auth: async ({ tx }: Context, { pool }: OfPool): Promise<void> => {
    await tx.get('pool', pool);
    await leaveDirectory(
      tx,
      (await hostsOf(tx)).map((h) => h.ref),
    );
  },
  external_auth_set_ldaps: async ({ tx }: Context, { pool, ldaps }: OfPool & Ldaps): Promise<void> => {
    await tx.get('pool', pool);
    setLdaps(await hostsOf(tx), ldaps);
  },
  detect_nonhomogeneous_external_auth: async (context: Context, { pool }: OfPool): Promise<void> => {
    await context.tx.get('pool', pool);
    await assertAlike(context);
  },
};

export const hostAuthOutside = {
  enable_external_auth: ({ plane }: Outside, { host, ...wish }: Join & OfHost): Promise<void> =>
    join(plane, wish, thisHost(host), (error) => error),
};
export const hostAuth = {
  disable_external_auth: async ({ tx }: Context, { host }: OfHost): Promise<void> => {
    await tx.lock('host', host);
    await leaveDirectory(tx, [host]);
  },
  external_auth_set_ldaps: async ({ tx }: Context, { host, ldaps }: OfHost & Ldaps): Promise<void> =>
    setLdaps([{ ...(await tx.get('host', host)), ref: host }], ldaps),
};
