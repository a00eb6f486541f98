/** Settings of a host that show in no field of its record. */
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { readSetting, removeSettings, writeSetting } from '../tables/settings';

const keyOf = (host: Ref<'host'>, name: string): string => `host/${host}/${name}`;

export async function hostSetting<T>(tx: Tx, host: Ref<'host'>, name: string, otherwise: T): Promise<T> {
  return (await readSetting<T>(tx, keyOf(host, name))) ?? otherwise;
}
export async function setHostSetting(tx: Tx, host: Ref<'host'>, name: string, value: unknown): Promise<void> {
  await writeSetting(tx, keyOf(host, name), value);
}
export async function forgetHostSettings(tx: Tx, host: Ref<'host'>): Promise<void> {
  await removeSettings(tx, keyOf(host, ''));
}
