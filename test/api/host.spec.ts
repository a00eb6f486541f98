/** Reads and settings of a host over the wire, with the errors that clients know. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { generate } from 'selfsigned';
import { eventually, login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let host: string;
let other: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  const pool = (await call<string[]>('pool.get_all'))[0];
  host = await call('pool.get_master', pool);
  other = (await call<string[]>('host.get_all')).find((h) => h !== host) ?? '';
});
afterAll(() => world?.stop());

const record = <T>(): Promise<T> => call<T>('host.get_record', host);
const none = 'OpaqueRef:NULL';

describe('settings', () => {
  test.each<[string, unknown[], string, unknown]>([
    ['set_hostname_live', ['node-1.example.org'], 'hostname', 'node-1.example.org'],
    ['set_iscsi_iqn', ['iqn.2026-01.org.example:one'], 'iscsi_iqn', 'iqn.2026-01.org.example:one'],
    ['set_multipathing', [true], 'multipathing', true],
    ['set_ssl_legacy', [false], 'ssl_legacy', false],
    ['set_numa_affinity_policy', ['best_effort'], 'numa_affinity_policy', 'best_effort'],
    ['set_https_only', [true], 'https_only', true],
    ['set_max_cstate', ['1,0'], 'max_cstate', '1,0'],
    ['set_console_idle_timeout', [300], 'console_idle_timeout', 300],
    ['set_uefi_certificates', ['AAAA'], 'uefi_certificates', 'AAAA'],
    ['set_power_on_mode', ['wake-on-lan', { a: 'b' }], 'power_on_config', { a: 'b' }],
    ['set_ntp_custom_servers', [['ntp.example.org']], 'ntp_custom_servers', ['ntp.example.org']],
    ['set_ntp_mode', ['Custom'], 'ntp_mode', 'Custom'],
    ['set_timezone', ['Europe/Vienna'], 'timezone', 'Europe/Vienna'],
    ['disable_display', [], 'display', 'disable_on_reboot'],
    ['enable_display', [], 'display', 'enabled'],
    ['set_ssh_enabled_timeout', [0], 'ssh_enabled_timeout', 0],
    ['disable_ssh', [], 'ssh_enabled', false],
    ['set_ssh_auto_mode', [true], 'ssh_auto_mode', true],
  ])('host.%s %j shows in %s', async (method, args, field, value) => {
    await call(`host.${method}`, host, ...args);
    expect((await record<Record<string, unknown>>())[field]).toEqual(value);
  });

  test.each<[string, unknown[], string]>([
    ['set_hostname_live', [''], 'HOST_NAME_INVALID hostname empty'],
    ['set_hostname_live', ['-bad-'], 'HOST_NAME_INVALID hostname contains invalid characters'],
    ['set_iscsi_iqn', [''], 'INVALID_VALUE value '],
    ['set_ssl_legacy', [true], 'VALUE_NOT_SUPPORTED ssl_legacy true'],
    ['set_max_cstate', ['deep'], 'VALUE_NOT_SUPPORTED max_cstate deep'],
    ['set_console_idle_timeout', [-1], 'VALUE_NOT_SUPPORTED console_idle_timeout -1'],
    ['set_ssh_enabled_timeout', [172_801], 'VALUE_NOT_SUPPORTED ssh_enabled_timeout 172801'],
    ['set_timezone', ['Mars/Olympus'], 'INVALID_VALUE timezone Mars/Olympus'],
    ['set_ntp_custom_servers', [[]], 'INVALID_NTP_CONFIG'],
    ['set_servertime', ['20260101T00:00:00Z'], 'NOT_ALLOWED_WHEN_NTP_IS_ENABLED'],
    ['apply_edition', ['platinum', false], 'INVALID_EDITION platinum'],
    ['license_add', ['bm8='], 'LICENSE_PROCESSING_ERROR'],
    ['apply_updates', ['hash'], 'HOST_NOT_DISABLED'],
    ['retrieve_wlb_evacuate_recommendations', [], 'WLB_NOT_INITIALIZED'],
    ['enable_local_storage_caching', [none], 'HOST_NOT_DISABLED'],
    ['enable_external_auth', [{}, 'example.org', 'NIS'], 'AUTH_UNKNOWN_TYPE NIS'],
    ['external_auth_set_ldaps', [true], 'AUTH_IS_DISABLED'],
    ['get_log', [], 'NOT_IMPLEMENTED get_log'],
    ['dmesg_clear', [], 'NOT_IMPLEMENTED dmesg_clear'],
    ['bugreport_upload', ['gopher://x/', {}], 'SYSTEM_STATUS_RETRIEVAL_FAILED'],
    ['call_extension', ['Network.magic'], 'MESSAGE_METHOD_UNKNOWN Network.magic'],
    ['destroy', [], 'HOST_IS_LIVE'],
    ['declare_dead', [], 'HOST_IS_LIVE'],
    ['power_on', [], 'HOST_IS_LIVE'],
    ['shutdown', [], 'HOST_NOT_DISABLED'],
    ['reboot', [], 'HOST_NOT_DISABLED'],
    ['set_cpu_features', ['ff'], 'MESSAGE_REMOVED'],
  ])('host.%s %j is refused: %s', async (method, args, error) => {
    await expect(call(`host.${method}`, host, ...args)).rejects.toThrow(error);
  });

  test('SSH that was opened for a while is closed when that is over', async () => {
    await call('host.set_ssh_auto_mode', host, false);
    await call('host.set_ssh_enabled_timeout', host, 1);
    await call('host.enable_ssh', host);
    expect(await call('host.get_ssh_expiry', host)).not.toBe('19700101T00:00:00Z');
    await eventually(async () => expect(await call('host.get_ssh_enabled', host)).toBe(false));
  });

  test('a directory is joined and left', async () => {
    const nowhere = { user: 'admin', pass: 'secret', url: 'ldap://127.0.0.1:1' };
    await expect(call('host.enable_external_auth', host, nowhere, 'example.org', 'AD')).rejects.toThrow(
      'AUTH_ENABLE_FAILED_UNAVAILABLE',
    );
    await call('host.enable_external_auth', host, { user: 'admin', pass: 'secret' }, 'example.org', 'PAM');
    expect(await call('host.get_external_auth_configuration', host)).toEqual({ user: 'admin' });
    await expect(call('host.enable_external_auth', host, {}, 'other.org', 'PAM')).rejects.toThrow(
      'AUTH_ALREADY_ENABLED PAM example.org',
    );
    await expect(call('host.external_auth_set_ldaps', host, true)).rejects.toThrow('AUTH_SET_LDAPS_FAILED');
    await call('host.disable_external_auth', host, {});
    expect(await call('host.get_external_auth_type', host)).toBe('');
  });

  test('blobs have names of their own', async () => {
    const blob = await call<string>('host.create_new_blob', host, 'picture', 'image/png', true);
    expect(await call('blob.get_record', blob)).toMatchObject({
      name_label: 'picture',
      mime_type: 'image/png',
      public: true,
      size: 0,
    });
    expect(await call('host.get_blobs', host)).toEqual({ picture: blob });
    await expect(call('host.create_new_blob', host, 'picture', '', false)).rejects.toThrow(
      `MAP_DUPLICATE_KEY host blobs ${host} picture`,
    );
  });

  test('local storage serves as cache while the host is out of use', async () => {
    const pbds = await call<Record<string, { host: string; SR: string }>>('PBD.get_all_records');
    const srs = await call<Record<string, { shared: boolean; type: string }>>('SR.get_all_records');
    const mine = Object.values(pbds).filter((p) => p.host === other);
    const local = mine.find((p) => srs[p.SR]?.type === 'ext')?.SR ?? '';
    const shared = mine.find((p) => srs[p.SR]?.shared)?.SR ?? '';
    await call('host.disable', other);
    await expect(call('host.enable_local_storage_caching', other, shared)).rejects.toThrow(
      `SR_OPERATION_NOT_SUPPORTED ${shared}`,
    );
    await call('host.enable_local_storage_caching', other, local);
    expect([
      await call('host.get_local_cache_sr', other),
      await call('SR.get_local_cache_enabled', local),
    ]).toEqual([local, true]);
    await call('host.disable_local_storage_caching', other);
    expect(await call('host.get_local_cache_sr', other)).toBe(none);
    await expect(call('host.apply_updates', other, 'hash')).rejects.toThrow('NO_REPOSITORY_ENABLED');
    await call('host.enable', other);
  });
});

test('the clock: local time in the host’s zone, set by hand when nothing else sets it', async () => {
  await call('host.set_timezone', host, 'Asia/Tokyo');
  const utc = await call<string>('host.get_servertime', host);
  const local = await call<string>('host.get_server_localtime', host);
  const hours = (text: string): number => Number(text.slice(9, 11));
  expect((hours(local) - hours(utc) + 24) % 24).toBe(9);
  expect(await call<string[]>('host.list_timezones', host)).toEqual(
    expect.arrayContaining(['UTC', 'Asia/Tokyo']),
  );
  expect(await call('host.get_ntp_servers_status', host)).toEqual({ 'ntp.example.org': 'Current best' });
  await call('host.set_ntp_mode', host, 'Disabled');
  expect(await call('host.get_ntp_synchronized', host)).toBe(false);
  await call('host.set_servertime', host, '20300101T12:00:00Z');
  expect((await call<string>('host.get_servertime', host)).slice(0, 14)).toBe('20300101T12:00');
  await call('host.set_ntp_mode', host, 'Factory');
  expect((await call<string>('host.get_servertime', host)).slice(0, 4)).toBe(utc.slice(0, 4));
});

describe('plugins', () => {
  const plugin = (name: string, fn: string, args: object = {}): Promise<string> =>
    call<string>('host.call_plugin', host, name, fn, args);

  test('what clients ask of every host', async () => {
    expect(JSON.parse(await plugin('updater.py', 'check_update'))).toEqual([]);
    expect(
      JSON.parse(await plugin('updater.py', 'query_installed', { packages: 'xapi-core,nothing' })),
    ).toEqual({
      'xapi-core': expect.stringMatching(/^xapi-core-[\d.]+-1\.x86_64$/),
      nothing: '',
    });
    const none = { 'xcp-ng-base': '_none_', 'xcp-ng-updates': '_none_', 'xcp-ng-testing': '_none_' };
    expect(JSON.parse(await plugin('updater.py', 'get_proxies'))).toEqual(none);
    expect(
      await plugin('updater.py', 'set_proxies', {
        proxies: JSON.stringify({ 'xcp-ng-base': 'http://proxy:3128' }),
      }),
    ).toBe('');
    expect(JSON.parse(await plugin('updater.py', 'get_proxies'))).toEqual({
      ...none,
      'xcp-ng-base': 'http://proxy:3128',
    });
    expect(JSON.parse(await plugin('updater.py', 'update'))).toMatchObject({ returncode: 0 });
    expect(JSON.parse(await plugin('raid.py', 'check_raid_pool'))).toEqual({});
    const { blockdevices } = JSON.parse(await plugin('lsblk.py', 'list_block_devices')) as {
      blockdevices: { name: string; size: string }[];
    };
    expect(blockdevices.map(({ name }) => name)).toEqual(['sda', 'sdb', 'sdc', 'sdd']);
    expect(blockdevices[0]).toEqual({
      name: 'sda',
      kname: 'sda',
      pkname: '',
      size: String(2 * 2 ** 40),
      type: 'disk',
      ro: '0',
      mountpoint: '',
    });
    const devices = blockdevices.map(({ name }) => `/dev/${name}:sat`);
    expect(JSON.parse(await plugin('smartctl.py', 'health'))).toEqual(
      Object.fromEntries(devices.map((device) => [device, 'PASSED'])),
    );
    const information = JSON.parse(await plugin('smartctl.py', 'information')) as Record<
      string,
      { user_capacity: { bytes: number } }
    >;
    expect(
      Object.entries(information).map(([device, { user_capacity }]) => [device, String(user_capacity.bytes)]),
    ).toEqual(blockdevices.map(({ name, size }) => [`/dev/${name}:sat`, size]));
    expect(await plugin('hyperthreading.py', 'get_hyperthreading')).toBe('true');
    expect(await plugin('ipmitool.py', 'is_ipmi_device_available')).toBe('false');
    expect([
      await plugin('netdata.py', 'is_netdata_installed'),
      await plugin('netdata.py', 'get_netdata_api_key'),
    ]).toEqual(['false', '']);
    expect(
      await plugin('netdata.py', 'install_netdata', { api_key: 'key', destination: 'tcp:192.0.2.9:19999' }),
    ).toBe('true');
    expect([
      await plugin('netdata.py', 'is_netdata_installed'),
      await plugin('netdata.py', 'get_netdata_api_key'),
    ]).toEqual(['true', 'key']);
    expect(Number(await plugin('disk-space', 'get_avail_host_disk_space'))).toBeGreaterThan(2 ** 40);
  });

  test('rules of a virtual switch are kept and dropped', async () => {
    const rule = {
      bridge: 'xenbr0',
      protocol: 'tcp',
      port: '22',
      direction: 'to',
      ipRange: '10.0.0.0/8',
      allow: 'false',
    };
    await plugin('sdncontroller.py', 'add-rule', rule);
    await plugin('sdncontroller.py', 'add-rule', rule);
    await plugin('sdncontroller.py', 'add-rule', { ...rule, ipRange: '192.168.1.1' });
    const flows = async (): Promise<string> =>
      (JSON.parse(await plugin('sdncontroller.py', 'dump-flows', { bridge: 'xenbr0' })) as { stdout: string })
        .stdout;
    expect((await flows()).split('\n')).toHaveLength(2);
    await plugin('sdncontroller.py', 'del-rule', rule);
    expect((await flows()).split('\n')).toEqual([expect.stringContaining('192.168.1.1')]);
    const refused = (change: object): Promise<unknown> =>
      plugin('sdncontroller.py', 'add-rule', { ...rule, ...change });
    await expect(refused({ bridge: 'nowhere' })).rejects.toThrow(
      "1 add_rule: Failed to get parameters: 'nowhere' is not a valid bridge name",
    );
    await expect(refused({ bridge: 'xenbr9' })).rejects.toThrow(
      '3 Error running ovs-vsctl command: no bridge named xenbr9',
    );
    await expect(refused({ ipRange: '10.0.0' })).rejects.toThrow(
      "1 add_rule: Failed to get parameters: '10.0.0' is not a valid IP range",
    );
    const { port: _port, ...portless } = rule;
    await expect(plugin('sdncontroller.py', 'del-rule', portless)).rejects.toThrow(
      '2 del_rule: No port provided, tcp and udp requires one',
    );
  });

  test.each<[string, string, object, string]>([
    ['vmops', 'setIptables', {}, 'XENAPI_MISSING_PLUGIN vmops'],
    ['xscontainer', 'register', {}, 'XENAPI_MISSING_PLUGIN xscontainer'],
    ['toString', 'call', {}, 'XENAPI_MISSING_PLUGIN toString'],
    ['linstor-manager', 'healthCheck', {}, 'XENAPI_MISSING_PLUGIN linstor-manager'],
    ['raid.py', 'explode', {}, 'UNKNOWN_XENAPI_PLUGIN_FUNCTION explode'],
    ['ipmitool.py', 'get_all_sensors', {}, '1 IPMI not available'],
    ['service.py', 'start_service', {}, '-1 Missing or empty argument `service`'],
    ['service.py', 'start_service', { service: 'sshd' }, '-1 This service is not whitelisted'],
    [
      'service.py',
      'stop_service',
      { service: 'linstor-satellite' },
      "5 Command '['systemctl', 'stop', 'linstor-satellite']' failed with code: 5",
    ],
    ['netdata.py', 'install_netdata', { api_key: 'key' }, "-1 'destination'"],
    ['updater.py', 'set_proxies', { n: 1 }, 'INTERNAL_ERROR'],
    ['updater.py', 'set_proxies', {}, "-1 'proxies'"],
    ['updater.py', 'set_proxies', { proxies: '{' }, '-1 No JSON object could be decoded'],
    ['updater.py', 'set_proxies', { proxies: '{"a":"b"}' }, "-1 Can't find section 'a' in config file"],
    ['disk-space', 'get_required_space', {}, "XENAPI_PLUGIN_FAILURE get_required_space KeyError 'size'"],
    [
      'trim',
      'do_trim',
      { sr_uuid: 'none' },
      "XENAPI_PLUGIN_FAILURE do_trim Failure ['UUID_INVALID', 'SR', 'none']",
    ],
  ])('%s %s %j is refused', async (name, fn, args, error) => {
    await expect(plugin(name, fn, args)).rejects.toThrow(error);
  });
});

describe('certificates', () => {
  test('a host has one, shows it, and can have another', async () => {
    const first = new X509Certificate(await call<string>('host.get_server_certificate', host));
    await call('host.reset_server_certificate', host);
    const second = new X509Certificate(await call<string>('host.get_server_certificate', host));
    expect(second.fingerprint256).not.toBe(first.fingerprint256);
    await call('host.refresh_server_certificate', host);
    const records = Object.values(
      await call<Record<string, { host: string; type: string; fingerprint: string }>>(
        'Certificate.get_all_records',
      ),
    );
    expect(
      records
        .filter((c) => c.host === host)
        .map((c) => c.type)
        .sort(),
    ).toEqual(['host', 'host_internal']);
    expect(records.find((c) => c.type === 'host')?.fingerprint).toBe(second.fingerprint256);
  });

  test('one that is installed is checked, key first', async () => {
    const made = await generate([{ name: 'commonName', value: 'a' }], {
      keyType: 'rsa',
      keySize: 2048,
      algorithm: 'sha256',
    });
    const foreign = await generate([{ name: 'commonName', value: 'b' }], {
      keyType: 'rsa',
      keySize: 2048,
      algorithm: 'sha256',
    });
    const elliptic = await generate([{ name: 'commonName', value: 'c' }], { keyType: 'ec' });
    const short = await generate([{ name: 'commonName', value: 'd' }], { keyType: 'rsa', keySize: 1024 });
    const past = {
      notBeforeDate: new Date('2020-01-01T00:00:00Z'),
      notAfterDate: new Date('2021-01-01T00:00:00Z'),
    };
    const old = await generate([{ name: 'commonName', value: 'e' }], {
      keyType: 'rsa',
      keySize: 2048,
      algorithm: 'sha256',
      ...past,
    });
    const weak = await generate([{ name: 'commonName', value: 'f' }], {
      keyType: 'rsa',
      keySize: 2048,
      algorithm: 'sha1',
    });
    const install = (certificate: string, key: string, chain = ''): Promise<unknown> =>
      call('host.install_server_certificate', host, certificate, key, chain);
    await expect(install(made.cert, 'no key')).rejects.toThrow('SERVER_CERTIFICATE_KEY_INVALID');
    await expect(install(made.cert, elliptic.private)).rejects.toThrow(
      'SERVER_CERTIFICATE_KEY_ALGORITHM_NOT_SUPPORTED 1.2.840.10045.2.1',
    );
    await expect(install(short.cert, short.private)).rejects.toThrow(
      'SERVER_CERTIFICATE_KEY_RSA_LENGTH_NOT_SUPPORTED 1024',
    );
    await expect(install('no certificate', made.private)).rejects.toThrow('SERVER_CERTIFICATE_INVALID');
    await expect(install(old.cert, old.private)).rejects.toThrow(
      /SERVER_CERTIFICATE_EXPIRED \d{8}T\S+ 20210101T00:00:00Z/,
    );
    await expect(install(made.cert, foreign.private)).rejects.toThrow('SERVER_CERTIFICATE_KEY_MISMATCH');
    await expect(install(weak.cert, weak.private)).rejects.toThrow(
      'SERVER_CERTIFICATE_SIGNATURE_NOT_SUPPORTED',
    );
    await expect(install(made.cert, made.private, 'no chain')).rejects.toThrow(
      'SERVER_CERTIFICATE_CHAIN_INVALID',
    );
    await install(made.cert, made.private, foreign.cert);
    const shown = new X509Certificate(await call<string>('host.get_server_certificate', host));
    expect(shown.publicKey.export({ type: 'spki', format: 'pem' })).toBe(
      createPublicKey(made.public).export({ type: 'spki', format: 'pem' }),
    );
  });

  test('checking the peers is the pool’s word', async () => {
    await call('host.emergency_disable_tls_verification');
    await expect(call('host.emergency_reenable_tls_verification')).rejects.toThrow(
      'TLS_VERIFICATION_NOT_ENABLED_IN_POOL',
    );
  });
});

describe('management', () => {
  const pifs = async (of: string): Promise<[string, { management: boolean; IP: string }][]> =>
    Object.entries(
      await call<Record<string, { host: string; management: boolean; IP: string }>>('PIF.get_all_records'),
    ).filter(([, p]) => p.host === of);

  test('moves only to an interface with an address', async () => {
    const [plain] = (await pifs(host)).filter(([, p]) => !p.management);
    await expect(call('host.management_reconfigure', plain?.[0])).rejects.toThrow(
      `PIF_HAS_NO_NETWORK_CONFIGURATION ${plain?.[0]}`,
    );
    const now = await call<string>('host.get_management_interface', host);
    await call('host.management_reconfigure', now);
    expect(await call('host.get_management_interface', host)).toBe(now);
    await expect(call('host.local_management_reconfigure', 'eth9')).rejects.toThrow('PIF_DEVICE_NOT_FOUND');
    await call('host.management_disable');
    await expect(call('host.get_management_interface', host)).rejects.toThrow('HOST_HAS_NO_MANAGEMENT_IP');
    await call('host.local_management_reconfigure', 'xenbr0');
    expect(await call('host.get_management_interface', host)).toBe(now);
  });

  test('a destination for migrations is told with a session of its own', async () => {
    const [eth0] = await call<string[]>(
      'network.get_by_name_label',
      'Pool-wide network associated with eth0',
    );
    const [eth1] = await call<string[]>(
      'network.get_by_name_label',
      'Pool-wide network associated with eth1',
    );
    const [inside] = await call<string[]>('network.get_by_name_label', 'Host internal management network');
    const dest = await call<Record<string, string>>('host.migrate_receive', other, eth0, {});
    expect(dest).toMatchObject({
      host: other,
      SM: expect.stringContaining('/services/SM?session_id='),
      master: expect.stringMatching(/^http:/),
    });
    await expect(call('host.migrate_receive', other, eth1, {})).rejects.toThrow(
      'PIF_HAS_NO_NETWORK_CONFIGURATION',
    );
    await expect(call('host.migrate_receive', other, inside, {})).rejects.toThrow(
      `HOST_CANNOT_ATTACH_NETWORK ${other} ${inside}`,
    );
  });
});

test('the hypervisor speaks: its console, keys pressed on it, and what a report would hold', async () => {
  await call('host.send_debug_keys', host, 'q');
  const text = await call<string>('host.dmesg', host);
  expect(text).toMatch(/^\(XEN\) \[.+\] Xen version 4\.17\.5/);
  expect(text).toContain("'q' pressed");
  expect(await call('host.get_system_status_capabilities', host)).toMatch(
    /^<\?xml.*<capability key="xen-info".*<\/system-status-capabilities>$/,
  );
});
