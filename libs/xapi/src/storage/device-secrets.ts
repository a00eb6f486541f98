/**
 * Passwords in device configurations. A configuration never holds one: it names a secret, and each connection has secrets of its own,
 * which go with it.
 */
import { asRef, XenError } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Context } from '../core/context';
import { recordWith } from '../core/records';

type Config = Readonly<Record<string, string>>;
type Making = Pick<Context, 'plane' | 'tx'>;
const suffix = '_secret';
const isPassword = (key: string): boolean => key.endsWith('password');
const namesSecret = (key: string): boolean => key.endsWith(`password${suffix}`);

/** A configuration that says nothing secret, for answers. */
export const withoutPasswords = (config: Config): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !isPassword(key)));

const secretsIn = (config: Config): string[] =>
  Object.entries(config).flatMap(([key, uuid]) => (namesSecret(key) ? [uuid] : []));

/** True if a secret that the configuration names is gone. */
export async function lacksSecrets(tx: Tx, config: Config): Promise<boolean> {
  const named = new Set(secretsIn(config));
  return (
    named.size > 0 &&
    (await tx.query('SELECT 1 FROM secret WHERE uuid = ANY($1)', [[...named]])).length < named.size
  );
}

async function valuesOf(tx: Tx, uuids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (uuids.length === 0) return new Map();
  const rows = await tx.query<{ uuid: string; value: string }>(
    'SELECT uuid, value FROM secret WHERE uuid = ANY($1)',
    [[...uuids]],
  );
  const values = new Map(rows.map((row) => [row.uuid, row.value]));
  const missing = uuids.find((uuid) => !values.has(uuid));
  if (missing !== undefined) throw new XenError('UUID_INVALID', 'secret', missing);
  return values;
}

/** The secrets of a device config, by the key that will name each: passwords as they are given, and the contents of named secrets. */
async function secretValues(tx: Tx, given: Config): Promise<Record<string, string>> {
  const values = await valuesOf(tx, secretsIn(given));
  const named = Object.entries(given).flatMap(([key, uuid]): [string, string][] =>
    namesSecret(key) ? [[key, values.get(uuid) ?? '']] : [],
  );
  const plain = Object.entries(given).flatMap(([key, value]): [string, string][] =>
    isPassword(key) ? [[`${key}${suffix}`, value]] : [],
  );
  return Object.fromEntries([...named, ...plain]);
}

/** The configuration for this many connections, each with new secrets of its own. */
export async function keepSecrets(
  { plane, tx }: Making,
  given: Config,
  count: number,
): Promise<Record<string, string>[]> {
  const values = Object.entries(await secretValues(tx, given));
  const plain = Object.fromEntries(
    Object.entries(given).filter(([key]) => !isPassword(key) && !namesSecret(key)),
  );
  const configs = Array.from({ length: count }, () => ({
    ...plain,
    ...Object.fromEntries(values.map(([key]) => [key, plane.ids.uuid()])),
  }));
  const rows = configs.flatMap((config: Config) =>
    values.map(([key, value]) => {
      const uuid = config[key] ?? '';
      return { ref: asRef<'secret'>(`OpaqueRef:${uuid}`), ...recordWith('secret', { uuid, value }) };
    }),
  );
  if (rows.length > 0) await tx.insertAll('secret', rows);
  return configs;
}

/** A connection's configuration that takes the place of another: the secrets that it goes on naming stay, the others go. */
export async function changeSecrets(
  making: Making,
  before: Config,
  given: Config,
): Promise<Record<string, string>> {
  const same = Object.fromEntries(
    Object.entries(given).filter(
      ([key, value]) => namesSecret(key) && before[key] === value && !(key.slice(0, -suffix.length) in given),
    ),
  );
  const [fresh = {}] = await keepSecrets(
    making,
    Object.fromEntries(Object.entries(given).filter(([key]) => !(key in same))),
    1,
  );
  await dropSecrets(making.tx, Object.fromEntries(Object.entries(before).filter(([key]) => !(key in same))));
  return { ...fresh, ...same };
}

export async function dropSecrets(tx: Tx, ...configs: readonly Config[]): Promise<void> {
  const uuids = configs.flatMap(secretsIn);
  if (uuids.length > 0) await tx.query('DELETE FROM secret WHERE uuid = ANY($1)', [uuids]);
}

/** The configuration with its passwords, for a pool that does not have its secrets. */
export async function revealSecrets(tx: Tx, config: Config): Promise<Record<string, string>> {
  const values = await secretValues(tx, config);
  const plain = Object.entries(config).filter(([key]) => !namesSecret(key));
  return Object.fromEntries([
    ...plain,
    ...Object.entries(values).map(([key, value]) => [key.slice(0, -suffix.length), value] as const),
  ]);
}

/** Takes connections away, and their secrets. */
export async function removePbds(tx: Tx, where: 'host' | 'SR', refs: readonly string[]): Promise<void> {
  const gone = await tx.query<{ device_config: Config }>(
    `DELETE FROM pbd WHERE "${where}" = ANY($1) RETURNING device_config`,
    [[...refs]],
  );
  await dropSecrets(tx, ...gone.map((pbd) => pbd.device_config));
}
