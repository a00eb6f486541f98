/** Settings of a host that show in no field of its record. */
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

const keyOf = (host: Ref<'host'>, name: string): string => `host/${host}/${name}`;

export async function hostSetting<T>(tx: Tx, host: Ref<'host'>, name: string, otherwise: T): Promise<T> {
  const [row] = await tx.query<{ value: T }>('SELECT value FROM setting WHERE key = $1', [keyOf(host, name)]);
  return row ? row.value : otherwise;
}
export async function setHostSetting(tx: Tx, host: Ref<'host'>, name: string, value: unknown): Promise<void> {
  await tx.query(
    'INSERT INTO setting(key, value) VALUES ($1, $2::jsonb) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    [keyOf(host, name), JSON.stringify(value)],
  );
}
export async function forgetHostSettings(tx: Tx, host: Ref<'host'>): Promise<void> {
  await tx.query("DELETE FROM setting WHERE key LIKE $1 || '/%'", [`host/${host}`]);
}
