/** The pool as a whole: high availability, its master, certificates, settings for all hosts, hosts that leave. */
import { execFileSync } from 'node:child_process';
import { generate } from 'selfsigned';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let pool: string;
const field = <T>(name: string): Promise<T> => call<T>(`pool.get_${name}`, pool);
const hostsBy = async <T>(name: string): Promise<T[]> =>
  Object.values(await call<Record<string, Record<string, T>>>('host.get_all_records')).map(
    (h) => h[name] as T,
  );

beforeAll(async () => {
  world = await startWorld({ hosts: 4 });
  call = await login(world.url);
  pool = (await call<string[]>('pool.get_all'))[0] ?? '';
});
afterAll(() => world?.stop());

async function startedVm(priority = ''): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'guest');
  await call('VM.provision', vm);
  await call('VM.start', vm, false, false);
  if (priority) await call('VM.set_ha_restart_priority', vm, priority);
  return vm;
}

describe('high availability', () => {
  test('is switched on with a state file on each heartbeat repository, and off without a trace', async () => {
    const shared = await field<string>('default_SR');
    const disks = await call<string[]>('VDI.get_all');
    const used = await call<string>('SR.get_physical_utilisation', shared);
    await expect(call('pool.disable_ha')).rejects.toThrow('HA_NOT_ENABLED');
    const local = Object.entries(
      await call<Record<string, { shared: boolean; type: string }>>('SR.get_all_records'),
    ).find(([, s]) => !s.shared && s.type === 'ext');
    await expect(call('pool.enable_ha', [local?.[0]], {})).rejects.toThrow(`SR_HAS_NO_PBDS ${local?.[0]}`);
    await expect(call('pool.enable_ha', [shared], { timeout: 'soon' })).rejects.toThrow(
      'INVALID_VALUE timeout soon',
    );
    await call('pool.enable_ha', [shared], { timeout: '90' });
    expect([
      await field('ha_enabled'),
      await field('ha_configuration'),
      await field('ha_cluster_stack'),
    ]).toEqual([true, { timeout: '90' }, 'xhad']);
    const [file] = await field<string[]>('ha_statefiles');
    expect(await call('VDI.get_record', file)).toMatchObject({
      SR: shared,
      type: 'ha_statefile',
      sharable: true,
    });
    expect(await hostsBy('ha_statefiles')).toEqual([[file], [file], [file], [file]]);
    expect((await hostsBy<string[]>('ha_network_peers')).map((p) => p.length)).toEqual([4, 4, 4, 4]);
    expect(await field('allowed_operations')).not.toContain('ha_enable');
    await expect(call('pool.enable_ha', [shared], {})).rejects.toThrow('HA_IS_ENABLED');
    await expect(call('pool.enable_redo_log', shared)).rejects.toThrow('HA_IS_ENABLED');
    await expect(call('pool.rotate_secret')).rejects.toThrow('HA_IS_ENABLED');
    await call('pool.disable_ha');
    expect([await field('ha_enabled'), await field('ha_statefiles'), await hostsBy('ha_statefiles')]).toEqual(
      [false, [], [[], [], [], []]],
    );
    expect((await call<string[]>('VDI.get_all')).sort()).toEqual(disks.sort());
    expect(await call('SR.get_physical_utilisation', shared)).toBe(used);
  });

  test('says how many hosts may fail, and where their VMs would go', async () => {
    expect(await call('pool.ha_compute_max_host_failures_to_tolerate')).toBe(3);
    const vm = await startedVm('restart');
    expect(await call('pool.ha_compute_max_host_failures_to_tolerate')).toBe(3);
    expect(await call('pool.ha_failover_plan_exists', 3)).toBe(true);
    expect(await call('pool.ha_failover_plan_exists', 4)).toBe(false);
    const home = await call<string>('VM.get_resident_on', vm);
    const plan = await call<Record<string, Record<string, string>>>(
      'pool.ha_compute_vm_failover_plan',
      [home],
      [],
    );
    expect(Object.keys(plan)).toEqual([vm]);
    expect(await call('host.get_all')).toContain(plan[vm]?.['host']);
    expect(plan[vm]?.['host']).not.toBe(home);
    const hosts = await call<string[]>('host.get_all');
    expect(await call('pool.ha_compute_vm_failover_plan', hosts, [])).toEqual({
      [vm]: { error_code: 'NO_HOSTS_AVAILABLE' },
    });
    expect(
      await call('pool.ha_compute_hypothetical_max_host_failures_to_tolerate', { [vm]: 'restart' }),
    ).toBe(3);
    await expect(
      call('pool.ha_compute_hypothetical_max_host_failures_to_tolerate', { [vm]: 'always' }),
    ).rejects.toThrow('INVALID_VALUE ha_restart_priority always');
  });

  test('takes no promise that it cannot keep', async () => {
    await call('pool.enable_ha', [], {});
    await call('pool.set_ha_host_failures_to_tolerate', pool, 2);
    expect([
      await field('ha_host_failures_to_tolerate'),
      await field('ha_plan_exists_for'),
      await field('ha_overcommitted'),
    ]).toEqual([2, 2, false]);
    await expect(call('pool.set_ha_host_failures_to_tolerate', pool, 4)).rejects.toThrow(
      'HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN',
    );
    await expect(call('pool.set_ha_host_failures_to_tolerate', pool, -1)).rejects.toThrow('INVALID_VALUE');
    await call('pool.ha_prevent_restarts_for', 60);
    const [held] =
      (await world.apis[0]?.plane.store.query<{ value: string }>(
        "SELECT value FROM setting WHERE key = 'ha-restarts-held-until'",
      )) ?? [];
    expect(Date.parse(held?.value ?? '')).toBeGreaterThan(Date.now() + 50_000);
    await call('pool.disable_ha');
    expect(await field('ha_plan_exists_for')).toBe(0);
  });

  test('the redo log has a disk while it is on', async () => {
    await call('pool.enable_redo_log', await field('default_SR'));
    const vdi = await field<string>('redo_log_vdi');
    expect([await field('redo_log_enabled'), await call('VDI.get_type', vdi)]).toEqual([true, 'redo_log']);
    await expect(call('pool.enable_redo_log', await field('default_SR'))).rejects.toThrow(
      'REDO_LOG_IS_ENABLED',
    );
    await call('pool.disable_redo_log');
    await expect(call('VDI.get_record', vdi)).rejects.toThrow('HANDLE_INVALID');
  });
});

