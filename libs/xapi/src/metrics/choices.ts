/** Which metrics somebody has had recorded or forgotten, against what is recorded by itself. */
import type { Reader } from '@xenplane/store';

export interface Choice {
  readonly recorded: boolean;
  /** In seconds: nothing before is in the archives. */
  readonly since: number;
}
/** By the metric's name. */
export type Choices = Readonly<Record<string, Choice>>;
export type RrdClass = 'host' | 'VM' | 'SR';
const none: Choices = {};

const prefix = 'data_sources/';
const keyOf = (cls: RrdClass, uuid: string): string => `${prefix}${cls}/${uuid}`;

/** Of one object. */
export async function choicesOf(reader: Reader, cls: RrdClass, uuid: string): Promise<Choices> {
  const [row] = await reader.query<{ value: Choices }>('SELECT value FROM setting WHERE key = $1', [
    keyOf(cls, uuid),
  ]);
  return row?.value ?? none;
}

/** Of all objects: there are few. */
export async function allChoices(reader: Reader): Promise<(cls: RrdClass, uuid: string) => Choices> {
  const rows = await reader.query<{ key: string; value: Choices }>(
    'SELECT key, value FROM setting WHERE starts_with(key, $1)',
    [prefix],
  );
  const byKey = new Map(rows.map((r) => [r.key, r.value]));
  return (cls, uuid) => byKey.get(keyOf(cls, uuid)) ?? none;
}

export async function choose(
  reader: Reader,
  cls: RrdClass,
  uuid: string,
  name: string,
  choice: Choice,
): Promise<void> {
  await reader.query(
    'INSERT INTO setting(key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = setting.value || excluded.value',
    [keyOf(cls, uuid), JSON.stringify({ [name]: choice })],
  );
}

/** Lets go of the choices about objects that are no more. */
export async function forgetOrphans(reader: Reader): Promise<void> {
  await reader.query(
    `DELETE FROM setting s WHERE starts_with(s.key, $1) AND NOT EXISTS (SELECT 1 FROM vm WHERE s.key = $1 || 'VM/' || uuid)
       AND NOT EXISTS (SELECT 1 FROM host WHERE s.key = $1 || 'host/' || uuid) AND NOT EXISTS (SELECT 1 FROM sr WHERE s.key = $1 || 'SR/' || uuid)`,
    [prefix],
  );
}
