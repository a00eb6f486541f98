/** The table `credential`: hashes of the passwords of local users. */
import type { Reader } from '@xenplane/store';

export async function passwordHash(reader: Reader, name: string): Promise<string | undefined> {
  const [row] = await reader.query<{ hash: string }>('SELECT hash FROM credential WHERE name = $1', [name]);
  return row?.hash;
}
/** Of a user that has a record, with its reference. */
export async function credentialOf(
  reader: Reader,
  name: string,
): Promise<{ readonly hash: string; readonly ref: string } | undefined> {
  const [row] = await reader.query<{ hash: string; ref: string }>(
    'SELECT c.hash, u.ref FROM credential c JOIN "user" u ON u.short_name = c.name WHERE c.name = $1',
    [name],
  );
  return row;
}
export async function setPasswordHash(reader: Reader, name: string, hash: string): Promise<void> {
  await reader.query(
    'INSERT INTO credential(name, hash, changed) VALUES ($1, $2, now()) ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, changed = now()',
    [name, hash],
  );
}