test('the master is a fact that moves', async () => {
  const before = await field<string>('master');
  const other = (await call<string[]>('host.get_all')).find((h) => h !== before);
  await call('pool.designate_new_master', other);
  expect(await field('master')).toBe(other);
  await call('pool.emergency_reset_master', await call('host.get_address', before));
  expect(await field('master')).toBe(before);
  await expect(call('pool.emergency_reset_master', 'nowhere.example')).rejects.toThrow(
    'INVALID_VALUE master_address',
  );
  await expect(call('pool.designate_new_master', 'OpaqueRef:none')).rejects.toThrow('HANDLE_INVALID host');
  expect(await call('pool.recover_slaves')).toEqual([]);
  await call('pool.emergency_transition_to_master');
});

test('certificates are checked, listed, and trusted for what they say', async () => {
  const { cert } = await generate([{ name: 'commonName', value: 'ca.example' }], { keySize: 2048 });
  await call('pool.install_ca_certificate', 'mine.pem', cert);
  expect(await call('pool.certificate_list')).toEqual(['mine.pem']);
  const records = Object.values(
    await call<Record<string, Record<string, unknown>>>('Certificate.get_all_records'),
  ).filter((c) => c['type'] === 'ca');
  expect(records).toEqual([
    expect.objectContaining({
      name: 'mine.pem',
      host: 'OpaqueRef:NULL',
      fingerprint_sha256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/) as unknown,
    }),
  ]);
  await expect(call('pool.install_ca_certificate', 'mine.pem', cert)).rejects.toThrow(
    'CERTIFICATE_ALREADY_EXISTS mine.pem',
  );
  await expect(call('pool.install_ca_certificate', '../mine', cert)).rejects.toThrow(
    'CERTIFICATE_NAME_INVALID',
  );
  await expect(call('pool.certificate_install', 'bad.pem', 'not a certificate')).rejects.toThrow(
    'CERTIFICATE_CORRUPT bad.pem',
  );
  await call('pool.certificate_sync');
  await call('pool.uninstall_ca_certificate', 'mine.pem', false);
  await expect(call('pool.uninstall_ca_certificate', 'mine.pem', false)).rejects.toThrow(
    'CERTIFICATE_DOES_NOT_EXIST',
  );
  await call('pool.uninstall_ca_certificate', 'mine.pem', true);
  await call('pool.install_trusted_certificate', pool, false, cert, ['licensing']);
  const pinned = Object.entries(
    await call<Record<string, { type: string; purpose: string[] }>>('Certificate.get_all_records'),
  ).filter(([, c]) => c.type === 'pinned');
  expect(pinned.map(([, c]) => c.purpose)).toEqual([['licensing']]);
  await expect(call('pool.install_trusted_certificate', pool, false, cert, [])).rejects.toThrow(
    'TRUSTED_CERTIFICATE_ALREADY_EXISTS',
  );
  await expect(call('pool.install_trusted_certificate', pool, true, 'nonsense', [])).rejects.toThrow(
    'TRUSTED_CERTIFICATE_INVALID',
  );
  await call('pool.uninstall_trusted_certificate', pool, pinned[0]?.[0]);
  await call('pool.crl_install', 'list.pem', '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n');
  expect(await call('pool.crl_list')).toEqual(['list.pem']);
  await expect(call('pool.crl_install', 'other.pem', cert)).rejects.toThrow('CRL_CORRUPT other.pem');
  await call('pool.crl_uninstall', 'list.pem');
  await call('pool.enable_tls_verification');
  expect([await field('tls_verification_enabled'), ...(await hostsBy('tls_verification_enabled'))]).toEqual([
    true,
    true,
    true,
    true,
    true,
  ]);
  await call('pool.enable_client_certificate_auth', pool, 'client.example');
  expect([
    await field('client_certificate_auth_enabled'),
    await field('client_certificate_auth_name'),
  ]).toEqual([true, 'client.example']);
});

