/** The hardware of a host as its agent last registered it, and which of its PCI devices are kept from Dom0. */
import type { Inventory } from '@xenplane/hypervisor';
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

export async function hardwareOf(tx: Tx, host: Ref<'host'>): Promise<Inventory> {
  const [row] = await tx.query<{ inventory: Inventory }>(
    'SELECT inventory FROM host_hardware WHERE host = $1',
    [host],
  );
  if (!row) throw new Error(`the hardware of host ${host} is not known`);
  return row.inventory;
}

export async function insertHardware(
  tx: Tx,
  hosts: readonly (readonly [Ref<'host'>, Inventory])[],
): Promise<void> {
  await tx.query('INSERT INTO host_hardware(host, inventory) SELECT * FROM unnest($1::text[], $2::jsonb[])', [
    hosts.map(([host]) => host),
    hosts.map(([, inventory]) => JSON.stringify(inventory)),
  ]);
}

/** The hardware that a host reports, and whether its hypervisor was booted anew. */
interface Found {
  readonly ref: Ref<'host'>;
  readonly inventory: Inventory;
  readonly booted: boolean;
}
/** A boot of the hypervisor makes true what was asked for the next one. Nothing is written when nothing is new. */
export async function updateHardware(tx: Tx, hosts: readonly Found[]): Promise<void> {
  await tx.query(
    `WITH found AS (SELECT * FROM unnest($1::text[], $2::jsonb[], $3::boolean[]) AS f(host, inventory, booted)),
          written AS (INSERT INTO host_hardware AS known (host, inventory) SELECT host, inventory FROM found
            ON CONFLICT (host) DO UPDATE SET inventory = excluded.inventory,
              hidden = CASE WHEN (SELECT booted FROM found f WHERE f.host = known.host) THEN known.hidden_next ELSE known.hidden END
            WHERE known.inventory <> excluded.inventory OR ((SELECT booted FROM found f WHERE f.host = known.host) AND known.hidden <> known.hidden_next)
            RETURNING host, hidden, inventory),
          chipsets AS (UPDATE host h SET chipset_info = h.chipset_info || w.chipset
            FROM (SELECT host, jsonb_build_object('iommu', coalesce(inventory ->> 'iommu', 'true')) AS chipset FROM written) w
            WHERE h.ref = w.host AND NOT h.chipset_info @> w.chipset)
     UPDATE pgpu g SET dom0_access = CASE WHEN p.pci_id = ANY(w.hidden) THEN 'disabled' ELSE 'enabled' END
     FROM written w, found f, pci p WHERE f.host = w.host AND f.booted AND g.host = w.host AND p.ref = g."PCI"`,
    [
      hosts.map(({ ref }) => ref),
      hosts.map(({ inventory }) => JSON.stringify(inventory)),
      hosts.map(({ booted }) => booted),
    ],
  );
}

type Access = 'enabled' | 'disable_on_reboot' | 'disabled' | 'enable_on_reboot';
const accessOf = (now: boolean, next: boolean): Access =>
  now ? (next ? 'disabled' : 'enable_on_reboot') : next ? 'disable_on_reboot' : 'enabled';

/** Dom0's access to the device, now and after the next boot. */
export async function dom0Access(tx: Tx, host: Ref<'host'>, pciId: string): Promise<Access> {
  const [row] = await tx.query<{ now: boolean; next: boolean }>(
    'SELECT $2 = ANY(hidden) AS now, $2 = ANY(hidden_next) AS next FROM host_hardware WHERE host = $1',
    [host, pciId],
  );
  return accessOf(row?.now ?? false, row?.next ?? false);
}
export async function hideFromDom0(tx: Tx, host: Ref<'host'>, pciId: string, hide: boolean): Promise<Access> {
  const [row] = await tx.query<{ now: boolean; next: boolean }>(
    `UPDATE host_hardware SET hidden_next = array_remove(hidden_next, $2) || CASE WHEN $3 THEN ARRAY[$2::text] ELSE '{}' END WHERE host = $1
     RETURNING $2 = ANY(hidden) AS now, $2 = ANY(hidden_next) AS next`,
    [host, pciId, hide],
  );
  return accessOf(row?.now ?? false, row?.next ?? false);
}
