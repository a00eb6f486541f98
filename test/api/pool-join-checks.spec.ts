/** All obstacles to a join at once, taken away one by one: the first in xapi's order is the answer. */
import { randomUUID } from 'node:crypto';
import { asRef, type ClassName } from '@xenplane/model';
import { inTransaction, newRef, type Tx } from '@xenplane/store';
import { login, password, startWorld, type Call, type World } from '../world';

/** Plane A, which joins, and plane B. */
let a: World, b: World, call: Call, there: Call;
beforeAll(async () => {
  [a, b] = await Promise.all([startWorld({ hosts: 1, seed: 31 }), startWorld({ hosts: 1, seed: 32 })]);
  [call, there] = await Promise.all([login(a.url), login(b.url)]);
});
afterAll(async () => {
  await Promise.all([a?.stop(), b?.stop()]);
});

type Side = 'joiner' | 'pool';
const change = async <T>(side: Side, work: (tx: Tx) => Promise<T>): Promise<T> => {
  const { plane } = (side === 'joiner' ? a : b).apis[0] ?? {};
  if (!plane) throw new Error('there is no API');
  return inTransaction(plane.store, work);
};

interface Obstacle {
  readonly words: string;
  readonly put: () => Promise<void>;
  readonly clear: () => Promise<void>;
}
/** Fields of some objects have other values. */
function field(
  words: string,
  side: Side,
  [table, column, where]: readonly [string, string, string?],
  value: string,
): Obstacle {
  let kept: readonly { readonly row: unknown }[] = [];
  return {
    words,
    put: () =>
      change(side, async (tx) => {
        kept = await tx.query<{ row: unknown }>(
          `SELECT to_jsonb(t) AS row FROM ${table} t WHERE ${where ?? 'true'}`,
        );
        await tx.query(`UPDATE ${table} SET ${column} = ${value} WHERE ${where ?? 'true'}`);
      }),
    clear: () =>
      change(side, async (tx) => {
        for (const { row } of kept)
          await tx.query(
            `UPDATE ${table} t SET ${column} = k.${column} FROM jsonb_populate_record(NULL::${table}, $1::jsonb) k WHERE t.ref = k.ref`,
            [JSON.stringify(row)],
          );
      }),
  };
}
type Objects = readonly (readonly [
  cls: ClassName,
  record: Readonly<Record<string, unknown>> & { readonly ref: string },
])[];
/** There are more objects. */
function objects(words: string, side: Side, all: Objects): Obstacle {
  const insert = (tx: Tx, cls: ClassName, record: object): Promise<void> =>
    tx.insertAll(cls, [{ uuid: randomUUID(), ...record } as never]);
  return {
    words,
    put: () =>
      change(side, async (tx) => {
        for (const [cls, record] of all) await insert(tx, cls, record);
      }),
    clear: () =>
      change(side, async (tx) => {
        for (const [cls, { ref }] of all.toReversed()) await tx.remove(cls, asRef(ref));
      }),
  };
}
const object = (
  words: string,
  side: Side,
  cls: ClassName,
  record: Readonly<Record<string, unknown>> = {},
): Obstacle => objects(words, side, [[cls, { ref: newRef(), ...record }]]);
const software = (words: string, key: string, value = 'another'): Obstacle =>
  field(words, 'pool', ['host', 'software_version'], `software_version || '{"${key}": "${value}"}'`);
/** The same certificate name or fingerprint on both sides, with something that differs. */
function certificates(words: string, own: object, remote: object): readonly Obstacle[] {
  const one = object(words, 'joiner', 'Certificate', { type: 'ca', ...own }),
    other = object(words, 'pool', 'Certificate', { type: 'ca', ...remote });
  return [
    {
      words,
      put: async () => {
        await one.put();
        await other.put();
      },
      clear: async () => {
        await one.clear();
        await other.clear();
      },
    },
  ];
}
const updating: readonly [string, string] = ['pool', 'current_operations'];
const nobody = `'{"task": "apply_updates"}'`;

