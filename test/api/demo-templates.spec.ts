/** The templates that start without an installer: made once, one of them on an ordinary disk with all that such a disk can do. */
import { apiSettings, testServices } from '@xenplane/config';
import { complaints } from '@xenplane/testing';
import { demoImage, ensureDemoTemplates } from '@xenplane/xapi';
import { startApi } from '../../apps/api/src/api';
import { thinXe } from '../thin-client';
import { eventually, login, password, startWorld, untilGuestSpeaks, type Call, type World } from '../world';

const serverName = 'Xenplane demo server',
  diskName = 'Xenplane demo disk';
const size = 4 * 2 ** 20;
let world: World;
let call: Call;
let token: string;
let image: Buffer;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'session.login_with_password',
    params: ['root', password],
  });
  token = (
    (await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json()) as { result: string }
  ).result;
  image = Buffer.from(demoImage());
});
afterAll(() => world?.stop());
afterEach(async () => {
  const [api] = world.apis;
  if (api) await eventually(async () => expect(await complaints(api.plane.store)).toEqual([]));
});

const address = (path: string, query: Record<string, string>): string =>
  `${world.url}${path}?${new URLSearchParams({ session_id: token, ...query }).toString()}`;
async function get(path: string, query: Record<string, string>): Promise<Buffer> {
  const answer = await fetch(address(path, query));
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}
async function put(path: string, query: Record<string, string>, body: Buffer): Promise<void> {
  const answer = await fetch(address(path, query), { method: 'PUT', body: new Uint8Array(body) });
  expect([answer.status, await answer.text()]).toEqual([200, '']);
}
const named = async (name: string): Promise<string> => {
  const refs = await call<string[]>('VM.get_by_name_label', name);
  expect(refs).toHaveLength(1);
  return refs[0] ?? '';
};
async function diskOf(vm: string): Promise<string> {
  const [vbd = '', ...others] = await call<string[]>('VM.get_VBDs', vm);
  expect(others).toEqual([]);
  return call<string>('VBD.get_VDI', vbd);
}
async function hasTheImage(vm: string): Promise<boolean> {
  const vdi = await diskOf(vm);
  const bytes = await get('/export_raw_vdi', { vdi });
  await eventually(async () => expect(await call('VDI.get_current_operations', vdi)).toEqual({}));
  return bytes.equals(image);
}
async function xe(...words: string[]): Promise<string> {
  const { code, out, error } = await thinXe(
    { port: Number(new URL(world.url).port), password, files: new Map() },
    ...words,
  );
  expect([code, error]).toEqual([0, '']);
  return out;
}
async function installed(name: string): Promise<string> {
  await xe('vm-install', `template=${serverName}`, `new-name-label=${name}`);
  return named(name);
}
async function started(name: string): Promise<string> {
  const vm = await installed(name);
  await xe('vm-start', `vm=${name}`);
  await untilGuestSpeaks(call, vm);
  return vm;
}
const nfs = async (name: string): Promise<string> =>
  call(
    'SR.create',
    (await call<string[]>('host.get_all'))[0],
    { server: 'filer', serverpath: `/export/${name}` },
    0,
    name,
    '',
    'nfs',
    'user',
    true,
    {},
  );
const powerState = (vm: string): Promise<string> => call('VM.get_power_state', vm);

test('the disk of the template is an ordinary one of the default storage, and takes what it contains', async () => {
  const [pool = ''] = await call<string[]>('pool.get_all');
  const vdi = await call<{ sm_config: Record<string, string> }>(
    'VDI.get_record',
    await diskOf(await named(serverName)),
  );
  const SR = await call<string>('pool.get_default_SR', pool);
  expect(vdi).toMatchObject({
    SR,
    type: 'system',
    on_boot: 'persist',
    managed: true,
    read_only: false,
    virtual_size: size,
    physical_utilisation: size,
  });
  expect(Object.keys(vdi.sm_config)).not.toContain('image-sha256');
  expect(await call('SR.get_physical_utilisation', SR)).toBe(size);
  expect(await hasTheImage(await named(serverName))).toBe(true);
});

