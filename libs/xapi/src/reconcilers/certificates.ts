/** Warns of certificates that expire soon or have expired: one message a certificate, replaced as the end comes nearer. */
import { type StoredRecord } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { raiseAlert, type Alert } from '../core/alerts';
import type { Plane } from '../core/context';

interface Ending {
  readonly type: StoredRecord<'Certificate'>['type'];
  readonly uuid: string;
  readonly host: string | null;
  readonly not_after: string;
  readonly days: number;
}
const names = {
  host: 'HOST_SERVER',
  host_internal: 'HOST_INTERNAL',
  ca: 'POOL_CA',
  pinned: 'POOL_PINNED',
} as const;
/** How near the end is, and how urgent that is. */
const stages = [
  { within: 0, suffix: 'EXPIRED', priority: 1 },
  { within: 8, suffix: 'EXPIRING_07', priority: 1 },
  { within: 15, suffix: 'EXPIRING_14', priority: 2 },
  { within: 31, suffix: 'EXPIRING_30', priority: 3 },
] as const;

export async function warnOfCertificates(plane: Plane): Promise<{ readonly told: number }> {
  const now = plane.clock.now().toISOString();
  return inTransaction(plane.store, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/certificates'))", []);
    const ending = await tx.query<Ending & { uuid: string }>(
      `SELECT c.type, c.uuid, h.uuid AS host, to_char(c.not_after AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24:MI:SS"Z"') AS not_after, floor(extract(epoch FROM c.not_after - $1::timestamptz) / 86400)::int AS days
       FROM certificate c LEFT JOIN host h ON h.ref = c.host WHERE c.not_after < $1::timestamptz + interval '31 days' ORDER BY c.uuid`,
      [now],
    );
    const alerts = ending.flatMap((one) => alertOf(one) ?? []);
    const missing = await replaced(tx, alerts);
    for (const alert of missing) await raiseAlert(tx, plane, alert);
    return { told: missing.length };
  });
}

function alertOf({ type, uuid, host, not_after, days }: Ending): Alert | undefined {
  const stage = stages.find(({ within }) => days < within);
  if (!stage) return undefined;
  const text = stage.suffix === 'EXPIRED' ? 'The certificate has expired' : 'The certificate expires soon';
  return {
    name: `${names[type]}_CERTIFICATE_${stage.suffix}`,
    priority: stage.priority,
    cls: host === null ? 'Certificate' : 'Host',
    obj_uuid: host ?? uuid,
    body: `<body><message>${text}</message><date>${not_after}</date></body>`,
  };
}

/** Messages that say something else by now go; answers what is not said yet. */
async function replaced(tx: Tx, alerts: readonly Alert[]): Promise<readonly Alert[]> {
  const present = await tx.query<Pick<Alert, 'name' | 'obj_uuid' | 'body'> & { ref: string; name: string }>(
    `SELECT ref, name, obj_uuid, body FROM message WHERE name ~ '^(HOST_SERVER|HOST_INTERNAL|POOL_CA|POOL_PINNED)_CERTIFICATE_EXPIR' AND cls IN ('Host', 'Certificate')`,
    [],
  );
  const same = (
    a: Pick<Alert, 'name' | 'obj_uuid' | 'body'>,
    b: Pick<Alert, 'name' | 'obj_uuid' | 'body'>,
  ): boolean => a.name === b.name && a.obj_uuid === b.obj_uuid && a.body === b.body;
  const over = present.filter((message) => !alerts.some((alert) => same(message, alert)));
  await tx.query('DELETE FROM message WHERE ref = ANY($1)', [over.map((message) => message.ref)]);
  return alerts.filter((alert) => !present.some((message) => same(message, alert)));
}
