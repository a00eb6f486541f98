/** The tables `directory_entry` and `directory_member`: the users and groups of the local directory, and who is in which. */
import type { Reader, Tx } from '@xenplane/store';

export interface DirectoryEntry extends Record<string, unknown> {
  readonly identifier: string;
  readonly name: string;
  readonly is_group: boolean;
  readonly hash: string | null;
  readonly known: Record<string, string>;
}

export async function directoryEntry(
  reader: Reader,
  column: 'name' | 'identifier',
  value: string,
): Promise<DirectoryEntry | undefined> {
  const [row] = await reader.query<DirectoryEntry>(
    `SELECT identifier, name, is_group, hash, known FROM directory_entry WHERE ${column} = $1`,
    [value],
  );
  return row;
}
/** The groups in which an entry is, also by way of other groups. */
export async function groupsOfEntry(reader: Reader, identifier: string): Promise<string[]> {
  const rows = await reader.query<{ g: string }>(
    `WITH RECURSIVE above(g) AS (SELECT group_identifier FROM directory_member WHERE member = $1
           UNION SELECT m.group_identifier FROM directory_member m JOIN above ON m.member = above.g) SELECT g FROM above ORDER BY g`,
    [identifier],
  );
  return rows.map((r) => r.g);
}

export async function insertUser(
  tx: Tx,
  identifier: string | undefined,
  name: string,
  hash: string | undefined,
): Promise<void> {
  await tx.query('INSERT INTO directory_entry(identifier, name, hash) VALUES ($1, $2, $3)', [
    identifier,
    name,
    hash,
  ]);
}
export async function insertGroup(tx: Tx, identifier: string | undefined, name: string): Promise<void> {
  await tx.query('INSERT INTO directory_entry(identifier, name, is_group) VALUES ($1, $2, true)', [
    identifier,
    name,
  ]);
}
/** A member that is in the group stays in it. */
export async function insertMember(tx: Tx, group: string | undefined, member: string): Promise<void> {
  await tx.query(
    'INSERT INTO directory_member(group_identifier, member) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [group, member],
  );
}
/** Members go with their groups. */
export async function removeAllEntries(tx: Tx): Promise<void> {
  await tx.query('DELETE FROM directory_entry');
}
