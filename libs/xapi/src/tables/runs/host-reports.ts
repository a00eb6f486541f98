/** What the tables of runs say of one host, as its status report shows it. */
import type { Reader } from '@xenplane/store';

export const runsOfHost = (reader: Reader, host: string): Promise<unknown[]> =>
  reader.query(
    'SELECT v.uuid, v.name_label, v.power_state, r.state, r.domid, r.since FROM vm_run r JOIN vm v ON v.ref = r.vm WHERE r.host = $1',
    [host],
  );
export const reservationsOfHost = (reader: Reader, host: string): Promise<unknown[]> =>
  reader.query('SELECT * FROM reservation WHERE host = $1 ORDER BY vm', [host]);
/** The latest first. */
export const placementsOfHost = (reader: Reader, host: string): Promise<unknown[]> =>
  reader.query(
    'SELECT id, vm, task, decided, policy, explanation FROM placement WHERE host = $1 ORDER BY id DESC LIMIT 1000',
    [host],
  );
