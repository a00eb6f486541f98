/** Interfaces of hosts inside a transaction: all that stands on one, those that the control plane makes, and those that go. */
import { addresses, type pifRules } from '@xenplane/domain';
import { asRef, isNullRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import { managementLease } from '../core/addressing';
import { givenAddresses } from '../tables/runs/host-runs';
import { dateTime, type Context } from '../core/context';
import { recordWith } from '../core/records';

/** Changes to what stands on what are rare, and judged by more rows than they change: one at a time in the pool. */
export async function lockInterfaces(tx: Tx): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/interfaces'))", []);
}

interface Around {
  readonly ref: string;
  readonly bond_master: boolean;
  readonly tagged_by: string[] | null;
  readonly tunnel_access: boolean;
  readonly tunnel_transport: boolean;
  readonly sriov_physical: boolean;
  readonly sriov_logical: boolean;
  readonly vif: string | null;
  readonly cluster_host: string | null;
  readonly ha: boolean;
  readonly redo_log: boolean;
}

/** Interfaces and all that stands on them, in the order asked, each locked; HANDLE_INVALID for the first that is not there. */
export async function pifSubjects(tx: Tx, refs: readonly string[]): Promise<pifRules.PifSubject[]> {
  await tx.query('SELECT ref FROM pif WHERE ref = ANY($1) ORDER BY ref FOR UPDATE', [refs]);
  const rows = new Map<string, Row<'PIF'>>((await tx.getMany('PIF', refs)).map((row) => [row.ref, row]));
  const around = await tx.query<Around>(
    `SELECT p.ref, EXISTS (SELECT 1 FROM bond b WHERE b.master = p.ref) AS bond_master,
            (SELECT array_agg(v.ref ORDER BY v.ref) FROM vlan v WHERE v."tagged_PIF" = p.ref) AS tagged_by,
            EXISTS (SELECT 1 FROM tunnel t WHERE t."access_PIF" = p.ref) AS tunnel_access, EXISTS (SELECT 1 FROM tunnel t WHERE t."transport_PIF" = p.ref) AS tunnel_transport,
            EXISTS (SELECT 1 FROM network_sriov s WHERE s."physical_PIF" = p.ref) AS sriov_physical, EXISTS (SELECT 1 FROM network_sriov s WHERE s."logical_PIF" = p.ref) AS sriov_logical,
            (SELECT i.ref FROM vif i JOIN vm m ON m.ref = i."VM" AND m.resident_on = p.host WHERE i.network = p.network AND i.currently_attached AND p.currently_attached LIMIT 1) AS vif,
            (SELECT c.ref FROM cluster_host c WHERE c."PIF" = p.ref AND c.enabled LIMIT 1) AS cluster_host, pool.ha_enabled AS ha, pool.redo_log_enabled AS redo_log
     FROM pif p, pool WHERE p.ref = ANY($1)`,
    [refs],
  );
  const found = new Map(around.map((row) => [row.ref, row]));
  return refs.map((ref) => subjectOf(ref, rows.get(ref), found.get(ref)));
}
function subjectOf(ref: string, pif: Row<'PIF'> | undefined, row: Around | undefined): pifRules.PifSubject {
  if (!pif || !row) throw new XenError('HANDLE_INVALID', 'PIF', ref);
  return {
    ref,
    pif,
    bondMaster: row.bond_master,
    taggedBy: row.tagged_by ?? [],
    tunnelAccess: row.tunnel_access,
    tunnelTransport: row.tunnel_transport,
    sriovPhysical: row.sriov_physical,
    sriovLogical: row.sriov_logical,
    vifInUse: row.vif ?? undefined,
    clusterHost: row.cluster_host ?? undefined,
    ha: row.ha,
    redoLog: row.redo_log,
  };
}
export async function pifSubject(tx: Tx, ref: Ref<'PIF'>): Promise<pifRules.PifSubject> {
  const [subject] = await pifSubjects(tx, [ref]);
  if (!subject) throw new XenError('HANDLE_INVALID', 'PIF', ref);
  return subject;
}
/** The interface with all that stands on it, unless the rule refuses. */
export async function admitPif(
  tx: Tx,
  ref: Ref<'PIF'>,
  rule: (subject: pifRules.PifSubject) => XenError | undefined,
): Promise<pifRules.PifSubject> {
  const subject = await pifSubject(tx, ref);
  const refused = rule(subject);
  if (refused) throw refused;
  return subject;
}

