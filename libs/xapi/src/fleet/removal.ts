/** Takes a host out of the records: itself, its control domain, everything that is of it and of nothing else. */
import { isNullRef, nullRef, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import { removePbds } from '../storage/device-secrets';
import { forgetHostSettings } from '../core/host-settings';

/** Its local storage stays, without a connection, until it is forgotten. */
export async function removeHost(
  tx: Tx,
  { ref, control_domain, metrics, cpu_info }: Row<'host'>,
): Promise<void> {
  await removeControlDomain(tx, control_domain);
  await removeParts(tx, ref);
  await tx.remove('host', ref);
  await tx.query('DELETE FROM host_metrics WHERE ref = $1', [metrics]);
  await forgetHostSettings(tx, ref);
  const [pool] = await tx.find('pool', {});
  if (pool) await shrinkPool(tx, pool.ref, cpu_info);
}

async function removeControlDomain(tx: Tx, dom0: Ref<'VM'>): Promise<void> {
  if (isNullRef(dom0)) return;
  const [vm] = await tx.getMany('VM', [dom0]);
  for (const table of ['vbd', 'vif', 'console'])
    await tx.query(`DELETE FROM ${table} WHERE "VM" = $1`, [dom0]);
  await tx.query('DELETE FROM vm WHERE ref = $1', [dom0]);
  await tx.query('DELETE FROM vm_metrics WHERE ref = $1', [vm?.metrics ?? nullRef()]);
}

async function removeParts(tx: Tx, host: Ref<'host'>): Promise<void> {
  await tx.query(
    'DELETE FROM vlan v USING pif p WHERE p.host = $1 AND p.ref IN (v."tagged_PIF", v."untagged_PIF")',
    [host],
  );
  await tx.query('DELETE FROM bond b USING pif p WHERE p.host = $1 AND p.ref = b.master', [host]);
  await tx.query(
    'DELETE FROM network_sriov s USING pif p WHERE p.host = $1 AND p.ref IN (s."physical_PIF", s."logical_PIF")',
    [host],
  );
  await tx.query(
    'DELETE FROM tunnel t USING pif p WHERE p.host = $1 AND p.ref IN (t."access_PIF", t."transport_PIF")',
    [host],
  );
  await tx.query(
    'WITH gone AS (DELETE FROM pif WHERE host = $1 RETURNING metrics) DELETE FROM pif_metrics m USING gone g WHERE m.ref = g.metrics',
    [host],
  );
  await removePbds(tx, 'host', [host]);
  for (const table of [
    'host_cpu',
    'host_crashdump',
    'host_patch',
    'certificate',
    'pci',
    'pgpu',
    'pusb',
    'feature',
    'host_driver',
    'cluster_host',
  ])
    await tx.query(`DELETE FROM ${table} WHERE host = $1`, [host]);
}

async function shrinkPool(tx: Tx, pool: Ref<'pool'>, gone: Readonly<Record<string, string>>): Promise<void> {
  const { cpu_info } = await tx.lock('pool', pool);
  const less = (key: string): string =>
    String(Math.max(0, Number(cpu_info[key] ?? 0) - Number(gone[key] ?? 0)));
  await tx.update('pool', pool, {
    cpu_info: { ...cpu_info, cpu_count: less('cpu_count'), socket_count: less('socket_count') },
  });
}