test('a VM that xe installs from it starts at once and hears its host', async () => {
  const vm = await started('at once');
  expect(await powerState(vm)).toBe('Running');
  await xe('vm-shutdown', 'vm=at once');
  expect(await powerState(vm)).toBe('Halted');
  expect(await hasTheImage(vm)).toBe(true);
});

test('a snapshot keeps the disk, a change stays until the VM is reverted, and the template is as before', async () => {
  const vm = await installed('changed');
  const snapshot = (await xe('vm-snapshot', 'vm=changed', 'new-name-label=before')).trim();
  const changed = Buffer.from(image).fill(7, 100_000, 200_000);
  await put('/import_raw_vdi', { vdi: await diskOf(vm) }, changed);
  await call('VM.start', vm, false, false);
  await call('VM.hard_shutdown', vm);
  expect((await get('/export_raw_vdi', { vdi: await diskOf(vm) })).equals(changed)).toBe(true);
  await eventually(async () =>
    expect(await call('VDI.get_current_operations', await diskOf(vm))).toEqual({}),
  );
  await xe('snapshot-revert', `snapshot-uuid=${snapshot}`);
  expect([await hasTheImage(vm), await hasTheImage(await named(serverName))]).toEqual([true, true]);
});

test('it is checkpointed, suspended, migrated and moved to other storage while it runs', async () => {
  const vm = await started('lively');
  const checkpoint = await call<string>('VM.checkpoint', vm, 'with memory');
  await call('VM.suspend', vm);
  expect([await powerState(vm), await powerState(checkpoint)]).toEqual(['Suspended', 'Suspended']);
  await call('VM.resume', vm, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('pool_migrate'));
  const from = await call<string>('VM.get_resident_on', vm);
  const to = (await call<string[]>('host.get_all')).find((host) => host !== from);
  await call('VM.pool_migrate', vm, to, {});
  expect(await call('VM.get_resident_on', vm)).toBe(to);
  const sr = await nfs('demo-motion');
  await call('VDI.pool_migrate', await diskOf(vm), sr, {});
  expect(await call('VDI.get_SR', await diskOf(vm))).toBe(sr);
  await eventually(async () =>
    expect(await call('VM.get_allowed_operations', vm)).toContain('clean_shutdown'),
  );
  await call('VM.clean_shutdown', vm);
  expect([await hasTheImage(vm), await hasTheImage(checkpoint)]).toEqual([true, true]);
});

test('an archive of it has the bytes', async () => {
  const vm = await installed('packed');
  const archive = await get('/export', { ref: vm });
  await eventually(async () => expect(await call('VM.get_current_operations', vm)).toEqual({}));
  await call('VDI.destroy', await diskOf(vm));
  await call('VM.destroy', vm);
  const task = await call<string>('task.create', 'import', '');
  await put('/import', { task_id: task, sr_id: await nfs('demo-import') }, archive);
  await eventually(async () => expect(await call('task.get_status', task)).toBe('success'));
  expect(await hasTheImage(await named('packed'))).toBe(true);
});

test('a template that was removed stays away when an API starts again, the other is not made twice', async () => {
  const template = await named(serverName);
  await call('VDI.destroy', await diskOf(template));
  await call('VM.destroy', template);
  const again = await startApi(
    apiSettings({
      ...{
        DATABASE_URL: world.databaseUrl,
        REDIS_URL: testServices().redisUrl,
        XENPLANE_LOG_LEVEL: 'error',
        XENPLANE_PORT: '0',
        XENPLANE_SEED: '7',
      },
      ...{
        XENPLANE_IMAGES_URL: world.imagesUrl,
        XENPLANE_IMAGES_SECRET: world.apis[0]?.plane.settings.imagesSecret,
        XENPLANE_DATA: `${world.folder}/again`,
      },
    }),
  );
  await ensureDemoTemplates(again.plane, 7);
  await again.stop();
  expect(await call('VM.get_by_name_label', serverName)).toEqual([]);
  await named(diskName);
});
