/** The API processes that live, by their rows in the database: agents learn of them and turn to another when one is away. */
import type { Plane } from '../core/context';

const livesMs = 30_000,
  forgottenMs = 3_600_000;
const known = new WeakMap<Plane['store'], readonly string[]>();

/** Says that this API lives, and learns who else does. Done every few seconds. */
export async function showApi({ store, settings }: Plane): Promise<void> {
  const rows = await store.query<{ url: string }>(
    `WITH gone AS (DELETE FROM api WHERE seen < now() - $3 * interval '1 millisecond'),
          mine AS (INSERT INTO api(url) VALUES ($1) ON CONFLICT (url) DO UPDATE SET seen = now())
     SELECT url FROM api WHERE url <> $1 AND seen > now() - $2 * interval '1 millisecond' ORDER BY url`,
    [settings.url(), livesMs, forgottenMs],
  );
  known.set(store, [settings.url(), ...rows.map((r) => r.url)]);
}

/** Where agents can turn to, as this process last saw it. */
export const livingApis = ({ store }: Plane): readonly string[] => known.get(store) ?? [];
