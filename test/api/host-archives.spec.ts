/** Backup, logs and status report of a host: archives that hold what is true, and the way back. */
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { ByteReader, TarReader, tarEnd, tarMember } from '@xenplane/wire';
import { thinXe, type ThinRun } from '../thin-client';
import { eventually, login, password, startWorld, statusOf, type Call, type World } from '../world';

let world: World;
let call: Call;
let token: string;
let host: string;
let uuid: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
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
  [host = ''] = await call<string[]>('host.get_all');
  uuid = await call('host.get_uuid', host);
});
afterAll(() => world?.stop());

type Files = Readonly<Record<string, string>>;
async function unpacked(bytes: Uint8Array): Promise<Files> {
  const files: Record<string, string> = {};
  const tar = new TarReader(new ByteReader(chunks(bytes)));
  for (let entry = await tar.next(); entry; entry = await tar.next())
    files[entry.name] = Buffer.from(await tar.content(entry, 2 ** 26)).toString('utf8');
  return files;
}
async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}
async function got(path: string): Promise<Buffer> {
  const answer = await fetch(`${world.url}${path}${path.includes('?') ? '&' : '?'}session_id=${token}`);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}
const packed = (files: Files): Buffer =>
  Buffer.concat([
    ...Object.entries(files).flatMap(([name, content]) => [...tarMember(name, Buffer.from(content))]),
    tarEnd(),
  ]);
const xe = (files: Map<string, Buffer>, ...words: string[]): Promise<ThinRun> =>
  thinXe({ port: Number(new URL(world.url).port), password, files }, ...words);

test.each(['/host_backup', '/host_logs_download', '/system-status'])('%s needs a session', async (path) => {
  expect(await statusOf(fetch(`${world.url}${path}`))).toBe(401);
});

test('the logs of a host are what was logged: its console ring, its operations, alerts and the audit trail', async () => {
  await call('host.send_debug_keys', host, 'q');
  await call('host.set_name_description', host, 'told of in the trail');
  const files = await unpacked(gunzipSync(await got(`/host_logs_download?host_id=${uuid}`)));
  expect(files['var/log/xen/hypervisor.log']).toBe(await call('host.dmesg', host));
  expect(files['var/log/xensource.log']).toMatch(
    /^\[\d{8}T[\d:.]+Z\|info\|xenplane\|OpaqueRef:[0-9a-f-]+\|host\.send_debug_keys\] done$/m,
  );
  expect(files['var/log/audit.log']).toMatch(/host\.set_name_description/);
  expect(Object.keys(files)).toContain('var/log/alerts.log');
});

describe('a status report', () => {
  const entries = 'hardware-info,xen-info,process-list,network-config';
  test('has the entries that are asked for, in each form', async () => {
    const files = await unpacked(await got(`/system-status?output=tar&entries=${entries}`));
    expect(Object.keys(files).map((name) => name.split('/')[1])).toEqual([
      'hardware-info',
      'network-config',
      'process-list',
      'xen-info',
    ]);
    expect(JSON.parse(files['bug-report/hardware-info/hardware-info.json'] ?? '')).toMatchObject({
      cpu_info: await call('host.get_cpu_info', host),
    });
    expect(
      (await got('/system-status?output=tar.bz2&entries=xen-info')).subarray(0, 10).toString('hex'),
    ).toBe('425a6831314159265359');
    const zip = await got(`/system-status?output=zip&entries=xen-info`);
    expect([
      zip.readUInt32LE(0),
      zip.readUInt32LE(zip.length - 22),
      zip.readUInt16LE(zip.length - 12),
    ]).toEqual([0x04034b50, 0x06054b50, 1]);
    const name = zip.readUInt16LE(26);
    expect(inflateRawSync(zip.subarray(30 + name, 30 + name + zip.readUInt32LE(18))).toString()).toBe(
      await call('host.dmesg', host),
    );
  });
  test('has by default every entry that the capabilities choose, and no licence or secret', async () => {
    const xml = await call<string>('host.get_system_status_capabilities', host);
    const chosen = [...xml.matchAll(/key="([^"]+)"[^>]*default-checked="yes"/g)].map((m) => m[1]);
    await call('secret.create', { value: 'never shown', other_config: {} });
    const files = await unpacked(await got('/system-status'));
    expect([...new Set(Object.keys(files).map((n) => n.split('/')[1]))].sort()).toEqual([...chosen].sort());
    expect(Object.values(files).join('')).not.toMatch(/never shown|license_params/);
  });
  test.each(['output=rar', 'entries=nonsense'])('cannot be had with %s', async (query) => {
    const answer = await fetch(`${world.url}/system-status?${query}&session_id=${token}`);
    expect([answer.status, await answer.text()]).toEqual([
      500,
      expect.stringContaining('SYSTEM_STATUS_RETRIEVAL_FAILED'),
    ]);
  });
});