test('settings of the pool reach every host', async () => {
  await call('pool.set_ssh_enabled_timeout', pool, 600);
  await call('pool.enable_ssh', pool);
  expect((await hostsBy<string>('ssh_expiry')).every((t) => !t.startsWith('1970'))).toBe(true);
  await call('pool.disable_ssh', pool);
  expect([
    await hostsBy('ssh_enabled'),
    (await hostsBy<string>('ssh_expiry')).every((t) => t.startsWith('1970')),
  ]).toEqual([[false, false, false, false], true]);
  await expect(call('pool.set_ssh_enabled_timeout', pool, -1)).rejects.toThrow('VALUE_NOT_SUPPORTED');
  await call('pool.set_console_idle_timeout', pool, 300);
  expect(await hostsBy('console_idle_timeout')).toEqual([300, 300, 300, 300]);
  await call('pool.set_https_only', pool, true);
  expect(await hostsBy('https_only')).toEqual([true, true, true, true]);
  await call('pool.enable_local_storage_caching', pool);
  expect((await hostsBy<string>('local_cache_sr')).filter((sr) => sr === 'OpaqueRef:NULL')).toEqual([]);
  await call('pool.disable_local_storage_caching', pool);
  await call('pool.apply_edition', pool, 'xcp-ng');
  await expect(call('pool.apply_edition', pool, 'gold')).rejects.toThrow('INVALID_EDITION gold');
  await call('pool.set_igmp_snooping_enabled', pool, true);
  expect(await field('igmp_snooping_enabled')).toBe(true);
  const [management] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  await call('pool.management_reconfigure', management);
  await expect(
    call(
      'pool.management_reconfigure',
      (await call<string[]>('network.get_by_name_label', 'Host internal management network'))[0],
    ),
  ).rejects.toThrow('PIF_NOT_PRESENT');
});

test('settings with a meaning are checked', async () => {
  await expect(call('pool.set_local_auth_max_threads', pool, 0)).rejects.toThrow('INVALID_VALUE');
  await call('pool.set_ext_auth_cache_size', pool, 5);
  expect(Number(await field('ext_auth_cache_size'))).toBe(5);
  await expect(call('pool.set_telemetry_next_collection', pool, '20990101T00:00:00Z')).rejects.toThrow(
    'TELEMETRY_NEXT_COLLECTION_TOO_LATE',
  );
  await call('pool.reset_telemetry_uuid', pool);
  const first = await field<string>('telemetry_uuid');
  await call('pool.reset_telemetry_uuid', pool);
  expect(await call('secret.get_all')).toEqual([await field('telemetry_uuid')]);
  expect(await field('telemetry_uuid')).not.toBe(first);
  const blob = await call<string>('pool.create_new_blob', pool, 'logo', 'image/png', true);
  expect([await field('blobs'), await call('blob.get_mime_type', blob)]).toEqual([
    { logo: blob },
    'image/png',
  ]);
  await call('pool.set_vswitch_controller', '192.0.2.7');
  await expect(call('pool.set_vswitch_controller', 'a b')).rejects.toThrow('INVALID_IP_ADDRESS_SPECIFIED');
  await expect(call('pool.test_archive_target', pool, {})).rejects.toThrow('MESSAGE_REMOVED');
  await expect(call('pool.enable_ssl_legacy', pool)).rejects.toThrow('MESSAGE_REMOVED');
});

