/** Workload balancing by a server of its own. None can be asked before one is set up, and one is set up only when it answers. */
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { XenError, type ErrorCode } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import type { Context, Outside, Plane, Session } from '../core/context';
import { lockPool } from './pool-record';

async function assertInitialized(context: Context): Promise<void> {
  const pool = await lockPool(context);
  if (pool.wlb_url === '') throw new XenError('WLB_NOT_INITIALIZED');
  if (!pool.wlb_enabled) throw new XenError('WLB_DISABLED');
}
const answered = async (context: Context): Promise<never> => {
  await assertInitialized(context);
  throw new XenError('WLB_CONNECTION_REFUSED');
};

/** For what is asked beside the calls: the same answer. */
export const askBalancer = (plane: Plane, session: Session): Promise<never> =>
  inTransaction(plane.store, (tx) => answered({ plane, session, tx, task: undefined }));

const refusals: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'WLB_UNKNOWN_HOST',
  EAI_AGAIN: 'WLB_UNKNOWN_HOST',
  ECONNRESET: 'WLB_CONNECTION_RESET',
};
const timeoutSeconds = 10;

/** Of `host:port`, as balancers are named. */
async function initialize(url: string): Promise<void> {
  const parts = /^([\w.-]{1,253}):(\d{1,5})$/.exec(url);
  const [, host = '', port = ''] = parts ?? [];
  if (!parts || Number(port) < 1 || Number(port) > 65_535) throw new XenError('WLB_URL_INVALID', url);
  try {
    await lookup(host);
    await reach(host, Number(port));
  } catch (error) {
    if (error instanceof XenError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new XenError(refusals[code] ?? 'WLB_CONNECTION_REFUSED');
  }
  throw new XenError(
    'WLB_MALFORMED_RESPONSE',
    'AddXenServer',
    'The server does not speak the protocol of workload balancing',
    '',
  );
}

const reach = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: timeoutSeconds * 1000 });
    const end = (settle: () => void) => (): void => {
      socket.destroy();
      settle();
    };
    socket.once('connect', end(resolve));
    socket.once(
      'timeout',
      end(() => reject(new XenError('WLB_TIMEOUT', String(timeoutSeconds)))),
    );
    socket.once('error', (error) => end(() => reject(error))());
  });

export const poolWlb = {
  deconfigure_wlb: async (context: Context): Promise<void> => {
    const pool = await lockPool(context);
    if (pool.wlb_url === '') throw new XenError('WLB_NOT_INITIALIZED');
    await context.tx.update('pool', pool.ref, { wlb_url: '', wlb_username: '', wlb_enabled: false });
  },
  send_wlb_configuration: answered,
  retrieve_wlb_configuration: answered,
  retrieve_wlb_recommendations: answered,
};
export const wlbOutside = {
  initialize_wlb: (_outside: Outside, { wlb_url }: { wlb_url: string }): Promise<void> => initialize(wlb_url),
};
