/** Updates: as disks, as patches of the old kind, from repositories. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let pool: string;
let hosts: string[];
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  pool = (await call<string[]>('pool.get_all'))[0] ?? '';
  hosts = (await call<string[]>('host.get_all')).sort();
});
afterAll(() => world?.stop());

async function tokenOf(): Promise<string> {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'session.login_with_password',
    params: ['root', world.password],
  });
  return (
    (await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json()) as { result: string }
  ).result;
}
const uuid = '11111111-2222-4333-8444-555555555555';
const xml = (more = ''): string =>
  `<?xml version="1.0"?><update name-label="XS83E001" version="1.0" uuid="${uuid}" key="vendor" installation-size="1048576" after-apply-guidance="restartHost" enforce-homogeneity="true"${more}><name-description>Fixes &lt;all&gt;</name-description></update>`;
async function disk(other_config: Record<string, string>): Promise<string> {
  const SR = await call('pool.get_default_SR', pool);
  const record = {
    name_label: 'update',
    name_description: '',
    SR,
    virtual_size: 2 ** 21,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config,
    xenstore_data: {},
    sm_config: {},
    tags: [],
  };
  return call('VDI.create', record);
}

describe('an update on a disk', () => {
  let update: string;
  let vdi: string;
  test('is introduced by what the disk says of it', async () => {
    await expect(disk({}).then((empty) => call('pool_update.introduce', empty))).rejects.toThrow(
      'INVALID_UPDATE',
    );
    await expect(
      disk({ 'update.xml': '<update version="1"/>' }).then((bad) => call('pool_update.introduce', bad)),
    ).rejects.toThrow('INVALID_UPDATE The update has no uuid');
    vdi = await disk({ 'update.xml': xml() });
    update = await call('pool_update.introduce', vdi);
    expect(await call('pool_update.get_record', update)).toMatchObject({
      uuid,
      name_label: 'XS83E001',
      name_description: 'Fixes <all>',
      version: '1.0',
      key: 'vendor',
      installation_size: 1048576,
      after_apply_guidance: ['restartHost'],
      enforce_homogeneity: true,
      vdi,
      hosts: [],
    });
    expect(await call('pool_update.introduce', vdi)).toBe(update);
    await expect(
      disk({ 'update.xml': xml().replace('XS83E001', 'other') }).then((other) =>
        call('pool_update.introduce', other),
      ),
    ).rejects.toThrow(`UPDATE_ALREADY_EXISTS ${uuid}`);
  });

  test('is applied to one host, then to the rest', async () => {
    expect(await call('pool_update.precheck', update, hosts[0])).toBe('ok');
    await call('pool_update.apply', update, hosts[0]);
    expect(await call('pool_update.get_hosts', update)).toEqual([hosts[0]]);
    expect([
      await call('host.get_updates', hosts[0]),
      await call('host.get_updates_requiring_reboot', hosts[0]),
    ]).toEqual([[update], [update]]);
    await expect(call('pool_update.apply', update, hosts[0])).rejects.toThrow(
      `UPDATE_ALREADY_APPLIED ${update}`,
    );
    await expect(call('pool_update.destroy', update)).rejects.toThrow('UPDATE_IS_APPLIED');
    const [patch] = await call<string[]>('pool_patch.get_all');
    expect(await call('pool_patch.get_pool_applied', patch)).toBe(false);
    await call('pool_update.pool_apply', update);
    expect((await call<string[]>('pool_update.get_hosts', update)).sort()).toEqual(hosts);
    expect(await call('pool_patch.get_record', patch)).toMatchObject({
      pool_applied: true,
      pool_update: update,
      name_label: 'XS83E001',
    });
    expect((await call<string[]>('pool_patch.get_host_patches', patch)).length).toBe(2);
    await expect(call('pool_update.pool_apply', update)).rejects.toThrow('UPDATE_ALREADY_APPLIED_IN_POOL');
    await expect(call('pool_patch.apply', patch, hosts[0])).rejects.toThrow(`PATCH_ALREADY_APPLIED ${patch}`);
    await expect(call('pool_patch.destroy', patch)).rejects.toThrow('PATCH_IS_APPLIED');
  });

  test('is cleaned of its disk and keeps its record', async () => {
    const sr = await call('pool.get_default_SR', pool);
    const used = Number(await call('SR.get_virtual_allocation', sr));
    await call('pool_update.pool_clean', update);
    await expect(call('VDI.get_record', vdi)).rejects.toThrow('HANDLE_INVALID');
    expect(used - Number(await call('SR.get_virtual_allocation', sr))).toBe(2 ** 21);
    expect(await call('pool_update.get_vdi', update)).toBe('OpaqueRef:NULL');
  });

  test('is refused by a host without room, and can be destroyed while nobody has it', async () => {
    const big = xml()
      .replace('1048576', String(2 ** 50))
      .replace(uuid, uuid.replace('1', '2'));
    const second = await call<string>('pool_update.introduce', await disk({ 'update.xml': big }));
    await expect(call('pool_update.precheck', second, hosts[0])).rejects.toThrow(
      `UPDATE_PRECHECK_FAILED_OUT_OF_SPACE ${second}`,
    );
    expect((await call<string[]>('pool_patch.get_all')).length).toBe(2);
    await call('pool_update.destroy', second);
    await expect(call('pool_update.get_record', second)).rejects.toThrow('HANDLE_INVALID');
    expect((await call<string[]>('pool_patch.get_all')).length).toBe(1);
  });
});

describe('repositories', () => {
  let server: Server;
  let base: string;
  let index = `<repomd><data type="updateinfo"><checksum type="sha256">${'ab'.repeat(32)}</checksum></data></repomd>`;
  beforeAll(async () => {
    server = createServer(
      (request, response) =>
        void response.writeHead(request.url === '/base/repodata/repomd.xml' ? 200 : 404).end(index),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  let remote: string;

  test('are introduced once each, by addresses that can be asked', async () => {
    remote = await call('Repository.introduce', 'base', '', base, base, true, '');
    await expect(call('Repository.introduce', 'base', '', `${base}/x`, base, true, '')).rejects.toThrow(
      `REPOSITORY_ALREADY_EXISTS ${remote}`,
    );
    await expect(call('Repository.introduce', 'evil', '', 'file:///etc', base, true, '')).rejects.toThrow(
      'INVALID_BASE_URL file:///etc',
    );
    await expect(call('Repository.set_gpgkey_path', remote, '../key')).rejects.toThrow(
      'INVALID_GPGKEY_PATH ../key',
    );
    await call('Repository.set_gpgkey_path', remote, 'RPM-GPG-KEY');
    expect(await call('Repository.get_record', remote)).toMatchObject({
      origin: 'remote',
      hash: '',
      gpgkey_path: 'RPM-GPG-KEY',
    });
  });

  test('are synced when the pool uses them', async () => {
    await expect(call('pool.sync_updates', pool, false)).rejects.toThrow('NO_REPOSITORY_ENABLED');
    await expect(call('pool.set_update_sync_enabled', pool, true)).rejects.toThrow(
      'NO_REPOSITORIES_CONFIGURED',
    );
    await call('pool.add_repository', pool, remote);
    await expect(call('Repository.forget', remote)).rejects.toThrow('REPOSITORY_IS_IN_USE');
    const hash = await call('pool.sync_updates', pool, false);
    expect(hash).toBe('ab'.repeat(32));
    expect(await call('Repository.get_hash', remote)).toBe('ab'.repeat(32));
    expect(await call('pool.get_last_update_sync', pool)).not.toMatch(/^1970/);
    expect(await call('pool.sync_updates', pool, true)).toBe(hash);
    const token = await tokenOf();
    const pending = (await (await fetch(`${world.url}/updates?session_id=${token}`)).json()) as {
      hash: string;
      hosts: { ref: string; updates: string[] }[];
    };
    expect([pending.hash, pending.hosts.map((h) => [h.ref, h.updates])]).toEqual([
      hash,
      hosts.map((h) => [h, []]),
    ]);
    index = '<nothing/>';
    await expect(call('pool.sync_updates', pool, false)).rejects.toThrow('INVALID_REPOMD_XML');
    expect(await call('pool.get_current_operations', pool)).toEqual({});
  });

  test('of another kind stand alone', async () => {
    const bundle = await call('Repository.introduce_bundle', 'bundle', '');
    await expect(call('Repository.introduce_bundle', 'more', '')).rejects.toThrow(
      `BUNDLE_REPOSITORY_ALREADY_EXISTS ${bundle}`,
    );
    await expect(call('pool.set_repositories', pool, [remote, bundle])).rejects.toThrow(
      'REPO_SHOULD_BE_SINGLE_ONE_ENABLED',
    );
    await call('pool.set_update_sync_enabled', pool, true);
    await call('pool.set_repositories', pool, [bundle]);
    expect([
      await call('pool.get_repositories', pool),
      await call('pool.get_update_sync_enabled', pool),
    ]).toEqual([[bundle], false]);
    expect(await call('Repository.get_hash', remote)).toBe('');
    await expect(call('pool.set_update_sync_enabled', pool, true)).rejects.toThrow(
      'CAN_NOT_PERIODIC_SYNC_UPDATES',
    );
    await expect(call('pool.sync_updates', pool, false)).rejects.toThrow('CAN_NOT_SYNC_UPDATES');
    await call('pool.remove_repository', pool, bundle);
    await call('Repository.forget', bundle);
    await call('Repository.forget', remote);
    expect(await call('Repository.get_all')).toEqual([]);
    const other = await call(
      'Repository.introduce_remote_pool',
      'other',
      '',
      'https://192.0.2.1',
      'certificate',
    );
    expect(await call('Repository.get_record', other)).toMatchObject({
      origin: 'remote_pool',
      certificate: 'certificate',
    });
  });

  test('the way to them, and when', async () => {
    await call('pool.configure_update_sync', pool, 'weekly', 3);
    await expect(call('pool.configure_update_sync', pool, 'weekly', 7)).rejects.toThrow(
      'INVALID_UPDATE_SYNC_DAY 7',
    );
    await call('pool.configure_update_sync', pool, 'daily', 3);
    expect(Number(await call('pool.get_update_sync_day', pool))).toBe(0);
    await call('pool.configure_repository_proxy', pool, 'http://proxy.example:3128', 'me', 'secret words');
    const secret = await call<string>('pool.get_repository_proxy_password', pool);
    expect(await call('secret.get_value', secret)).toBe('secret words');
    await expect(call('pool.configure_repository_proxy', pool, 'proxy', '', '')).rejects.toThrow(
      'INVALID_REPOSITORY_PROXY_URL proxy',
    );
    await expect(
      call('pool.configure_repository_proxy', pool, 'http://proxy.example', 'me', ''),
    ).rejects.toThrow('INVALID_REPOSITORY_PROXY_CREDENTIAL');
    await call('pool.disable_repository_proxy', pool);
    expect(await call('pool.get_repository_proxy_url', pool)).toBe('');
    await expect(call('secret.get_value', secret)).rejects.toThrow('HANDLE_INVALID');
    expect(await call('pool.check_update_readiness', pool, true)).toEqual([]);
    await call('pool.enable_ha', [], {});
    expect(await call('pool.check_update_readiness', pool, false)).toEqual([['HA_IS_ENABLED']]);
    await call('pool.disable_ha');
  });
});

test('a supplemental pack on a disk is installed on the host that is asked to', async () => {
  const [host] = hosts;
  const install = (args: Record<string, string>): Promise<string> =>
    call('host.call_plugin', host, 'install-supp-pack', 'install', args);
  await expect(install({})).rejects.toThrow(
    "XENAPI_PLUGIN_FAILURE install ArgumentError Key 'vdi' missing from arguments",
  );
  await expect(install({ vdi: 'none' })).rejects.toThrow(
    'XENAPI_PLUGIN_FAILURE install ArgumentError VDI parameter invalid',
  );
  const uuidOf = (vdi: string): Promise<string> => call('VDI.get_uuid', vdi);
  await expect(install({ vdi: await uuidOf(await disk({})) })).rejects.toThrow(
    'install ArgumentError VDI contains invalid update package',
  );
  const pack = await disk({
    'update.xml': `<update uuid="22222222-2222-4333-8444-555555555555" name-label="pack" version="2"/>`,
  });
  expect(await install({ vdi: await uuidOf(pack) })).toBe('OK');
  const [update] = await call<string[]>('pool_update.get_by_name_label', 'pack');
  expect(await call('pool_update.get_hosts', update)).toEqual([host]);
  await expect(install({ vdi: await uuidOf(pack) })).rejects.toThrow(
    `XENAPI_PLUGIN_FAILURE install InstallFailure ('Failed to install the supplemental pack', "['UPDATE_ALREADY_APPLIED', '${update}']")`,
  );
});
