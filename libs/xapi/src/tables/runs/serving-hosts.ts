/** The hosts at which clients read disks over NBD. */
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { settingValue } from '../settings';

export interface ServingHost {
  readonly host: Ref<'host'>;
  readonly address: string;
  readonly certificate: string | null;
}
/** A pool may have very many hosts that reach a repository; a client needs a few of them. */
const mostTold = 32;
/** The live hosts that have the repository and an address on a network for it. Where several share an address, one of them. */
export async function servingHosts(tx: Tx, sr: Ref<'SR'>): Promise<ServingHost[]> {
  return tx.query<ServingHost & Record<string, unknown>>(
    `SELECT host, address, certificate FROM (
       SELECT DISTINCT ON (h.address) h.ref AS host, h.address, r.number, ${settingValue("'host/' || h.ref || '/certificate/host'")}->>'certificate' AS certificate
       FROM pbd b JOIN host h ON h.ref = b.host JOIN host_run r ON r.host = h.ref JOIN pif p ON p.host = h.ref JOIN network n ON n.ref = p.network
       WHERE b."SR" = $1 AND b.currently_attached AND r.alive AND p.currently_attached
         AND (p."IP" <> '' OR jsonb_array_length(p."IPv6") > 0) AND n.purpose ?| array['nbd', 'insecure_nbd']
       ORDER BY h.address, r.number) found ORDER BY number LIMIT ${mostTold}`,
    [sr],
  );
}