describe('a backup', () => {
  test('brings back what was set on the host; events follow', async () => {
    await call('host.add_to_other_config', host, 'kept', 'yes');
    await call('host.set_name_label', host, 'before');
    const files = new Map<string, Buffer>();
    expect(await xe(files, 'host-backup', `host=${uuid}`, 'file-name=backup.tar')).toMatchObject({
      code: 0,
      error: '',
    });
    await call('host.set_name_label', host, 'after');
    await call('host.remove_from_other_config', host, 'kept');
    const { token: since } = await call<{ token: string }>('event.from', ['host'], '', 5);
    expect(await xe(files, 'host-restore', `host=${uuid}`, 'file-name=backup.tar')).toMatchObject({
      code: 0,
      error: '',
    });
    expect(await call('host.get_record', host)).toMatchObject({
      name_label: 'before',
      other_config: { kept: 'yes' },
    });
    const { events } = await call<{ events: { ref: string; snapshot: { name_label: string } }[] }>(
      'event.from',
      ['host'],
      since,
      5,
    );
    expect(events.map((e) => [e.ref, e.snapshot.name_label])).toContainEqual([host, 'before']);
  });

  test('that is bad is refused whole', async () => {
    const good = await unpacked(await got('/host_backup'));
    const manifest = JSON.parse(good['manifest.json'] ?? '') as Record<string, unknown>;
    const settings = JSON.parse(good['host.json'] ?? '') as Record<string, unknown>;
    const before = await call('host.get_record', host);
    const tries: readonly [Buffer, string][] = [
      [
        packed({ ...good, 'manifest.json': JSON.stringify({ ...manifest, product_version: '0.1' }) }),
        'RESTORE_INCOMPATIBLE_VERSION',
      ],
      [
        packed({ ...good, 'manifest.json': JSON.stringify({ ...manifest, host: 'another' }) }),
        'RESTORE_SCRIPT_FAILED',
      ],
      [
        packed({ ...good, 'host.json': JSON.stringify({ ...settings, name_label: 'x', tags: 7 }) }),
        'RESTORE_SCRIPT_FAILED',
      ],
      [
        packed({
          ...good,
          'host.json': JSON.stringify({ ...settings, name_label: 'x', suspend_image_sr: 'OpaqueRef:none' }),
        }),
        'HANDLE_INVALID',
      ],
      [packed({ ...good, 'host.json': JSON.stringify({ ...settings, uuid: 'x' }) }), 'RESTORE_SCRIPT_FAILED'],
      [Buffer.from('this is no archive'), 'RESTORE_SCRIPT_FAILED'],
    ];
    for (const [body, code] of tries) {
      const task = await call<string>('task.create', 'restore', '');
      await fetch(`${world.url}/host_restore?session_id=${token}&task_id=${task}`, {
        method: 'PUT',
        body: new Uint8Array(body),
      }).catch(() => undefined);
      await eventually(async () => expect((await call<string[]>('task.get_error_info', task))[0]).toBe(code));
    }
    expect(await call('host.get_record', host)).toEqual(before);
  });
});

test('xe fetches logs and a report', async () => {
  const files = new Map<string, Buffer>();
  expect(await xe(files, 'host-logs-download', `host=${uuid}`, 'file-name=logs.tar.gz')).toMatchObject({
    code: 0,
    error: '',
  });
  expect(Object.keys(await unpacked(gunzipSync(files.get('logs.tar.gz') ?? Buffer.alloc(0))))).toContain(
    'var/log/audit.log',
  );
  expect(
    await xe(files, 'host-get-system-status', `host=${uuid}`, 'filename=report.tar.bz2', 'entries=xen-info'),
  ).toMatchObject({ code: 0, error: '' });
  expect(files.get('report.tar.bz2')?.subarray(0, 4).toString()).toBe('BZh1');
});
