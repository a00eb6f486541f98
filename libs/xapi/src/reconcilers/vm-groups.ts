/** An alert for VMs of an anti-affinity group that all run on one host, for as long as it is so. */
import { inTransaction } from '@xenplane/store';
import { raiseAlert } from '../core/alerts';
import type { Plane } from '../core/context';

const name = 'ALL_RUNNING_VMS_IN_ANTI_AFFINITY_GRP_ON_SINGLE_HOST';
const fewest = 2;

export async function alertGroups(plane: Plane): Promise<{ readonly told: number }> {
  return inTransaction(plane.store, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/vm-groups'))", []);
    const together = await tx.query<{ vm_group: string; host: string; pool: string }>(
      `SELECT g.uuid AS vm_group, min(h.uuid) AS host, min(p.uuid) AS pool FROM vm_group g JOIN vm v ON g.ref = ANY(v.groups) AND v.power_state = 'Running' JOIN host h ON h.ref = v.resident_on, pool p
       WHERE g.placement = 'anti_affinity' GROUP BY g.uuid HAVING count(*) >= ${fewest} AND count(DISTINCT h.uuid) = 1 ORDER BY 1`,
      [],
    );
    const bodies = together.map(({ vm_group, host, pool }) => ({
      pool,
      body: `<body><message>VMs that want to be apart run on one host</message><VM_group>${vm_group}</VM_group><host>${host}</host></body>`,
    }));
    const present = await tx.query<{ ref: string; body: string }>(
      "SELECT ref, body FROM message WHERE name = $1 AND cls = 'Pool'",
      [name],
    );
    const over = present.filter((message) => !bodies.some(({ body }) => body === message.body));
    await tx.query('DELETE FROM message WHERE ref = ANY($1)', [over.map((message) => message.ref)]);
    const missing = bodies.filter(({ body }) => !present.some((message) => message.body === body));
    for (const { pool, body } of missing)
      await raiseAlert(tx, plane, { name, priority: 3, cls: 'Pool', obj_uuid: pool, body });
    return { told: missing.length };
  });
}
