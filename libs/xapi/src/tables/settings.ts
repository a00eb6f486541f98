/** The table `setting`: values of the control plane itself by key, as JSON. Every key is written by one module alone. */
import type { Reader } from '@xenplane/store';

export async function readSetting<T>(reader: Reader, key: string): Promise<T | undefined> {
  const [row] = await reader.query<{ value: T }>('SELECT value FROM setting WHERE key = $1', [key]);
  return row?.value;
}

/** All whose key begins so, by key. */
export async function readSettings<T>(reader: Reader, prefix: string): Promise<ReadonlyMap<string, T>> {
  const rows = await reader.query<{ key: string; value: T }>(
    'SELECT key, value FROM setting WHERE starts_with(key, $1)',
    [prefix],
  );
  return new Map(rows.map(({ key, value }) => [key, value]));
}

export async function writeSetting(reader: Reader, key: string, value: unknown): Promise<void> {
  await reader.query(
    'INSERT INTO setting(key, value) VALUES ($1, $2::jsonb) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    [key, JSON.stringify(value)],
  );
}
/** Many in one statement. */
export async function writeSettings(
  reader: Reader,
  entries: readonly (readonly [key: string, value: unknown])[],
): Promise<void> {
  await reader.query(
    `INSERT INTO setting(key, value) SELECT k.key, k.value::jsonb FROM unnest($1::text[], $2::text[]) AS k(key, value)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    [entries.map(([key]) => key), entries.map(([, value]) => JSON.stringify(value))],
  );
}
/** Written unless there is one. */
export async function writeFirstSetting(reader: Reader, key: string, value: unknown): Promise<void> {
  await reader.query('INSERT INTO setting(key, value) VALUES ($1, $2::jsonb) ON CONFLICT (key) DO NOTHING', [
    key,
    JSON.stringify(value),
  ]);
}
/** Adds members to an object, or makes it. */
export async function mergeSetting(reader: Reader, key: string, members: object): Promise<void> {
  await reader.query(
    'INSERT INTO setting(key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = setting.value || excluded.value',
    [key, JSON.stringify(members)],
  );
}

export async function removeSetting(reader: Reader, key: string): Promise<void> {
  await reader.query('DELETE FROM setting WHERE key = $1', [key]);
}
export async function removeSettings(reader: Reader, prefix: string): Promise<void> {
  await reader.query('DELETE FROM setting WHERE starts_with(key, $1)', [prefix]);
}
/** Those that begin so and whose key names, after the prefix, none of the objects that the query answers. */
export async function removeSettingsBut(reader: Reader, prefix: string, named: string): Promise<void> {
  await reader.query(
    `DELETE FROM setting s WHERE starts_with(s.key, $1) AND substr(s.key, length($1) + 1) NOT IN (${named})`,
    [prefix],
  );
}

/**
 * Notes that something happens now, in seconds, unless it was noted after `since`: answers how often it was noted by now, or
 * undefined when it is too soon.
 */
export async function noteInSetting(
  reader: Reader,
  key: string,
  { now, since }: { readonly now: number; readonly since: number },
): Promise<number | undefined> {
  const [noted] = await reader.query<{ tries: number }>(
    `INSERT INTO setting(key, value) VALUES ($1, jsonb_build_object('at', $2::float8, 'tries', 1))
     ON CONFLICT (key) DO UPDATE SET value = jsonb_build_object('at', $2::float8, 'tries', coalesce((setting.value->>'tries')::int, 0) + 1)
       WHERE (setting.value->>'at')::float8 <= $3
     RETURNING (value->>'tries')::int AS tries`,
    [key, now, since],
  );
  return noted?.tries;
}
/** Those that begin so and were noted longer ago. */
export async function removeNotesBefore(reader: Reader, prefix: string, days: number): Promise<void> {
  await reader.query(
    "DELETE FROM setting WHERE starts_with(key, $1) AND (value->>'at')::float8 < extract(epoch FROM now() - $2 * interval '1 day')",
    [prefix, days],
  );
}

/** SQL: the value of the key that this expression gives, or NULL. */
export const settingValue = (key: string): string => `(SELECT value FROM setting WHERE key = ${key})`;