test('secure boot is ready with all certificates, nearly without revocations, and not without keys', async () => {
  const archive = (names: string[]): string => {
    const script = `for n in ${names.join(' ')}; do echo x > $n; done; tar cf - ${names.join(' ')} | base64 -w0`;
    return execFileSync('sh', ['-c', `cd "$(mktemp -d)" && ${script}`], { encoding: 'utf8' });
  };
  expect(await call('pool.get_guest_secureboot_readiness', pool)).toBe('not_ready');
  await call('pool.set_custom_uefi_certificates', pool, archive(['PK.auth', 'KEK.auth', 'db.auth']));
  expect(await call('pool.get_guest_secureboot_readiness', pool)).toBe('ready_no_dbx');
  await call(
    'pool.set_custom_uefi_certificates',
    pool,
    archive(['PK.auth', 'KEK.auth', 'db.auth', 'dbx.auth']),
  );
  expect(await call('pool.get_guest_secureboot_readiness', pool)).toBe('ready');
  await expect(call('pool.set_custom_uefi_certificates', pool, '<xml>')).rejects.toThrow('INVALID_VALUE');
});

test('workload balancing says that it is not there, and is not set up by what does not answer', async () => {
  for (const method of ['deconfigure_wlb', 'retrieve_wlb_configuration', 'retrieve_wlb_recommendations'])
    await expect(call(`pool.${method}`)).rejects.toThrow('WLB_NOT_INITIALIZED');
  await expect(call('pool.initialize_wlb', 'nonsense', 'u', 'p', 'u', 'p')).rejects.toThrow(
    'WLB_URL_INVALID nonsense',
  );
  await expect(call('pool.initialize_wlb', '127.0.0.1:1', 'u', 'p', 'u', 'p')).rejects.toThrow(
    'WLB_CONNECTION_REFUSED',
  );
  await expect(call('pool.send_test_post', '127.0.0.1', 1, 'x')).rejects.toThrow(
    'TLS_CONNECTION_FAILED 127.0.0.1 1',
  );
  expect(await field('wlb_url')).toBe('');
});

test('a pool of several hosts does not join another', async () => {
  for (const method of ['join', 'join_force'])
    await expect(call(`pool.${method}`, world.url, 'root', password)).rejects.toThrow(
      'OPERATION_NOT_ALLOWED Host is already part of a pool',
    );
  const task = await call<string>('Async.pool.join', world.url, 'root', password);
  await eventually(async () => expect(await call('task.get_status', task)).toBe('failure'));
  expect(await call('task.get_error_info', task)).toEqual([
    'OPERATION_NOT_ALLOWED',
    'Host is already part of a pool',
  ]);
});

test('a host that is ejected takes with it what is its own and nothing else', async () => {
  const master = await field<string>('master');
  const vms = Object.values(
    await call<Record<string, { resident_on: string; is_control_domain: boolean }>>('VM.get_all_records'),
  );
  const busy = new Set(vms.filter((v) => !v.is_control_domain).map((v) => v.resident_on));
  const [host] = (await call<string[]>('host.get_all')).filter((h) => h !== master && !busy.has(h));
  const used = [...busy].find((h) => h !== 'OpaqueRef:NULL' && h !== master);
  await expect(call('pool.eject', master)).rejects.toThrow('HOST_CANNOT_DESTROY_SELF');
  if (used) await expect(call('pool.eject', used)).rejects.toThrow('HOST_HAS_RESIDENT_VMS');
  const shared = Object.values(await call<Record<string, { shared: boolean }>>('SR.get_all_records')).filter(
    (s) => s.shared,
  ).length;
  const cpus = Number((await field<Record<string, string>>('cpu_info'))['cpu_count']);
  await call('pool.eject', host);
  await expect(call('host.get_record', host)).rejects.toThrow('HANDLE_INVALID');
  expect((await call<string[]>('host.get_all')).length).toBe(3);
  for (const cls of ['PIF', 'PBD', 'host_cpu'])
    expect(
      Object.values(await call<Record<string, { host: string }>>(`${cls}.get_all_records`)).filter(
        (r) => r.host === host,
      ),
    ).toEqual([]);
  const srs = Object.values(await call<Record<string, { shared: boolean }>>('SR.get_all_records'));
  expect([srs.filter((s) => s.shared).length, srs.filter((s) => !s.shared).length]).toEqual([shared, 3]);
  expect(Number((await field<Record<string, string>>('cpu_info'))['cpu_count'])).toBeLessThan(cpus);
  await startedVm();
});