async function inOrder(): Promise<readonly Obstacle[]> {
  const [host] = await call<string[]>('host.get_all'),
    [master] = await there<string[]>('host.get_all'),
    [network, cluster, pif, untagged] = [newRef(), newRef(), newRef(), newRef()];
  await objects('', 'pool', [
    ['network', { ref: network, bridge: 'cluster' }],
    ['Cluster', { ref: cluster, pool_auto_join: true }],
  ]).put();
  const purpose = (value: string): readonly [readonly [string, string, string], string] => [
    ['network', 'purpose', `bridge = 'xenbr0'`],
    `'["${value}"]'`,
  ];
  return [
    field('HOST_STILL_BOOTING', 'joiner', ['pif', 'management', 'management'], 'false'),
    field('HA_IS_ENABLED', 'joiner', ['pool', 'ha_enabled'], 'true'),
    object('CLUSTERING_ENABLED OpaqueRef:', 'joiner', 'Cluster_host', { host, enabled: true }),
    field(
      'POOL_JOINING_POOL_CANNOT_ENABLE_CLUSTERING_ON_VLAN_NETWORK 9',
      'pool',
      ['pif', '"VLAN"', "device = 'ethC'"],
      '9',
    ),
    objects('POOL_JOINING_HOST_MUST_HAVE_ONLY_ONE_IP_ON_CLUSTERING_NETWORK', 'pool', [
      ['PIF', { ref: pif, host: master, network, VLAN: -1, device: 'ethC' }],
      ['Cluster_host', { ref: newRef(), cluster, host: master, PIF: pif, enabled: true }],
    ]),
    field('HA_IS_ENABLED', 'pool', ['pool', 'ha_enabled'], 'true'),
    object('JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS', 'joiner', 'host'),
    object('JOINING_HOST_CANNOT_HAVE_RUNNING_VMS', 'joiner', 'VM', { power_state: 'Running' }),
    object('JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS', 'joiner', 'VM', {
      current_operations: { task: 'start' },
    }),
    field(
      `HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY ${host}`,
      'joiner',
      ['host', 'pending_guidances'],
      `'["reboot_host"]'`,
    ),
    field(
      `HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY ${master}`,
      'pool',
      ['host', 'pending_guidances'],
      `'["reboot_host"]'`,
    ),
    software('HOSTS_NOT_COMPATIBLE', 'platform_version'),
    software('HOSTS_NOT_COMPATIBLE', 'product_brand'),
    software('HOSTS_NOT_HOMOGENEOUS Software version differs', 'git_id'),
    software('HOSTS_NOT_HOMOGENEOUS Software version differs', 'xapi'),
    field(
      'HOSTS_NOT_HOMOGENEOUS CPUs differ',
      'pool',
      ['pool', 'cpu_info'],
      `cpu_info || '{"vendor": "another"}'`,
    ),
    // The bootstrap's shared storage is in the way from the start.
    { words: 'JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS', put: async () => undefined, clear: dropShared },
    object('POOL_JOINING_HOST_HAS_BONDS', 'joiner', 'Bond'),
    object('POOL_JOINING_HOST_HAS_TUNNELS', 'joiner', 'tunnel'),
    object('POOL_JOINING_HOST_HAS_NETWORK_SRIOVS', 'joiner', 'network_sriov'),
    objects('POOL_JOINING_HOST_HAS_NON_MANAGEMENT_VLANS', 'joiner', [
      ['PIF', { ref: untagged, host }],
      ['VLAN', { ref: newRef(), untagged_PIF: untagged }],
    ]),
    field(
      'POOL_JOINING_HOST_MANAGEMENT_VLAN_DOES_NOT_MATCH -1 5',
      'pool',
      ['pif', '"VLAN"', 'management'],
      '5',
    ),
    field('POOL_JOINING_EXTERNAL_AUTH_MISMATCH', 'pool', ['host', 'external_auth_type'], `'AD'`),
    field('LICENSE_HOST_POOL_MISMATCH', 'pool', ['host', 'edition'], `'another'`),
    software('OPERATION_NOT_ALLOWED Network backends differ', 'network_backend', 'bridge'),
    object('OPERATION_NOT_ALLOWED SDN controller differs', 'joiner', 'SDN_controller', {
      address: '192.0.2.1',
    }),
    field(
      'POOL_JOINING_HOST_MUST_HAVE_SAME_API_VERSION',
      'pool',
      ['host', '"API_version_minor"'],
      '"API_version_minor" + 1',
    ),
    software('POOL_JOINING_HOST_MUST_HAVE_SAME_DB_SCHEMA 5.790 5.791', 'db_schema', '5.791'),
    updateOnOneSide(),
    field(
      'OPERATION_NOT_ALLOWED Primary address type differs',
      'pool',
      ['pif', 'primary_address_type', 'management'],
      `'IPv6'`,
    ),
    {
      ...field(
        'OPERATION_NOT_ALLOWED Incompatible network purposes: nbd and insecure_nbd',
        'pool',
        ...purpose('insecure_nbd'),
      ),
      put: async () => {
        await field('', 'joiner', ...purpose('nbd')).put();
        await change('pool', (tx) =>
          tx.query(`UPDATE network SET purpose = '["insecure_nbd"]' WHERE bridge = 'xenbr0'`),
        );
      },
      clear: async () =>
        void (await change('pool', (tx) =>
          tx.query(`UPDATE network SET purpose = '[]' WHERE bridge = 'xenbr0'`),
        )),
    },
    field(
      'POOL_JOINING_HOST_TLS_VERIFICATION_MISMATCH',
      'joiner',
      ['pool', 'tls_verification_enabled'],
      'NOT tls_verification_enabled',
    ),
    ...certificates(
      'POOL_JOINING_HOST_CA_CERTIFICATES_CONFLICT a.pem',
      { name: 'a.pem', fingerprint_sha256: '1' },
      { name: 'a.pem', fingerprint_sha256: '2' },
    ),
    ...certificates(
      'POOL_JOINING_HOST_TRUSTED_CERTIFICATES_CONFLICT OpaqueRef:',
      { fingerprint_sha256: '3', purpose: ['ldaps'] },
      { fingerprint_sha256: '3', purpose: ['ldaps', 'licensing'] },
    ),
    field('NOT_SUPPORTED_DURING_UPGRADE', 'joiner', updating, nobody),
    field('NOT_SUPPORTED_DURING_UPGRADE', 'pool', updating, nobody),
    field(
      'POOL_JOINING_SM_FEATURES_INCOMPATIBLE',
      'pool',
      ['sm', 'features', `type = 'nfs'`],
      `features || '{"VDI_SOMETHING_NEW": 1}'`,
    ),
    object('JOINING_HOST_CANNOT_HAVE_RUNNING_OR_SUSPENDED_VMS', 'joiner', 'VM', { power_state: 'Suspended' }),
  ];
}
/** An update that all hosts must have, or none. */
function updateOnOneSide(): Obstacle {
  const ref = newRef<'pool_update'>(),
    words = 'HOSTS_NOT_HOMOGENEOUS Updates on local host ',
    update = object(words, 'pool', 'pool_update', { ref, enforce_homogeneity: true, name_label: 'U' }),
    applied = field(words, 'pool', ['host', 'updates'], `ARRAY['${ref}']`);
  return {
    words,
    put: async () => {
      await update.put();
      await applied.put();
    },
    clear: async () => {
      await applied.clear();
      await update.clear();
    },
  };
}
async function dropShared(): Promise<void> {
  for (const [sr, { shared, type }] of Object.entries(
    await call<Record<string, { shared: boolean; type: string }>>('SR.get_all_records'),
  )) {
    if (!shared || type !== 'nfs') continue;
    for (const pbd of await call<string[]>('SR.get_PBDs', sr)) await call('PBD.unplug', pbd);
    await call('SR.forget', sr);
  }
}
const join = (force = false): Promise<unknown> =>
  call(force ? 'pool.join_force' : 'pool.join', b.url, 'root', password);

