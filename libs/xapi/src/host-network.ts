/** Whether hosts can talk over a network: each needs an interface on it, with an address. */
import { asRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

type Pif = StoredRecord<'PIF'> & { readonly ref: Ref<'PIF'> };

export async function interfaceOn(tx: Tx, network: Ref<'network'>, host: Ref<'host'>): Promise<Pif> {
  const [pif] = await tx.find('PIF', { network, host });
  if (!pif) throw new XenError('HOST_CANNOT_ATTACH_NETWORK', host, network);
  if (pif.IP !== '') return pif;
  throw new XenError(pif.ip_configuration_mode === 'None' ? 'PIF_HAS_NO_NETWORK_CONFIGURATION' : 'INTERFACE_HAS_NO_IP', pif.ref);
}

export async function assertOnNetwork(tx: Tx, network: string, hosts: readonly Ref<'host'>[]): Promise<void> {
  const ref = asRef<'network'>(network);
  await tx.get('network', ref);
  for (const host of hosts) await interfaceOn(tx, ref, host);
}
