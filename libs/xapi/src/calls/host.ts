import { asRef, classes, messages, XenError, type CallsOf, type Ref } from '@xenplane/model';
import { dateTime, type Context } from '../context';
import { hostAuth } from './pool-auth';
import { dataSourceCalls } from './data-sources';

/** Whether the scheduler may place VMs there; kept beside the lease so that placing reads one table. */
async function setEnabled({ tx }: Context, host: Ref<'host'>, enabled: boolean): Promise<void> {
  await tx.lock('host', host);
  await tx.update('host', host, { enabled });
  await tx.query('UPDATE host_run SET accepting = $2 WHERE host = $1', [host, enabled]);
}

async function freeMemory({ tx }: Context, host: Ref<'host'>): Promise<number> {
  await tx.get('host', host);
  const [row] = await tx.query<{ memory_free: number }>('SELECT memory_free FROM host_run WHERE host = $1', [host]);
  return row?.memory_free ?? 0;
}

export const hostCalls: CallsOf<typeof classes.host, Context> = {
  ...dataSourceCalls('host', 'host'),
  enable: (context, { host }) => setEnabled(context, host, true),
  disable: (context, { host }) => setEnabled(context, host, false),
  list_methods: async () => [...messages.values()].filter((m) => !m.hidden).map((m) => m.name),
  compute_free_memory: (context, { host }) => freeMemory(context, host),
  compute_memory_overhead: async ({ tx }, { host }) => (await tx.get('host', host)).memory_overhead,
  call_plugin: async ({ tx }, { host, plugin }) => {
    await tx.get('host', host);
    throw new XenError('XENAPI_MISSING_PLUGIN', plugin);
  },
  has_extension: async ({ tx }, { host }) => {
    await tx.get('host', host);
    return false;
  },
  call_extension: async (_context, { call }) => {
    throw new XenError('MESSAGE_METHOD_UNKNOWN', call);
  },
  ...hostAuth,
  get_servertime: async ({ tx, plane }, { host }) => {
    await tx.get('host', host);
    return dateTime(plane.clock.now());
  },
  get_server_localtime: async ({ tx, plane }, { host }) => {
    await tx.get('host', host);
    return dateTime(plane.clock.now()).replace('Z', '');
  },
  get_management_interface: async ({ tx }, { host }) => {
    const [pif] = await tx.find('PIF', { host, management: true });
    if (!pif) throw new XenError('HOST_HAS_NO_MANAGEMENT_IP');
    return asRef<'PIF'>(pif.ref);
  },
};
