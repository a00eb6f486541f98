/** Accounts of OpenLDAP, 389 and their like: `uid`, identified by `entryUUID`; groups by distinguished names or by names of users. */
import type { Entry } from '../directory';
import { accountName } from './account-names';
import type { Found } from './conversation';
import { all, any, is, isA, type Filter } from './filters';
import type { Domain, Schema } from './schema';

const groupClasses = ['groupOfNames', 'groupOfUniqueNames', 'posixGroup'];
const userClasses = ['posixAccount', 'inetOrgPerson'];
const isUser = isA(...userClasses),
  isGroup = isA(...groupClasses);
const dayMs = 24 * 3600 * 1000;

function ofUser(found: Found, name: string, now: Date): Record<string, string> {
  const gecos = found.text('displayName') || found.text('gecos') || found.text('cn');
  const lastDay = Number(found.text('shadowExpire') || NaN);
  return {
    'subject-gecos': gecos,
    'subject-displayname': gecos || name,
    'subject-uid': found.text('uidNumber'),
    'subject-upn': '',
    'subject-account-disabled': String(found.text('nsAccountLock').toLowerCase() === 'true'),
    'subject-account-locked': String(found.text('pwdAccountLockedTime') !== ''),
    'subject-account-expired': String(lastDay >= 0 && lastDay * dayMs < now.getTime()),
    'subject-password-expired': 'false',
  };
}

function entry(found: Found, { now }: { readonly now: Date }): Entry | undefined {
  const identifier = found.text('entryUUID'),
    group = groupClasses.some((c) => found.is(c));
  const name = found.text(group ? 'cn' : 'uid');
  if (identifier === '' || name === '' || (!group && !userClasses.some((c) => found.is(c)))) return undefined;
  const known = {
    'subject-name': name,
    'subject-sid': identifier,
    'subject-is-group': String(group),
    'subject-gid': found.text('gidNumber'),
  };
  return {
    identifier,
    name,
    isGroup: group,
    known: { ...(group ? {} : ofUser(found, name, now)), ...known },
  };
}

/** A name of another domain is looked for as it is: an account may be called so. */
const plain = (name: string, domain: Domain): string | undefined => {
  const asked = accountName(name, domain);
  return asked?.ours ? asked.account : asked?.principal;
};
function users(name: string, domain: Domain): Filter | undefined {
  const uid = plain(name, domain);
  return uid === undefined ? undefined : all(isUser, is('uid', uid));
}
function groups(name: string, domain: Domain): Filter | undefined {
  const cn = plain(name, domain);
  return cn === undefined ? undefined : all(isGroup, is('cn', cn));
}

function groupsOf(members: readonly Found[]): Filter {
  const ways = members.flatMap((member) => {
    const byDn = [is('member', member.dn), is('uniqueMember', member.dn)];
    if (groupClasses.some((c) => member.is(c))) return byDn;
    const gid = member.text('gidNumber');
    return [
      ...byDn,
      is('memberUid', member.text('uid')),
      ...(gid ? [all(isA('posixGroup'), is('gidNumber', gid))] : []),
    ];
  });
  return all(isGroup, any(...ways));
}

export const posix: Schema = {
  attributes: [
    'objectClass',
    'entryUUID',
    'uid',
    'cn',
    'displayName',
    'gecos',
    'uidNumber',
    'gidNumber',
    'shadowExpire',
    'pwdAccountLockedTime',
    'nsAccountLock',
  ],
  anybody: isUser,
  users,
  groups,
  identified: (identifier) =>
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(identifier) ? is('entryUUID', identifier) : undefined,
  entry,
  groupsOf,
};
