/** People of a directory behind LDAP, over the wire of a real server: a domain of Windows, then one of Unix. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import { Attribute, Change } from 'ldapts';
import { revalidateSessions } from '@xenplane/xapi';
import { startDirectory, type DirectoryServer } from '../directory-server';
import { personDn, unixDirectory } from '../fixtures/unix-directory';
import { domainSid, groupDn, oddName, userDn, windowsDirectory } from '../fixtures/windows-directory';
import { eventually, login, startWorld, type Call, type World } from '../world';

const service = 'corp.example';
const reader = 'cn=reader,dc=corp,dc=example';
let world: World, directory: DirectoryServer;
let root: Call, pool: string, host: string;
let visits = 0;
const elsewhere = createServer(() => (visits += 1));

const join = (config: Record<string, string>, name = service): Promise<unknown> =>
  root('pool.enable_external_auth', pool, { user: reader, pass: 'reader-password', ...config }, name, 'AD');
const sidOf = (name: string): Promise<string> => root('auth.get_subject_identifier', name);
const roleNamed = async (name: string): Promise<string> =>
  (await root<string[]>('role.get_by_name_label', name))[0] ?? '';
async function admit(name: string, role: string): Promise<string> {
  const identifier = await sidOf(name);
  const subject = await root<string>('subject.create', {
    subject_identifier: identifier,
    other_config: await root('auth.get_subject_information_from_identifier', identifier),
  });
  await root('subject.add_to_roles', subject, await roleNamed(role));
  return subject;
}
const trust = (server: DirectoryServer): Promise<unknown> =>
  root('pool.install_trusted_certificate', pool, true, server.certificate, ['ldaps']);
const replace = (dn: string, type: string, ...values: string[]): Promise<void> =>
  directory.change((client) =>
    client.modify(dn, new Change({ operation: 'replace', modification: new Attribute({ type, values }) })),
  );

beforeAll(async () => {
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  const address = elsewhere.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  [world, directory] = await Promise.all([
    startWorld({ hosts: 1, scheduler: false }),
    startDirectory(windowsDirectory(`ldap://127.0.0.1:${port}/dc=elsewhere`)),
  ]);
  root = await login(world.url);
  pool = (await root<string[]>('pool.get_all'))[0] ?? '';
  host = (await root<string[]>('host.get_all'))[0] ?? '';
});
afterAll(async () => {
  elsewhere.close();
  await world?.stop();
  await directory?.remove();
});

describe('a domain of Windows', () => {
  test('a server that nobody vouches for is not told a password', async () => {
    await expect(join({ url: directory.ldaps })).rejects.toThrow(
      `POOL_AUTH_ENABLE_FAILED_NO_TRUSTED_CERTS ${host}`,
    );
    await expect(join({ url: directory.ldap })).rejects.toThrow('POOL_AUTH_ENABLE_FAILED_NO_TRUSTED_CERTS');
    await trust(directory);
    await expect(join({ url: directory.ldaps.replace('localhost', '127.0.0.1') })).rejects.toThrow(
      'POOL_AUTH_ENABLE_FAILED_INVALID_TRUSTED_CERTS',
    );
  });

  test.each<[string, Record<string, string>, string, string?]>([
    ['no account', { user: '' }, 'FAILED '],
    ['no password', { pass: '' }, 'FAILED_WRONG_CREDENTIALS'],
    ['a wrong password', { pass: 'wrong' }, 'FAILED_WRONG_CREDENTIALS'],
    ['an account that there is not', { user: 'cn=nobody,dc=corp,dc=example' }, 'FAILED_WRONG_CREDENTIALS'],
    ['a name that the server cannot read', { user: 'reader' }, 'FAILED_INVALID_ACCOUNT'],
    [
      'an account that sees nobody',
      { user: 'cn=blind,dc=corp,dc=example', pass: 'blind-password' },
      'FAILED_DOMAIN_LOOKUP_FAILED',
    ],
    ['a base that there is not', { base: 'dc=other,dc=example' }, 'FAILED_DOMAIN_LOOKUP_FAILED'],
    ['a unit that there is not', { ou: 'Servers/Other' }, 'FAILED_INVALID_OU'],
    ['a unit without a name', { ou: '=,=' }, 'FAILED_INVALID_OU'],
    ['another domain', { domain: 'other.example' }, 'FAILED '],
    ['an unknown kind', { schema: 'banana' }, 'FAILED '],
    ['a port where nobody is', { url: 'ldaps://localhost:1' }, 'FAILED_UNAVAILABLE'],
    ['a host that there is not', { url: 'ldaps://no..such' }, 'FAILED_DOMAIN_LOOKUP_FAILED'],
    ['an address of another kind', { url: 'http://localhost' }, 'FAILED '],
    ['an address with more to it', { url: 'ldaps://user@localhost/dc=x' }, 'FAILED '],
    ['a service that no host can be called', { url: '' }, 'FAILED'],
  ])('joining with %s is refused', async (_what, config, code) => {
    await expect(join({ url: directory.ldaps, ...config })).rejects.toThrow(`POOL_AUTH_ENABLE_${code}`);
    expect(await root('host.get_external_auth_type', host)).toBe('');
  });

  test('without an address the service’s name is one', async () => {
    await expect(join({}, 'no..such')).rejects.toThrow('POOL_AUTH_ENABLE_FAILED_DOMAIN_LOOKUP_FAILED');
    await expect(join({}, 'no such host')).rejects.toThrow('POOL_AUTH_ENABLE_FAILED_DOMAIN_LOOKUP_FAILED');
  });

  test('it is joined, and its password is nowhere to be seen', async () => {
    await join({ url: directory.ldaps, ou: 'Servers/Xen' });
    expect(await root('host.get_external_auth_configuration', host)).toEqual({
      domain: service,
      user: reader,
      workgroup: 'CORPNET',
      ldaps: 'true',
      url: directory.ldaps,
      base: 'dc=corp,dc=example',
      schema: 'ad',
      ou: 'Servers/Xen',
    });
    const kept = JSON.stringify(await world.apis[0]?.plane.store.query('SELECT value FROM setting', []));
    expect(kept).toContain(reader);
    expect(kept).not.toContain('reader-password');
    await expect(join({ url: directory.ldaps })).rejects.toThrow('POOL_AUTH_ALREADY_ENABLED');
    await root('pool.external_auth_set_ldaps', pool, true);
    await expect(root('pool.external_auth_set_ldaps', pool, false)).rejects.toThrow(
      `AUTH_SET_LDAPS_FAILED ${host}`,
    );
  });

  test.each([
    ['alice', 1104],
    ['ALICE', 1104],
    ['CORPNET\\alice', 1104],
    ['corp.example\\alice', 1104],
    ['alice@corp.example', 1104],
    ['Alice.Adams@mail.example', 1104],
    [oddName, 1109],
    ['staff', 1202],
    ['CORPNET\\staff', 1202],
  ])('%s is known', async (name, rid) => expect(await sidOf(name)).toBe(`${domainSid}-${rid}`));

  test.each([
    '',
    '*',
    'al*',
    'alice)(objectClass=*',
    'OTHER\\alice',
    'alice@other.example',
    '\\alice',
    '@corp.example',
    'twin@corp.example',
    'PC$',
    'a'.repeat(300),
  ])('%j is nobody', async (name) => expect(sidOf(name)).rejects.toThrow('SUBJECT_CANNOT_BE_RESOLVED'));
  test.each(['', 'alice', 'S-1-5-21', `${domainSid}-9999`, `${domainSid}-1104)(cn=*`])(
    '%j identifies nobody',
    async (identifier) => {
      await expect(root('auth.get_subject_information_from_identifier', identifier)).rejects.toThrow(
        'SUBJECT_CANNOT_BE_RESOLVED',
      );
      await expect(root('auth.get_group_membership', identifier)).rejects.toThrow(
        'SUBJECT_CANNOT_BE_RESOLVED',
      );
    },
  );

  test('what is known of people has the names that clients read', async () => {
    const about = async (name: string): Promise<unknown> =>
      root('auth.get_subject_information_from_identifier', await sidOf(name));
    expect(await about('alice')).toEqual({
      'subject-name': 'CORPNET\\alice',
      'subject-sid': `${domainSid}-1104`,
      'subject-upn': 'alice.adams@mail.example',
      'subject-gecos': 'Alice Adams',
      'subject-displayname': 'Alice Adams',
      'subject-is-group': 'false',
      'subject-uid': '2001104',
      'subject-gid': '2000513',
      'subject-account-disabled': 'false',
      'subject-account-expired': 'false',
      'subject-account-locked': 'false',
      'subject-password-expired': 'false',
    });
    expect(await about('dave')).toMatchObject({
      'subject-account-disabled': 'true',
      'subject-displayname': 'CORPNET\\dave',
    });
    expect(await about('erin')).toMatchObject({
      'subject-account-locked': 'true',
      'subject-password-expired': 'true',
    });
    expect(await about('staff')).toEqual({
      'subject-name': 'CORPNET\\staff',
      'subject-sid': `${domainSid}-1202`,
      'subject-gid': '2001202',
      'subject-is-group': 'true',
    });
  });

  test('groups in groups count, round in a ring too, and the primary group', async () => {
    const of = async (name: string): Promise<number[]> =>
      (await root<string[]>('auth.get_group_membership', await sidOf(name))).map((sid) =>
        Number(sid.split('-').at(-1)),
      );
    expect(await of('bob')).toEqual([1200, 1201, 1202, 1203]);
    expect(await of('carol')).toEqual([1200]);
    expect(await of('alice')).toEqual([]);
    expect(visits).toBe(0);
  });

  test('who comes in is decided by the password, then by the pool', async () => {
    await admit('alice', 'vm-admin');
    for (const name of ['alice', 'CORPNET\\alice', 'alice@corp.example', 'alice.adams@mail.example']) {
      const call = await login(world.url, name, 'alice-password');
      await expect(call('VM.get_all')).resolves.toBeDefined();
      await expect(call('subject.get_all')).resolves.toBeDefined();
      await expect(call('pool.sync_database')).rejects.toThrow('RBAC_PERMISSION_DENIED');
    }
    await expect(login(world.url, 'bob', 'bob-password')).rejects.toThrow('SESSION_AUTHORIZATION_FAILED bob');
    await admit('staff', 'vm-operator');
    await expect(login(world.url, 'bob', 'bob-password')).resolves.toBeDefined();
    for (const name of ['dave', 'erin'])
      await expect(login(world.url, name, `${name}-password`)).rejects.toThrow(
        `SESSION_AUTHORIZATION_FAILED ${name}`,
      );
  });

  test.each([
    ['alice', 'wrong'],
    ['alice', ''],
    ['alice', 'x'.repeat(5000)],
    ['nobody', 'alice-password'],
    ['*', 'alice-password'],
    ['twin@corp.example', 'twin one-password'],
    ['PC$', 'pc-password'],
    ['staff', ''],
    ['', ''],
  ])('%j with %j is not let in', async (name, password) =>
    expect(login(world.url, name, password)).rejects.toThrow('SESSION_AUTHENTICATION_FAILED'),
  );

  const age = (): Promise<unknown> | undefined =>
    world.apis[0]?.plane.store.query(
      "UPDATE session SET validation_time = now() - interval '6 minutes' WHERE auth_user_sid <> ''",
      [],
    );
  const revalidate = async (): Promise<void> => {
    await age();
    const [api] = world.apis;
    if (api) await revalidateSessions(api.plane);
  };

  test('sessions follow what becomes of their people in the directory', async () => {
    const alice = await login(world.url, 'alice', 'alice-password'),
      bob = await login(world.url, 'bob', 'bob-password');
    await revalidate();
    for (const call of [alice, bob]) await expect(call('VM.get_all')).resolves.toBeDefined();
    await replace(userDn('alice'), 'userAccountControl', '514');
    await directory.change((client) =>
      client.modify(
        groupDn('inner'),
        new Change({
          operation: 'delete',
          modification: new Attribute({ type: 'member', values: [userDn('bob')] }),
        }),
      ),
    );
    await expect(alice('VM.get_all')).resolves.toBeDefined();
    await revalidate();
    for (const call of [alice, bob])
      await eventually(async () => expect(call('VM.get_all')).rejects.toThrow('SESSION_INVALID'));
    await replace(userDn('alice'), 'userAccountControl', '512');
    await expect(login(world.url, 'alice', 'alice-password')).resolves.toBeDefined();
  });

  test('while the directory is away root comes in, its people do not, and who is in stays', async () => {
    const alice = await login(world.url, 'alice', 'alice-password');
    await directory.stop();
    await expect(login(world.url)).resolves.toBeDefined();
    await expect(login(world.url, 'root', 'wrong')).rejects.toThrow('SESSION_AUTHENTICATION_FAILED root');
    await expect(login(world.url, 'alice', 'alice-password')).rejects.toThrow(
      'SESSION_AUTHENTICATION_FAILED alice',
    );
    await expect(sidOf('alice')).rejects.toThrow('AUTH_SERVICE_ERROR');
    await revalidate();
    await expect(alice('VM.get_all')).resolves.toBeDefined();
    await directory.start();
    await expect(login(world.url, 'alice', 'alice-password')).resolves.toBeDefined();
  });

  test('a service account that was locked out keeps everybody out but root', async () => {
    await replace(reader, 'userPassword', 'another');
    await expect(login(world.url, 'alice', 'alice-password')).rejects.toThrow(
      'SESSION_AUTHENTICATION_FAILED alice',
    );
    await expect(sidOf('alice')).rejects.toThrow('AUTH_SERVICE_ERROR');
    await replace(reader, 'userPassword', 'reader-password');
  });

  test('it is left while it is away, and its people are out', async () => {
    const alice = await login(world.url, 'alice', 'alice-password');
    await directory.stop();
    await root('pool.disable_external_auth', pool);
    await eventually(async () => expect(alice('VM.get_all')).rejects.toThrow('SESSION_INVALID'));
    expect(
      await world.apis[0]?.plane.store.query("SELECT 1 FROM setting WHERE key LIKE 'directory/%'", []),
    ).toEqual([]);
  });
});

describe('a directory of Unix, by StartTLS', () => {
  let unix: DirectoryServer;
  beforeAll(async () => {
    unix = await startDirectory(unixDirectory);
    await trust(unix);
    await join({ url: unix.ldap, user: 'cn=reader,dc=lab,dc=example' }, 'lab.example');
  });
  afterAll(() => unix?.remove());

  test('it says itself what it is and where its people are', async () => {
    expect(await root('host.get_external_auth_configuration', host)).toMatchObject({
      schema: 'posix',
      base: 'dc=lab,dc=example',
      ldaps: 'false',
    });
  });

  test('people and groups are found by name; a person comes before a group of that name', async () => {
    const frank = await sidOf('frank');
    expect(frank).toMatch(/^[0-9a-f]{8}-/);
    for (const name of ['LAB\\frank', 'frank@lab.example', 'lab.example\\frank'])
      expect(await sidOf(name)).toBe(frank);
    expect(await root('auth.get_subject_information_from_identifier', frank)).toMatchObject({
      'subject-name': 'frank',
      'subject-is-group': 'false',
      'subject-uid': '5001',
      'subject-gid': '6001',
      'subject-displayname': 'frank of the lab',
    });
    for (const name of ['fr*', 'frank)(uid=*', 'nobody', 'grace@other.example'])
      await expect(sidOf(name)).rejects.toThrow('SUBJECT_CANNOT_BE_RESOLVED');
  });

  test('groups are found by each way that they are made', async () => {
    const names = async (name: string): Promise<string[]> => {
      const groups = await root<string[]>('auth.get_group_membership', await sidOf(name));
      const about = await Promise.all(
        groups.map((g) => root<Record<string, string>>('auth.get_subject_information_from_identifier', g)),
      );
      return about.map((a) => a['subject-name'] ?? '').sort();
    };
    expect(await names('frank')).toEqual(['everybody', 'frank', 'ops']);
    expect(await names('grace')).toEqual(['wheel']);
  });

  test('they come in by their groups, and not when their account is over', async () => {
    await admit('everybody', 'read-only');
    await admit('wheel', 'pool-operator');
    await admit('heidi', 'pool-admin');
    await expect((await login(world.url, 'frank', 'frank-password'))('pool.sync_database')).rejects.toThrow(
      'RBAC_PERMISSION_DENIED',
    );
    await expect(
      (await login(world.url, 'grace', 'grace-password'))('pool.sync_database'),
    ).resolves.toBeDefined();
    await expect(login(world.url, 'heidi', 'heidi-password')).rejects.toThrow(
      'SESSION_AUTHORIZATION_FAILED heidi',
    );
    for (const name of ['frank', 'grace', personDn('frank')])
      await expect(login(world.url, name, '')).rejects.toThrow('SESSION_AUTHENTICATION_FAILED');
  });
});
