/** The records that are of one host and of nothing else: what goes when the host goes. */
import { isNullRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { forgetHostSettings } from './host-settings';

export async function removeControlDomain(tx: Tx, dom0: Ref<'VM'>): Promise<void> {
  if (isNullRef(dom0)) return;
  for (const table of ['vbd', 'vif', 'console']) await tx.query(`DELETE FROM ${table} WHERE "VM" = $1`, [dom0]);
  const [vm] = await tx.query<{ metrics: string }>('DELETE FROM vm WHERE ref = $1 RETURNING metrics', [dom0]);
  if (vm) await tx.query('DELETE FROM vm_metrics WHERE ref = $1', [vm.metrics]);
}

/** Devices, connections, certificates and settings. Storage stays where it is, without a connection. */
export async function removeParts(tx: Tx, host: Ref<'host'>): Promise<void> {
  await tx.query('DELETE FROM vlan v USING pif p WHERE p.host = $1 AND p.ref IN (v."tagged_PIF", v."untagged_PIF")', [host]);
  await tx.query('DELETE FROM bond b USING pif p WHERE p.host = $1 AND p.ref = b.master', [host]);
  await tx.query('DELETE FROM tunnel t USING pif p WHERE p.host = $1 AND p.ref IN (t."access_PIF", t."transport_PIF")', [host]);
  await tx.query('WITH gone AS (DELETE FROM pif WHERE host = $1 RETURNING metrics) DELETE FROM pif_metrics m USING gone g WHERE m.ref = g.metrics', [host]);
  for (const table of ['pbd', 'host_cpu', 'host_crashdump', 'host_patch', 'certificate', 'pci', 'pgpu', 'pusb', 'feature', 'host_driver'])
    await tx.query(`DELETE FROM ${table} WHERE host = $1`, [host]);
  await forgetHostSettings(tx, host);
}
