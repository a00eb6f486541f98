/** Repositories that set aside at once all that a disk may come to hold; a snapshot keeps no more than it holds, nor does a base copy. */
import type { StoredRecord } from '@xenplane/model';

type Vdi = StoredRecord<'VDI'>;
export const isThick = ({ sm_config }: Pick<StoredRecord<'SR'>, 'sm_config'>): boolean =>
  sm_config['allocation'] === 'thick';
export const allocatedBytes = ({
  is_a_snapshot,
  managed,
  physical_utilisation,
  virtual_size,
}: Pick<Vdi, 'is_a_snapshot' | 'managed' | 'physical_utilisation' | 'virtual_size'>): number =>
  is_a_snapshot || !managed ? physical_utilisation : virtual_size;

/** The same in the database, of the repository `s`. */
export const isThickSql = `coalesce(s.sm_config->>'allocation' = 'thick', false)`;
export const allocatedBytesSql = `(SELECT coalesce(sum(CASE WHEN d.is_a_snapshot OR NOT d.managed THEN d.physical_utilisation ELSE d.virtual_size END), 0) FROM vdi d WHERE d."SR" = s.ref)`;
