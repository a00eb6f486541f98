/** The allowed operations of the pool as a whole. */
import { enums, XenError, type ErrorCode, type StoredRecord, type TypeOf } from '@xenplane/model';
import { busy, isBusy } from './refusals';

export type PoolOperation = TypeOf<typeof enums.pool_allowed_operations>;
export interface PoolSubject {
  readonly ref: string;
  readonly pool: Pick<StoredRecord<'pool'>, 'current_operations' | 'ha_enabled'>;
  readonly clusters: number;
}

/** Operations that exclude all others of their kind, and the error that those get. */
const blocking: Readonly<Partial<Record<PoolOperation, ErrorCode>>> = {
  ha_enable: 'HA_ENABLE_IN_PROGRESS',
  ha_disable: 'HA_DISABLE_IN_PROGRESS',
  cluster_create: 'CLUSTER_CREATE_IN_PROGRESS',
  designate_new_master: 'DESIGNATE_NEW_MASTER_IN_PROGRESS',
  tls_verification_enable: 'TLS_VERIFICATION_ENABLE_IN_PROGRESS',
  configure_repositories: 'CONFIGURE_REPOSITORIES_IN_PROGRESS',
  sync_updates: 'SYNC_UPDATES_IN_PROGRESS',
  sync_bundle: 'SYNC_BUNDLE_IN_PROGRESS',
  apply_updates: 'APPLY_UPDATES_IN_PROGRESS',
};

function concurrent(op: PoolOperation, { ref, pool }: PoolSubject): XenError | undefined {
  const current = Object.values(pool.current_operations) as PoolOperation[];
  const code = current.map((c) => blocking[c]).find((c) => c !== undefined);
  if (code && blocking[op]) return new XenError(code);
  return isBusy(pool.current_operations) ? busy('pool', ref, pool.current_operations) : undefined;
}

export function refusal(op: PoolOperation, subject: PoolSubject): XenError | undefined {
  const refused = concurrent(op, subject);
  if (refused) return refused;
  const { ha_enabled } = subject.pool;
  if (ha_enabled && (op === 'ha_enable' || op === 'tls_verification_enable'))
    return new XenError('HA_IS_ENABLED');
  if (!ha_enabled && op === 'ha_disable') return new XenError('HA_NOT_ENABLED');
  return op === 'cluster_create' && subject.clusters > 0 ? new XenError('CLUSTER_ALREADY_EXISTS') : undefined;
}
export const operations = (enums.pool_allowed_operations.values ?? []) as readonly PoolOperation[];
export const allowedOperations = (subject: PoolSubject): PoolOperation[] =>
  operations.filter((op) => !refusal(op, subject));
