/** Which metrics somebody has had recorded or forgotten, against what is recorded by itself. */
import type { Reader } from '@xenplane/store';
import { mergeSetting, readSetting, readSettings, removeSettingsBut } from '../tables/settings';

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
  return (await readSetting<Choices>(reader, keyOf(cls, uuid))) ?? none;
}

/** Of all objects: there are few. */
export async function allChoices(reader: Reader): Promise<(cls: RrdClass, uuid: string) => Choices> {
  const byKey = await readSettings<Choices>(reader, prefix);
  return (cls, uuid) => byKey.get(keyOf(cls, uuid)) ?? none;
}

export async function choose(
  reader: Reader,
  cls: RrdClass,
  uuid: string,
  name: string,
  choice: Choice,
): Promise<void> {
  await mergeSetting(reader, keyOf(cls, uuid), { [name]: choice });
}

/** Lets go of the choices about objects that are no more. */
export async function forgetOrphans(reader: Reader): Promise<void> {
  await removeSettingsBut(
    reader,
    prefix,
    "SELECT 'VM/' || uuid FROM vm UNION ALL SELECT 'host/' || uuid FROM host UNION ALL SELECT 'SR/' || uuid FROM sr",
  );
}