/** A host is on a network through one interface at most. */
export async function assertNotConnected(
  tx: Tx,
  network: Ref<'network'>,
  hosts: readonly string[],
): Promise<Row<'network'>> {
  const row = await tx.lock('network', network);
  const [other] = await tx.query<{ ref: string; host: string }>(
    'SELECT ref, host FROM pif WHERE network = $1 AND host = ANY($2) ORDER BY ref LIMIT 1',
    [network, hosts],
  );
  if (other) throw new XenError('NETWORK_ALREADY_CONNECTED', other.host, other.ref);
  return row;
}

export type NewPif = Pick<StoredRecord<'PIF'>, 'device' | 'network' | 'host' | 'MAC' | 'MTU' | 'VLAN'> &
  Partial<StoredRecord<'PIF'>>;
/** The records of an interface that is no hardware, with a link state of its own unless it shares another's. */
export async function addPif({ tx, plane }: Context, given: NewPif): Promise<Ref<'PIF'>> {
  const uuid = plane.ids.uuid(),
    ref = asRef<'PIF'>(`OpaqueRef:${uuid}`);
  const metrics = given.metrics ?? (await addVirtualMetrics({ tx, plane }));
  await tx.insert(
    'PIF',
    ref,
    recordWith('PIF', { currently_attached: true, properties: {}, ...given, uuid, metrics }),
  );
  return ref;
}
async function addVirtualMetrics({ tx, plane }: Pick<Context, 'tx' | 'plane'>): Promise<Ref<'PIF_metrics'>> {
  const uuid = plane.ids.uuid(),
    ref = asRef<'PIF_metrics'>(`OpaqueRef:${uuid}`);
  const now = dateTime(plane.clock.now());
  await tx.insert(
    'PIF_metrics',
    ref,
    recordWith('PIF_metrics', { uuid, carrier: true, duplex: true, pci_bus_path: 'N/A', last_updated: now }),
  );
  return ref;
}

/** The interface goes, and its link state unless another interface shows the same. */
export async function removePif(tx: Tx, ref: Ref<'PIF'>): Promise<void> {
  const { metrics } = await tx.get('PIF', ref);
  await tx.remove('PIF', ref);
  if (isNullRef(metrics)) return;
  const [shared] = await tx.find('PIF', { metrics });
  if (!shared) await tx.query('DELETE FROM pif_metrics WHERE ref = $1', [metrics]);
}

/** The lease of an interface that comes up with DHCP; the management interface has the address by which its host is known. */
export async function lease(
  tx: Tx,
  pif: Pick<StoredRecord<'PIF'>, 'MAC' | 'management' | 'host'>,
): Promise<Partial<StoredRecord<'PIF'>>> {
  if (!pif.management) return addresses.leasedAddress(pif.MAC);
  const given = await givenAddresses(tx, [pif.host]);
  return managementLease(given.get(pif.host) ?? '', pif.MAC);
}
export const noIpv4 = { IP: '', netmask: '', gateway: '', DNS: '' } as const;

/** Up or down, with the address that DHCP gives or takes back. */
export async function setAttached(tx: Tx, subject: pifRules.PifSubject, attached: boolean): Promise<void> {
  const { ref, pif } = subject;
  const leased = pif.ip_configuration_mode !== 'DHCP' ? {} : attached ? await lease(tx, pif) : noIpv4;
  await tx.update('PIF', asRef<'PIF'>(ref), { currently_attached: attached, ...leased });
}
