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
import { readSetting, removeSetting, writeSetting } from '../../tables/settings';

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
  const kept = await readSetting<Kept>(store, key);
  const password =
    kept && settings.sealingKey !== undefined ? openText(settings.sealingKey, kept.password) : undefined;
  if (!kept || password === undefined)
    throw new DirectoryTrouble(
      'denied',
      'The password of the account that looks people up cannot be read: join again',
    );
  return {
    ...kept,
    password,
    clock,
    ids,
    server: { url: kept.url, trusted: await trustedBy(store) },
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
      await writeSetting(tx, key, kept);
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

const leave = (tx: Tx): Promise<void> => removeSetting(tx, key);

export const ldap: DirectoryType = { open, prepare, leave };
