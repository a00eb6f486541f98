/**
 * The directory that the control plane keeps itself: users with a password, groups with members. It is filled by what the
 * pool is joined with: `user:<name>` is a password, `group:<name>` the names of its members, users or groups, with commas.
 */
import { XenError } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Plane } from '../core/context';
import { hashPassword, longestPassword, verifyPassword } from './passwords';
import type { Configuration, Directory, DirectoryType, Entry, Joined } from './directory';
import {
  directoryEntry,
  groupsOfEntry,
  insertGroup,
  insertMember,
  insertUser,
  removeAllEntries,
  type DirectoryEntry,
} from '../tables/directory-entries';

const entryOf = ({ identifier, name, is_group, known }: DirectoryEntry): Entry => ({
  identifier,
  name,
  isGroup: is_group,
  known: {
    'subject-name': name,
    'subject-gecos': name,
    'subject-displayname': name,
    'subject-is-group': String(is_group),
    [is_group ? 'subject-gid' : 'subject-uid']: identifier.slice(1),
    ...(is_group
      ? {}
      : {
          'subject-account-disabled': 'false',
          'subject-account-expired': 'false',
          'subject-account-locked': 'false',
          'subject-password-expired': 'false',
        }),
    ...known,
  },
});

function open({ store }: Plane): Directory {
  return {
    authenticate: async (name, password) => {
      const row = await directoryEntry(store, 'name', name);
      const right = await verifyPassword(password, row?.hash ?? undefined);
      return right && row ? entryOf(row) : undefined;
    },
    named: async (name) => shown(await directoryEntry(store, 'name', name)),
    identified: async (identifier) => shown(await directoryEntry(store, 'identifier', identifier)),
    groupsOf: (identifier) => groupsOfEntry(store, identifier),
  };
}
const shown = (row: DirectoryEntry | undefined): Entry | undefined => row && entryOf(row);

const firstId = 1001;
const mostPeople = 100;
const plainName = /^[^\s:,/\\]{1,64}$/;
const part = (configuration: Configuration, prefix: string): [string, string][] =>
  Object.entries(configuration)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value]);

function assertNames(users: readonly [string, string][], groups: readonly [string, string][]): void {
  const names = [...users, ...groups].map(([name]) => name);
  if (names.length > mostPeople)
    throw new XenError('AUTH_ENABLE_FAILED', `The directory can hold ${mostPeople} users and groups`);
  const bad = names.find((name, i) => !plainName.test(name) || name === 'root' || names.indexOf(name) !== i);
  if (bad !== undefined)
    throw new XenError(
      'AUTH_ENABLE_FAILED_INVALID_ACCOUNT',
      `The name ${JSON.stringify(bad)} cannot be used`,
    );
  const open = users.find(([, password]) => password === '' || Buffer.byteLength(password) > longestPassword);
  if (open)
    throw new XenError(
      'AUTH_ENABLE_FAILED_WRONG_CREDENTIALS',
      `The password of ${open[0]} is empty or too long`,
    );
}

async function prepare(_plane: Plane, _service: string, configuration: Configuration): Promise<Joined> {
  const users = part(configuration, 'user:'),
    groups = part(configuration, 'group:');
  assertNames(users, groups);
  const ids = new Map([
    ...users.map(([name], i) => [name, `u${firstId + i}`] as const),
    ...groups.map(([name], i) => [name, `g${firstId + i}`] as const),
  ]);
  const hashes = await Promise.all(users.map(([, password]) => hashPassword(password)));
  const keep = async (tx: Tx): Promise<void> => {
    for (const [i, [name]] of users.entries()) await insertUser(tx, ids.get(name), name, hashes[i]);
    for (const [name] of groups) await insertGroup(tx, ids.get(name), name);
    for (const [name, list] of groups)
      for (const member of list.split(',').filter((m) => m.trim() !== ''))
        await addMember(tx, ids, name, member.trim());
  };
  return {
    keep,
    shown: Object.fromEntries(
      Object.entries(configuration).filter(([key]) => !/^(user|group):|pass/i.test(key)),
    ),
  };
}

async function addMember(
  tx: Tx,
  ids: ReadonlyMap<string, string>,
  group: string,
  member: string,
): Promise<void> {
  const identifier = ids.get(member);
  if (identifier === undefined)
    throw new XenError(
      'AUTH_ENABLE_FAILED_INVALID_ACCOUNT',
      `The group ${group} names ${member}, whom nobody knows`,
    );
  await insertMember(tx, ids.get(group), identifier);
}

export const localDirectory: DirectoryType = {
  open,
  prepare,
  leave: removeAllEntries,
};
