/** The client of Xen Orchestra, unmodified: from a template to a running VM, watched by events, and its temporary disk. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { createClient, type Xapi } from 'xen-api';
import { eventually, password, startWorld, type World } from '../world';

let world: World;
let xapi: Xapi;
beforeAll(async () => {
  world = await startWorld({ hosts: 4 });
  xapi = createClient({
    url: world.url,
    auth: { user: 'root', password },
    allowUnauthorized: true,
    watchEvents: true,
  });
  await xapi.connect();
  await xapi.objectsFetched;
});
afterAll(async () => {
  await xapi?.disconnect();
  await world?.stop();
});

interface Seen {
  readonly $ref: string;
  readonly $type: string;
  readonly power_state: string;
  readonly name_label: string;
  readonly is_a_template: boolean;
}
const objects = (): Seen[] => Object.values(xapi.objects.all as Record<string, Seen>);
const templateRef = (label: string): string =>
  objects().find((o) => o.$type === 'VM' && o.is_a_template && o.name_label === label)?.$ref ?? '';

test('its cache holds the whole pool after the first fetch', () => {
  const count = (type: string): number => objects().filter((o) => o.$type === type).length;
  expect(count('host')).toBe(4);
  expect(count('pool')).toBe(1);
  expect(count('PBD')).toBe(4 * 5);
  expect(objects().filter((o) => o.$type === 'VM' && o.is_a_template).length).toBeGreaterThanOrEqual(5);
});

test('ten VMs go from template to Running, each seen by events', async () => {
  const refs = await Promise.all(
    Array.from({ length: 10 }, async (_, i) => {
      const vm = String(await xapi.call('VM.clone', templateRef('Debian Bookworm 12'), `compat ${i}`));
      await xapi.call('VM.provision', vm);
      await xapi.callAsync('VM.start', vm, false, false);
      return vm;
    }),
  );
  await eventually(async () =>
    expect(refs.map((ref) => (xapi.getObject(ref) as Seen).power_state)).toEqual(refs.map(() => 'Running')),
  );
  await Promise.all(refs.map((vm) => xapi.callAsync('VM.hard_shutdown', vm)));
  await eventually(async () =>
    expect(refs.map((ref) => (xapi.getObject(ref) as Seen).power_state)).toEqual(refs.map(() => 'Halted')),
  );
  await Promise.all(refs.map((vm) => xapi.call('VM.destroy', vm)));
  await eventually(async () =>
    expect(refs.filter((ref) => xapi.getObject(ref, undefined) !== undefined)).toEqual([]),
  );
});

test('a task that fails says why', async () => {
  await expect(
    xapi.callAsync('VM.start', templateRef('Debian Bookworm 12'), false, false),
  ).rejects.toMatchObject({ code: 'VM_IS_TEMPLATE' });
});

test('its barrier sees its own writes', async () => {
  await xapi.barrier();
});

/** A disk with something to verify: a real boot image where the system has one, else random bytes. */
function bootImage(): Buffer {
  for (const file of [
    '/usr/lib/grub-rescue/grub-rescue-cdrom.iso',
    '/boot/ipxe.iso',
    '/usr/lib/ipxe/ipxe.iso',
  ]) {
    try {
      return readFileSync(file);
    } catch {
      continue;
    }
  }
  return randomBytes(3 * 2 ** 20);
}

test('a VM from an image runs on a verified copy that is gone afterwards', async () => {
  const image = bootImage();
  const put = await fetch(`${world.url}/images?session_id=${xapi.sessionId}&name_label=imported`, {
    method: 'PUT',
    body: new Uint8Array(image),
    headers: { 'content-type': 'application/octet-stream' },
  });
  expect(put.status).toBe(200);
  const { template, sha256 } = (await put.json()) as { template: string; sha256: string };
  expect(sha256).toBe(createHash('sha256').update(image).digest('hex'));
  const ref = String(await xapi.call('VM.get_by_uuid', template));
  const vm = String(await xapi.call('VM.clone', ref, 'from image'));
  await xapi.call('VM.provision', vm);
  await xapi.callAsync('VM.start', vm, false, false);
  const disks = (): string[] =>
    readdirSync(world.folder, { recursive: true })
      .map(String)
      .filter((f) => f.includes(`${path.sep}disks${path.sep}`) && f.endsWith('.raw'));
  expect(disks().length).toBe(1);
  const disk = readFileSync(path.join(world.folder, disks()[0] ?? ''));
  expect(createHash('sha256').update(disk.subarray(0, image.length)).digest('hex')).toBe(sha256);
  await xapi.callAsync('VM.hard_shutdown', vm);
  expect(disks()).toEqual([]);
});

describe('its transfers', () => {
  const bytes = randomBytes(3 * 2 ** 20);
  const newDisk = async (): Promise<string> => {
    const SR = await xapi.call(
      'pool.get_default_SR',
      String(((await xapi.call('pool.get_all')) as string[])[0]),
    );
    const given = {
      SR,
      virtual_size: 4 * 2 ** 20,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
      name_label: 'transferred',
    };
    return String(await xapi.call('VDI.create', given));
  };
  const contents = async (vdi: string): Promise<Buffer> => {
    const { body } = await xapi.getResource('/export_raw_vdi', { query: { vdi, format: 'raw' } });
    return Buffer.from(await body.arrayBuffer());
  };

  test.each([
    ['a buffer', () => bytes],
    [
      'a stream of unknown length, with a petabyte announced and the connection cut at its end',
      () => Readable.from([bytes.subarray(0, 2 ** 20), bytes.subarray(2 ** 20)]),
    ],
  ])('%s comes back as it went', async (_what, body) => {
    const vdi = await newDisk();
    await xapi.putResource(body(), '/import_raw_vdi', { query: { vdi, format: 'raw' } });
    const disk = await contents(vdi);
    expect(disk.length).toBe(4 * 2 ** 20);
    expect(disk.subarray(0, bytes.length).equals(bytes)).toBe(true);
    await xapi.call('VDI.destroy', vdi);
  });

  test('a VM goes out and comes in as an archive', async () => {
    const vm = String(await xapi.call('VM.clone', templateRef('Debian Bookworm 12'), 'archived'));
    await xapi.call('VM.provision', vm);
    const { body } = await xapi.getResource('/export/', { query: { ref: vm, use_compression: 'false' } });
    const archive = Buffer.from(await body.arrayBuffer());
    const [copy = ''] = (await xapi.putResource(archive, '/import/', {})) as string[];
    await eventually(async () =>
      expect(xapi.getObject(copy) as Seen).toMatchObject({ name_label: 'archived', power_state: 'Halted' }),
    );
    expect(copy).not.toBe(vm);
  });
});

test('Python’s xmlrpc.client does the same over XML-RPC', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xenplane-python-'));
  try {
    const script = readFileSync(path.join(__dirname, 'story.py'), 'utf8');
    const { stdout } = await promisify(execFile)('python3', ['-c', script, world.url, password], {
      cwd: folder,
      timeout: 60_000,
    });
    expect(stdout.trim().split('\n')).toEqual([
      'Halted',
      'Running',
      'Halted',
      'VM_BAD_POWER_STATE',
      'HANDLE_INVALID',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
