/** Accounts of Windows: `sAMAccountName` within a domain, identified by SID. What hosts know by winbind has the same names and numbers here. */
import type { Entry } from '../directory';
import { accountName } from './account-names';
import type { Found } from './conversation';
import { all, any, is, isA, not, type Filter } from './filters';
import type { Domain, Schema } from './schema';
import { inSameDomain, relativeId, sidBytes, sidText } from './sid';

const computed = 'msDS-User-Account-Control-Computed';
const isUser = all(isA('user'), not(isA('computer')));
/** Where winbind's numbers of users and groups begin. */
const firstId = 2_000_000;

/** Bits of `userAccountControl`. */
const disabled = 0x2,
  locked = 0x10,
  passwordExpired = 0x80_0000;
const ticksASecond = 10_000_000n,
  secondsTo1970 = 11_644_473_600n,
  never = 2n ** 63n - 1n;

const number = (text: string): bigint => (/^-?\d{1,20}$/.test(text) ? BigInt(text) : 0n);
function hasExpired(ticks: bigint, now: Date): boolean {
  return (
    ticks !== 0n && ticks !== never && (ticks / ticksASecond - secondsTo1970) * 1000n < BigInt(now.getTime())
  );
}

function sidOf(found: Found): string | undefined {
  const bytes = found.bytes('objectSid');
  return bytes && sidText(bytes);
}

function ofUser(found: Found, sid: string, name: string, now: Date): Record<string, string> {
  const control = Number(number(found.text('userAccountControl')) | number(found.text(computed)));
  const has = (bit: number): string => String((control & bit) !== 0);
  const gecos = found.text('displayName');
  return {
    'subject-upn': found.text('userPrincipalName'),
    'subject-gecos': gecos,
    'subject-displayname': gecos || name,
    'subject-uid': String(firstId + relativeId(sid)),
    'subject-gid': String(firstId + Number(number(found.text('primaryGroupID')))),
    'subject-account-disabled': has(disabled),
    'subject-account-locked': has(locked),
    'subject-account-expired': String(hasExpired(number(found.text('accountExpires')), now)),
    'subject-password-expired': has(passwordExpired),
  };
}

function entry(found: Found, { workgroup, now }: Domain & { readonly now: Date }): Entry | undefined {
  const identifier = sidOf(found),
    account = found.text('sAMAccountName'),
    isGroup = found.is('group');
  if (identifier === undefined || account === '' || (!isGroup && !found.is('user'))) return undefined;
  const name = `${workgroup}\\${account}`;
  const known = isGroup
    ? { 'subject-gid': String(firstId + relativeId(identifier)) }
    : ofUser(found, identifier, name, now);
  return {
    identifier,
    name,
    isGroup,
    known: { ...known, 'subject-name': name, 'subject-sid': identifier, 'subject-is-group': String(isGroup) },
  };
}

function users(name: string, domain: Domain): Filter | undefined {
  const asked = accountName(name, domain);
  if (!asked) return undefined;
  const ways = [
    ...(asked.ours ? [is('sAMAccountName', asked.account)] : []),
    ...(asked.principal === undefined ? [] : [is('userPrincipalName', asked.principal)]),
  ];
  return ways.length > 0 ? all(isUser, any(...ways)) : undefined;
}
function groups(name: string, domain: Domain): Filter | undefined {
  const asked = accountName(name, domain);
  return asked?.ours ? all(isA('group'), is('sAMAccountName', asked.account)) : undefined;
}

function identified(identifier: string): Filter | undefined {
  const bytes = sidBytes(identifier);
  return bytes && is('objectSid', bytes);
}

/** The primary group of a user has no list with the user in it. */
function groupsOf(members: readonly Found[]): Filter {
  const ways = members.flatMap((member) => [is('member', member.dn), ...(primaryGroup(member) ?? [])]);
  return all(isA('group'), any(...ways));
}
function primaryGroup(member: Found): Filter[] | undefined {
  const sid = sidOf(member),
    group = member.text('primaryGroupID');
  const filter = sid === undefined || group === '' ? undefined : identified(inSameDomain(sid, group));
  return filter && [filter];
}

export const activeDirectory: Schema = {
  attributes: [
    'objectClass',
    'objectSid',
    'sAMAccountName',
    'userPrincipalName',
    'displayName',
    'primaryGroupID',
    'userAccountControl',
    computed,
    'accountExpires',
  ],
  anybody: isUser,
  users,
  groups,
  identified,
  entry,
  groupsOf,
};
