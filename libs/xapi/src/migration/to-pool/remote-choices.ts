/** The host, the storage and the networks of the pool that a VM migrates to, as that pool reports them. */
import { asRef, isNullRef, XenError, type Ref } from '@xenplane/model';
import type { Reader } from '@xenplane/store';
import type { OvaObject } from '@xenplane/wire';
import type { MigrateSendParams } from '../within-pool/disk-migration';
import { RemoteFailure, RemotePool } from '../../pool/remote-pool';

/** Plain values: the journal of an operation keeps them. */
export interface RemoteSide {
  readonly host: Ref<'host'>;
  readonly cpu_info: Readonly<Record<string, string>>;
  readonly freeBytes: number;
  readonly srs: readonly string[];
  /** The features of the drivers of the target repositories. */
  readonly features: Readonly<Record<string, readonly string[]>>;
  /** Where the memory of the guest lies on its way, unless its disks say so. */
  readonly memorySr: string;
  /** The networks that its interfaces come to, by their reference there. */
  readonly networks: Readonly<Record<string, RemoteNetwork>>;
  /** The VM is there already. */
  readonly present: boolean;
}
export type RemoteNetwork = OvaObject<'network'>['snapshot'] & { readonly PIFs: readonly string[] };
interface RemoteHost {
  readonly enabled: boolean;
  readonly metrics: string;
  readonly cpu_info: Readonly<Record<string, string>>;
  readonly PBDs: readonly string[];
  readonly PIFs: readonly string[];
}
interface RemotePbd {
  readonly SR: string;
  readonly currently_attached: boolean;
}
interface RemotePoolRecord {
  readonly suspend_image_SR: string;
  readonly default_SR: string;
}

export const remoteOf = (reader: Reader, { dest }: Pick<MigrateSendParams, 'dest'>): Promise<RemotePool> =>
  RemotePool.at(reader, dest['master'] ?? '', dest['session_id'] ?? '');

/** VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED when nobody answers; the errors of the other pool as they are. */
export async function readRemote(reader: Reader, sent: MigrateSendParams, uuid: string): Promise<RemoteSide> {
  try {
    return await asked(await remoteOf(reader, sent), sent, uuid);
  } catch (error) {
    throw error instanceof RemoteFailure ? new XenError('VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED') : error;
  }
}

async function asked(
  remote: RemotePool,
  { dest, vdi_map, vif_map }: MigrateSendParams,
  uuid: string,
): Promise<RemoteSide> {
  const host = asRef<'host'>(dest['host'] ?? '');
  const record = await remote.call<RemoteHost>('host.get_record', host);
  if (!record.enabled) throw new XenError('HOST_DISABLED', host);
  if (!(await remote.call<boolean>('host_metrics.get_live', record.metrics)))
    throw new XenError('HOST_NOT_LIVE');
  const pbds = await Promise.all(record.PBDs.map((pbd) => remote.call<RemotePbd>('PBD.get_record', pbd)));
  const srs = pbds.filter((pbd) => pbd.currently_attached).map((pbd) => pbd.SR);
  const refs = [...new Set<string>(Object.values(vif_map))];
  const networks = await Promise.all(
    refs.map((network) => remote.call<RemoteNetwork>('network.get_record', network)),
  );
  networks.forEach(({ PIFs }, i) => {
    if (PIFs.length > 0 && !PIFs.some((pif) => record.PIFs.includes(pif)))
      throw new XenError('HOST_CANNOT_ATTACH_NETWORK', host, refs[i] ?? '');
  });
  return {
    host,
    cpu_info: record.cpu_info,
    freeBytes: await remote.call<number>('host.compute_free_memory', host),
    srs,
    features: await featuresThere(
      remote,
      [...new Set<string>(Object.values(vdi_map))].filter((sr) => srs.includes(sr)),
    ),
    memorySr: await suspendStorage(remote, srs),
    networks: Object.fromEntries(refs.map((ref, i) => [ref, networks[i] as RemoteNetwork])),
    present: await isThere(remote, uuid),
  };
}

async function featuresThere(remote: RemotePool, srs: readonly string[]): Promise<RemoteSide['features']> {
  if (srs.length === 0) return {};
  const drivers = Object.values(
    await remote.call<
      Record<string, { readonly type: string; readonly features: Readonly<Record<string, number>> }>
    >('SM.get_all_records'),
  );
  const types = await Promise.all(srs.map((sr) => remote.call<string>('SR.get_type', sr)));
  return Object.fromEntries(
    srs.map((sr, i) => [sr, Object.keys(drivers.find(({ type }) => type === types[i])?.features ?? {})]),
  );
}

async function suspendStorage(remote: RemotePool, srs: readonly string[]): Promise<string> {
  const [pool] = Object.values(await remote.call<Record<string, RemotePoolRecord>>('pool.get_all_records'));
  return (
    [pool?.suspend_image_SR, pool?.default_SR].find(
      (sr) => sr !== undefined && !isNullRef(asRef(sr)) && srs.includes(sr),
    ) ?? ''
  );
}

export async function remoteVm(remote: RemotePool, uuid: string): Promise<Ref<'VM'> | undefined> {
  try {
    return await remote.call<Ref<'VM'>>('VM.get_by_uuid', uuid);
  } catch (error) {
    if (error instanceof XenError && error.code === 'UUID_INVALID') return undefined;
    throw error;
  }
}
const isThere = async (remote: RemotePool, uuid: string): Promise<boolean> =>
  (await remoteVm(remote, uuid)) !== undefined;
