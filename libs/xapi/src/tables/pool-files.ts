/** The table `pool_file`: files that every host of the pool has, such as certificates. */
import type { Reader, Tx } from '@xenplane/store';

export async function poolFileNames(tx: Tx, kind: string): Promise<string[]> {
  const rows = await tx.query<{ name: string }>(
    'SELECT name FROM pool_file WHERE kind = $1 ORDER BY name',
    [kind],
  );
  return rows.map(({ name }) => name);
}
/** False when there is one of this name. */
export async function insertPoolFile(tx: Tx, kind: string, name: string, content: string): Promise<boolean> {
  const rows = await tx.query(
    'INSERT INTO pool_file(kind, name, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING name',
    [kind, name, content],
  );
  return rows.length > 0;
}
/** False when there was none of this name. */
export async function removePoolFile(tx: Tx, kind: string, name: string): Promise<boolean> {
  const rows = await tx.query('DELETE FROM pool_file WHERE kind = $1 AND name = $2 RETURNING name', [kind, name]);
  return rows.length > 0;
}

/** The certificates that count for every purpose: of authorities, and pinned ones. */
export const trustedFiles = (
  reader: Reader,
): Promise<{ readonly kind: string; readonly content: string }[]> =>
  reader.query<{ kind: string; content: string }>(
    `SELECT f.kind, f.content FROM pool_file f WHERE f.kind IN ('ca', 'pinned')
       AND EXISTS (SELECT 1 FROM certificate c WHERE c.type = f.kind AND c.name = f.name AND c.purpose = '[]')`,
    [],
  );
/** Of authorities those that count for LDAP, with whether they are meant for it alone. */
export const directoryAuthorities = (
  reader: Reader,
): Promise<{ readonly content: string; readonly meant: boolean }[]> =>
  reader.query<{ content: string; meant: boolean }>(
    `SELECT f.content, c.purpose ? 'ldaps' AS meant FROM pool_file f JOIN certificate c ON c.type = 'ca' AND c.name = f.name
     WHERE f.kind = 'ca' AND (c.purpose ? 'ldaps' OR c.purpose = '[]') ORDER BY f.name`,
    [],
  );
