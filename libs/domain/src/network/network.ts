/** Rules of networks: the bridge's name, the purposes, the conditions to destroy one. */
import { XenError, type enums, type StoredRecord, type TypeOf } from '@xenplane/model';

type Purpose = TypeOf<typeof enums.network_purpose>;

/** Names that hosts give to interfaces and bridges of their own. */
const reserved = ['xen', 'xapi', 'vif', 'tap', 'eth'];
const longestName = 15;

/** The name of a new network's bridge; of the lowest number that is free when none is wanted. */
export function bridgeName(wanted: string, managed: boolean, used: ReadonlySet<string>): string {
  if (wanted === '' && managed) for (let i = 0; ; i += 1) if (!used.has(`xapi${i}`)) return `xapi${i}`;
  if (wanted === '' || wanted.length > longestName || reserved.some((prefix) => wanted.startsWith(prefix)))
    throw new XenError('INVALID_VALUE', 'bridge', wanted);
  if (used.has(wanted)) throw new XenError('BRIDGE_NAME_EXISTS', wanted);
  return wanted;
}

const opposite: Readonly<Record<Purpose, Purpose>> = { nbd: 'insecure_nbd', insecure_nbd: 'nbd' };
/** Disks are served either encrypted or not, the same on all networks of the pool. */
export function refusePurpose(wanted: Purpose, ofAll: readonly (readonly Purpose[])[]): XenError | undefined {
  const other = opposite[wanted];
  return ofAll.some((purposes) => purposes.includes(other))
    ? new XenError('NETWORK_INCOMPATIBLE_PURPOSES', wanted, other)
    : undefined;
}

export interface NetworkUse {
  readonly ref: string;
  readonly network: Pick<StoredRecord<'network'>, 'other_config'>;
  readonly attachedVifs: readonly string[];
  readonly pifs: readonly string[];
}
export const isInternal = (network: NetworkUse['network']): boolean =>
  network.other_config['is_host_internal_management_network'] === 'true';

export function refuseDestroy({ ref, network, attachedVifs, pifs }: NetworkUse): XenError | undefined {
  if (attachedVifs.length > 0) return new XenError('NETWORK_CONTAINS_VIF', ...attachedVifs);
  if (pifs.length > 0) return new XenError('NETWORK_CONTAINS_PIF', ...pifs);
  return isInternal(network) ? new XenError('CANNOT_DESTROY_SYSTEM_NETWORK', ref) : undefined;
}
