/** The kind of directory that clients call AD: behind LDAP, of Windows or of others. */
import { ResultCodeError } from 'ldapts';
import { XenError } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';
import type { Plane } from '../../core/context';
import {
  DirectoryTrouble,
  type Configuration,
  type Directory,
  type DirectoryType,
  type Joined,
} from '../directory';
import { openText, sealText } from '../sealed-text';
import { ldapDirectory, type Access, type Settings } from './directory';
import { probe, joinRequestOf } from './join';

const key = 'directory/ldap';
interface Kept extends Settings {
  readonly password: string;
}

/** Of certificates the ones that are there for this, else all that the pool trusts. */
async function trustedBy(reader: Reader): Promise<string[]> {
  const rows = await reader.query<{ content: string; meant: boolean }>(
    `SELECT f.content, c.purpose ? 'ldaps' AS meant FROM pool_file f JOIN certificate c ON c.type = 'ca' AND c.name = f.name
     WHERE f.kind = 'ca' AND (c.purpose ? 'ldaps' OR c.purpose = '[]') ORDER BY f.name`,
    [],
  );
  const meant = rows.filter((r) => r.meant);
  return (meant.length > 0 ? meant : rows).map((r) => r.content);
}

async function access({ store, settings, clock, ids }: Plane): Promise<Access> {
  const [row] = await store.query<{ value: Kept }>('SELECT value FROM setting WHERE key = $1', [key]);
  const password =
    row && settings.sealingKey !== undefined ? openText(settings.sealingKey, row.value.password) : undefined;
  if (!row || password === undefined)
    throw new DirectoryTrouble(
      'denied',
      'The password of the account that looks people up cannot be read: join again',
    );
  return {
    ...row.value,
    password,
    clock,
    ids,
    server: { url: row.value.url, trusted: await trustedBy(store) },
  };
}

async function prepare(plane: Plane, service: string, configuration: Configuration): Promise<Joined> {
  const wish = joinRequestOf(service, configuration);
  const { sealingKey } = plane.settings;
  if (sealingKey === undefined)
    throw new XenError('AUTH_ENABLE_FAILED', 'A password can only be kept with XENPLANE_SEALING_KEY');
  const settings = await probe(wish, await trustedBy(plane.store));
  const { ou } = configuration;
  const kept: Kept = { ...settings, password: sealText(sealingKey, wish.password) };
  return {
    shown: {
      domain: service,
      user: configuration['user'] ?? '',
      workgroup: settings.workgroup,
      ldaps: String(settings.url.startsWith('ldaps:')),
      url: settings.url,
      base: settings.base,
      schema: settings.schema,
      ...(ou === undefined ? {} : { ou }),
    },
    keep: async (tx) => {
      await tx.query(
        'INSERT INTO setting(key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        [key, JSON.stringify(kept)],
      );
    },
  };
}

/** Opened anew for each question: a certificate that was added counts at once. */
function open(plane: Plane): Directory {
  const ask = async <T>(question: (directory: Directory) => Promise<T>): Promise<T> => {
    try {
      return await question(ldapDirectory(await access(plane)));
    } catch (error) {
      throw error instanceof ResultCodeError
        ? new DirectoryTrouble('denied', `The directory refuses: ${error.message}`, error)
        : error;
    }
  };
  return {
    authenticate: (name, password) => ask((d) => d.authenticate(name, password)),
    named: (name) => ask((d) => d.named(name)),
    identified: (identifier) => ask((d) => d.identified(identifier)),
    groupsOf: (identifier) => ask((d) => d.groupsOf(identifier)),
  };
}

const leave = async (tx: Tx): Promise<void> =>
  void (await tx.query('DELETE FROM setting WHERE key = $1', [key]));

export const ldap: DirectoryType = { open, prepare, leave };