test('of all that stands in the way the first is told, in the order of xapi', async () => {
  const restricted = field(
      'LICENCE_RESTRICTION Pool_size',
      'joiner',
      ['pool', 'restrictions'],
      `restrictions || '{"restrict_pool_size": "true"}'`,
    ),
    [one, two] = [newRef(), newRef()],
    others = objects('', 'pool', [
      ['host', { ref: one }],
      ['host', { ref: two }],
    ]);
  const obstacles = await inOrder();
  for (const { put } of [restricted, others, ...obstacles.toReversed()]) await put();
  await expect(join()).rejects.toThrow(restricted.words);
  // Two hosts are fewer than may be.
  await change('pool', (tx) => tx.remove('host', asRef<'host'>(two)));
  for (const [i, { words, clear }] of obstacles.entries()) {
    await expect(join()).rejects.toThrow(words);
    if (words.startsWith('HOSTS_NOT_HOMOGENEOUS') && !words.includes('Updates'))
      await expect(join(true)).rejects.toThrow('JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS');
    await clear();
    if (i > 0) continue;
    await restricted.clear();
    await change('pool', (tx) => tx.remove('host', asRef<'host'>(one)));
  }
  expect(
    await b.apis[0]?.plane.store.query("SELECT ref FROM session WHERE originator = 'pool.join'"),
  ).toEqual([]);
  expect(await b.apis[0]?.plane.store.query('SELECT host_uuid FROM invitation')).toEqual([]);
});
