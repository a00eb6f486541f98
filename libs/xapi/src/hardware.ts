/** What a host was made of when its agent last registered, and which of its PCI devices are kept from Dom0. */
import type { Inventory } from '@xenplane/hypervisor';
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

export async function hardwareOf(tx: Tx, host: Ref<'host'>): Promise<Inventory> {
  const [row] = await tx.query<{ inventory: Inventory }>('SELECT inventory FROM host_hardware WHERE host = $1', [host]);
  if (!row) throw new Error(`the hardware of host ${host} is not known`);
  return row.inventory;
}

export async function insertHardware(tx: Tx, hosts: readonly (readonly [Ref<'host'>, Inventory])[]): Promise<void> {
  await tx.query('INSERT INTO host_hardware(host, inventory) SELECT * FROM unnest($1::text[], $2::jsonb[])', [
    hosts.map(([host]) => host),
    hosts.map(([, inventory]) => JSON.stringify(inventory)),
  ]);
}

/** A boot of the hypervisor makes true what was asked for the next one. Nothing is written when nothing is new. */
export async function updateHardware(tx: Tx, host: string, inventory: Inventory, booted: boolean): Promise<void> {
  const rows = await tx.query<{ hidden: string[] }>(
    `INSERT INTO host_hardware AS known (host, inventory) VALUES ($1, $2)
     ON CONFLICT (host) DO UPDATE SET inventory = excluded.inventory, hidden = CASE WHEN $3 THEN known.hidden_next ELSE known.hidden END
     WHERE known.inventory <> excluded.inventory OR ($3 AND known.hidden <> known.hidden_next) RETURNING hidden`,
    [host, JSON.stringify(inventory), booted],
  );
  if (!booted || rows.length === 0) return;
  await tx.query(
    `UPDATE pgpu g SET dom0_access = CASE WHEN p.pci_id = ANY($2) THEN 'disabled' ELSE 'enabled' END FROM pci p WHERE p.ref = g."PCI" AND g.host = $1`,
    [host, rows[0]?.hidden ?? []],
  );
}

type Access = 'enabled' | 'disable_on_reboot' | 'disabled' | 'enable_on_reboot';
const accessOf = (now: boolean, next: boolean): Access => (now ? (next ? 'disabled' : 'enable_on_reboot') : next ? 'disable_on_reboot' : 'enabled');

/** Whether Dom0 sees the device now and after the next boot. */
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
