/** The pool and its hosts joined to a directory of users. */
import { XenError, type Ref } from '@xenplane/model';
import { ofPool } from '../auth/directory';
import { joinDirectory, leaveDirectory } from '../auth/external';
import type { Context } from '../context';

type Config = Record<string, string>;
interface Joining {
  readonly config: Config;
  readonly service_name: string;
  readonly auth_type: string;
}
interface HostAuth {
  readonly ref: string;
  readonly external_auth_type: string;
  readonly external_auth_service_name: string;
}
const hostsOf = ({ tx }: Context): Promise<HostAuth[]> =>
  tx.query<HostAuth>('SELECT ref, external_auth_type, external_auth_service_name FROM host ORDER BY ref FOR NO KEY UPDATE', []);

async function enable(context: Context, { config, service_name, auth_type }: Joining): Promise<void> {
  const hosts = await hostsOf(context);
  const joined = hosts.find((h) => h.external_auth_type !== '');
  if (joined) throw new XenError('POOL_AUTH_ALREADY_ENABLED', joined.ref);
  try {
    await joinDirectory(
      context.tx,
      hosts.map((h) => h.ref),
      { service: service_name, type: auth_type, configuration: config },
    );
  } catch (error) {
    throw ofPool(error, hosts[0]?.ref ?? '');
  }
}

async function assertAlike(context: Context): Promise<void> {
  const kinds = new Set((await hostsOf(context)).map((h) => `${h.external_auth_type}/${h.external_auth_service_name}`));
  if (kinds.size > 1) throw new XenError('POOL_JOINING_EXTERNAL_AUTH_MISMATCH');
}

/** How hosts reach an Active Directory; no other directory has the choice. */
async function setLdaps(context: Context, hosts: readonly HostAuth[]): Promise<void> {
  const [joined] = hosts.filter((h) => h.external_auth_type !== '');
  if (!joined) throw new XenError('AUTH_IS_DISABLED');
  throw new XenError('AUTH_SET_LDAPS_FAILED', joined.ref, `A directory of type ${joined.external_auth_type} is not reached by LDAP`);
}

export const poolAuth = {
  enable_external_auth: async (context: Context, args: Joining & { pool: Ref<'pool'> }): Promise<void> => {
    await context.tx.get('pool', args.pool);
    await enable(context, args);
  },
  disable_external_auth: async (context: Context, { pool }: { pool: Ref<'pool'> }): Promise<void> => {
    await context.tx.get('pool', pool);
    await leaveDirectory(
      context.tx,
      (await hostsOf(context)).map((h) => h.ref),
    );
  },
  external_auth_set_ldaps: async (context: Context, { pool }: { pool: Ref<'pool'> }): Promise<void> => {
    await context.tx.get('pool', pool);
    await setLdaps(context, await hostsOf(context));
  },
  detect_nonhomogeneous_external_auth: async (context: Context, { pool }: { pool: Ref<'pool'> }): Promise<void> => {
    await context.tx.get('pool', pool);
    await assertAlike(context);
  },
};

export const hostAuth = {
  enable_external_auth: async ({ tx }: Context, { host, config, service_name, auth_type }: Joining & { host: Ref<'host'> }): Promise<void> => {
    const { external_auth_type, external_auth_service_name } = await tx.lock('host', host);
    if (external_auth_type !== '') throw new XenError('AUTH_ALREADY_ENABLED', external_auth_type, external_auth_service_name);
    await joinDirectory(tx, [host], { service: service_name, type: auth_type, configuration: config });
  },
  disable_external_auth: async ({ tx }: Context, { host }: { host: Ref<'host'> }): Promise<void> => {
    await tx.lock('host', host);
    await leaveDirectory(tx, [host]);
  },
  external_auth_set_ldaps: async (context: Context, { host }: { host: Ref<'host'> }): Promise<void> => {
    const row = await context.tx.get('host', host);
    await setLdaps(context, [{ ...row, ref: host }]);
  },
};
