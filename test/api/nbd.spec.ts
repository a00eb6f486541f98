/** Disks over NBD: whoever has a session reads what `VDI.get_nbd_info` leads to, and nobody else does. */
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import type { Role } from '@xenplane/model';
import { asRef } from '@xenplane/model';
import { openSession } from '@xenplane/xapi';
import { NbdClient, type NbdInfo } from '../nbd-client';
import { eventually, login, startWorld, type Call, type World } from '../world';
import { sessionOf } from '../wire/raw';

const MiB = 2 ** 20;
let world: World;
let call: Call;
let token: string;
let sr: string;
let network: string;
let vdi: string;
const contents = Buffer.concat([randomBytes(2 * MiB), Buffer.alloc(5 * MiB), randomBytes(MiB)]);
const clients: NbdClient[] = [];

async function newDisk(bytes?: Buffer): Promise<string> {
  const disk = {
    SR: sr,
    virtual_size: bytes?.length ?? MiB,
    type: 'user',
    sharable: false,
    read_only: false,
    name_label: 'disk',
    other_config: {},
  };
  const ref = await call<string>('VDI.create', disk);
  if (bytes)
    await (
      await fetch(
        `${world.url}/import_raw_vdi?${new URLSearchParams({ session_id: token, vdi: ref }).toString()}`,
        { method: 'PUT', body: bytes },
      )
    ).text();
  return ref;
}
const infos = async (disk = vdi): Promise<NbdInfo[]> => {
  const { result } = (await (
    await fetch(`${world.url}/jsonrpc`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'VDI.get_nbd_info', params: [token, disk] }),
    })
  ).json()) as { result: NbdInfo[] };
  return result.map((info) => ({ ...info, port: Number(info.port) }));
};
async function infoOf(disk = vdi): Promise<NbdInfo> {
  const [info] = await infos(disk);
  if (!info) throw new Error('nobody serves the disk');
  return info;
}
async function client(): Promise<NbdClient> {
  const one = await NbdClient.connect(await infoOf());
  clients.push(one);
  return one;
}
async function greeted(): Promise<NbdClient> {
  const one = await client();
  expect(await one.greet()).toBe('NBDMAGICIHAVEOPT3');
  return one;
}
async function gone(info?: NbdInfo): Promise<NbdClient> {
  const one = await greeted();
  expect((await one.go((info ?? (await infoOf())).exportname)).type).toBe(1);
  return one;
}
const idle = (disk: string): Promise<void> =>
  eventually(async () => {
    expect(await call('VDI.get_current_operations', disk)).toEqual({});
  });
const roleToken = (role: Role): Promise<string> => {
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  return openSession(api.plane, {
    user: role,
    root: false,
    role,
    originator: 'test',
    userRef: asRef('OpaqueRef:NULL'),
  });
};

beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  token = await sessionOf(world);
  [sr = ''] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
  const management = Object.values(
    await call<Record<string, { network: string; management: boolean }>>('PIF.get_all_records'),
  ).find((pif) => pif.management);
  network = management?.network ?? '';
  vdi = await newDisk(contents);
}, 60_000);
afterEach(() => clients.splice(0).forEach((one) => one.destroy()));
afterAll(() => world?.stop());

test('without a network for it nobody serves a disk', async () => {
  expect(await infos()).toEqual([]);
  await call('network.add_purpose', network, 'insecure_nbd');
  const { port } = await infoOf();
  await call('network.remove_purpose', network, 'insecure_nbd');
  const one = await NbdClient.connect({ address: '127.0.0.1', port });
  expect(await one.closed()).toBe(true);
});

describe('in the clear', () => {
  beforeAll(() => call('network.add_purpose', network, 'insecure_nbd'));
  afterAll(() => call('network.remove_purpose', network, 'insecure_nbd'));

  test('what is told leads to the disk', async () => {
    const info = await infoOf();
    const addresses = Object.values(
      await call<Record<string, { address: string }>>('host.get_all_records'),
    ).map(({ address }) => address);
    expect((await infos()).map(({ address }) => address).sort()).toEqual(addresses.sort());
    expect(info).toMatchObject({
      exportname: `/${await call<string>('VDI.get_uuid', vdi)}?session_id=${token}`,
    });
    expect(info.cert).toContain('BEGIN CERTIFICATE');
    const one = await gone(info);
    expect([one.size, one.flags]).toEqual([BigInt(contents.length), 0b1_0000_0011]);
    expect((await one.read(0, contents.length)).equals(contents)).toBe(true);
    expect(
      (await one.read(2 * MiB - 7, 70_001)).equals(contents.subarray(2 * MiB - 7, 2 * MiB - 7 + 70_001)),
    ).toBe(true);
    expect(await one.read(100, 0)).toHaveLength(0);
    one.disconnect();
    expect(await one.closed()).toBe(true);
  });

  test('a snapshot is read while its disk changes; an old client asks for the export without a word before', async () => {
    const disk = await newDisk(contents.subarray(0, MiB));
    const snapshot = await call<string>('VDI.snapshot', disk, {});
    const info = await infoOf(snapshot);
    for (const [flags, zeroes] of [
      [3, false],
      [1, true],
      [0, true],
    ] as const) {
      const one = await client();
      await one.greet(flags);
      await one.goOld(info.exportname, zeroes);
      expect(one.size).toBe(BigInt(MiB));
      expect((await one.read(0, MiB)).equals(contents.subarray(0, MiB))).toBe(true);
      one.disconnect();
    }
    await idle(snapshot);
    await call('VDI.destroy', snapshot);
  });

  test('many requests at once are answered each by its cookie', async () => {
    const one = await gone();
    const asked = Array.from({ length: 64 }, (_, i) => ({
      at: i * 65_536,
      cookie: one.request(0, i * 65_536, 65_536),
    }));
    for (const { at, cookie } of asked) {
      expect(await one.answer()).toEqual({ error: 0, cookie });
      expect((await one.take(65_536)).equals(contents.subarray(at, at + 65_536))).toBe(true);
    }
  });

  test('a disk that is read is busy, until its last reader is gone; that is a task, which can be cancelled', async () => {
    const disk = await newDisk();
    const info = await infoOf(disk);
    const one = await gone(info);
    await expect(call('VDI.destroy', disk)).rejects.toThrow(`OTHER_OPERATION_IN_PROGRESS VDI ${disk} copy`);
    const other = await gone(info);
    one.destroy();
    await eventually(async () =>
      expect(Object.keys(await call<object>('VDI.get_current_operations', disk))).toHaveLength(1),
    );
    const [task = ''] = Object.keys(await call<object>('VDI.get_current_operations', disk));
    expect(await call('task.get_name_label', task)).toBe('Serving VDI over NBD');
    await call('task.cancel', task);
    expect(await other.closed()).toBe(true);
    await idle(disk);
    expect(await call('task.get_status', task)).toBe('cancelled');
    await call('VDI.destroy', disk);
  });

  test('the contents of a snapshot are given up as soon as its reader has left', async () => {
    const disk = await newDisk(contents.subarray(0, MiB));
    await call('VDI.enable_cbt', disk);
    const snapshot = await call<string>('VDI.snapshot', disk, {});
    const info = await infoOf(snapshot);
    for (const one of [await gone(info), await gone(info)]) {
      await one.read(0, MiB);
      one.disconnect();
    }
    await call('VDI.data_destroy', snapshot);
    expect(await call('VDI.get_type', snapshot)).toBe('cbt_metadata');
    const late = await greeted();
    expect(await late.go(info.exportname)).toEqual({
      type: 2 ** 31 + 2,
      text: expect.stringContaining('VDI_INCOMPATIBLE_TYPE'),
    });
  });

  test('a disk that a VM may write to is not served', async () => {
    const disk = await newDisk();
    const info = await infoOf(disk);
    const template = Object.entries(
      await call<Record<string, { is_a_template: boolean; VBDs: string[] }>>('VM.get_all_records'),
    ).find(([, r]) => r.is_a_template && r.VBDs.length === 0)?.[0];
    const vm = await call<string>('VM.clone', template, 'writer');
    await call('VM.set_is_a_template', vm, false);
    const device = {
      bootable: true,
      unpluggable: true,
      other_config: {},
      qos_algorithm_type: '',
      qos_algorithm_params: {},
    };
    await call('VBD.create', {
      ...device,
      VM: vm,
      VDI: disk,
      userdevice: '0',
      type: 'Disk',
      mode: 'RW',
      empty: false,
    });
    await call('VM.start', vm, false, false);
    const one = await greeted();
    expect(await one.go(info.exportname)).toEqual({
      type: 2 ** 31 + 2,
      text: expect.stringContaining('VDI_IN_USE'),
    });
    await call('VM.hard_shutdown', vm);
    expect((await one.go(info.exportname)).type).toBe(1);
  });

  test('who has no session, no right or no disk is told so, and may ask on', async () => {
    const uuid = await call<string>('VDI.get_uuid', vdi);
    const ended = await sessionOf(world);
    await (
      await fetch(`${world.url}/jsonrpc`, {
        method: 'POST',
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session.logout', params: [ended] }),
      })
    ).text();
    const one = await greeted();
    const policy = 2 ** 31 + 2,
      unknown = 2 ** 31 + 6;
    for (const [name, type, why] of [
      [`/${uuid}`, policy, 'SESSION_INVALID'],
      [`/${uuid}?session_id=${ended}`, policy, 'SESSION_INVALID'],
      [`/${uuid}?session_id=${await roleToken('vm-operator')}`, policy, 'RBAC_PERMISSION_DENIED'],
      [`/00000000-0000-0000-0000-000000000000?session_id=${token}`, unknown, 'HANDLE_INVALID'],
      [`?session_id=${token}`, unknown, 'HANDLE_INVALID'],
      ['', policy, 'SESSION_INVALID'],
    ] as const)
      expect(await one.go(name)).toEqual({ type, text: expect.stringContaining(why) });
    expect(await one.go(`/${uuid}?session_id=${await roleToken('vm-admin')}`, 6)).toMatchObject({ type: 1 });
    await idle(vdi);
    expect(await one.go(`${uuid}?session_id=${await roleToken('vm-admin')}`)).toMatchObject({ type: 1 });
    const old = await greeted();
    await expect(old.goOld(`/${uuid}?session_id=${ended}`)).rejects.toThrow('closed with 0 bytes');
  });

  test('options that are not for here are refused, and a client may give up', async () => {
    const one = await greeted();
    for (const [option, type] of [
      [3, 2 ** 31 + 2],
      [5, 2 ** 31 + 2],
      [8, 2 ** 31 + 1],
      [4711, 2 ** 31 + 1],
    ] as const) {
      one.ask(option);
      expect(await one.reply()).toMatchObject({ option, type });
    }
    for (const data of ['', 'abcdef', Buffer.from('00000002616200010000'.slice(0, 16), 'hex')]) {
      one.ask(7, data);
      expect(await one.reply()).toMatchObject({ option: 7, type: 2 ** 31 + 3 });
    }
    one.ask(2);
    expect(await one.reply()).toMatchObject({ option: 2, type: 1 });
    expect(await one.closed()).toBe(true);
  });

  const hex = (text: string): Buffer => Buffer.from(text, 'hex');
  test.each([
    ['flags that nobody knows', hex('00000004')],
    [
      'something else than an option',
      Buffer.concat([hex('00000003'), Buffer.from('GET / HTTP/1.1\r\n\r\n')]),
    ],
    [
      'an option of 4 GiB',
      Buffer.concat([hex('00000003'), Buffer.from('IHAVEOPT'), hex('00000007ffffffff')]),
    ],
  ])('%s: the connection ends', async (_what, bytes) => {
    const one = await client();
    await one.take(18);
    one.write(bytes);
    expect(await one.closed()).toBe(true);
  });

  test('nobody asks for ever', async () => {
    const one = await greeted();
    for (let i = 0; i < 64; i += 1) {
      one.ask(8);
      await one.reply();
    }
    expect(await one.closed()).toBe(true);
  });

  test('what cannot be read or is not reading is answered with an error, and the next request as ever', async () => {
    const one = await gone();
    for (const [command, offset, length, error] of [
      [0, contents.length - 10, 11, 22],
      [0, 2n ** 64n - 1n, 1, 22],
      [0, 0, 2 ** 25 + 1, 22],
      [0, 0, 2 ** 32 - 1, 22],
      [4, 0, 4096, 1],
      [6, 0, 4096, 1],
      [3, 0, 0, 22],
      [7, 0, 4096, 22],
      [99, 0, 0, 22],
    ] as const) {
      const cookie = one.request(command, offset, length);
      expect(await one.answer()).toEqual({ error, cookie });
    }
    const cookie = one.request(1, 0, 200_000, randomBytes(200_000));
    expect(await one.answer()).toEqual({ error: 1, cookie });
    expect((await one.read(0, 512)).equals(contents.subarray(0, 512))).toBe(true);
    one.write(Buffer.alloc(28, 1));
    expect(await one.closed()).toBe(true);
  });

  test('a client that stops taking holds no more than its socket does, and its disk is free when it goes', async () => {
    const disk = await newDisk(randomBytes(32 * MiB));
    const one = await gone(await infoOf(disk));
    one.pause();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 20; i += 1) one.request(0, 0, 2 ** 25);
    const other = await gone();
    for (let i = 0; i < 5; i += 1) await other.read(0, contents.length);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MiB);
    one.destroy();
    await idle(disk);
  });

  test('there is an end to connections, and room again when one goes', async () => {
    const { port } = await infoOf();
    const all = Array.from({ length: 80 }, () =>
      net
        .connect(port, '127.0.0.1')
        .on('error', () => undefined)
        .resume(),
    );
    const open = (): number => all.filter((socket) => !socket.destroyed).length;
    await eventually(async () => expect(open()).toBe(64));
    all.forEach((socket) => socket.destroy());
    await eventually(async () => void (await gone()));
  });
});

describe('encrypted', () => {
  beforeAll(() => call('network.add_purpose', network, 'nbd'));
  afterAll(() => call('network.remove_purpose', network, 'nbd'));

  test('the disk is read by a client that checks the certificate and its name', async () => {
    const info = await infoOf();
    const one = await greeted();
    await one.startTls(info);
    expect((await one.go(info.exportname)).type).toBe(1);
    const hash = createHash('sha256');
    for (let at = 0; at < contents.length; at += MiB) hash.update(await one.read(at, MiB));
    expect(hash.digest('hex')).toBe(createHash('sha256').update(contents).digest('hex'));
    one.disconnect();
    await idle(vdi);
  });

  test('nothing is told of a disk before that', async () => {
    const { exportname } = await infoOf();
    const one = await greeted();
    expect((await one.go(exportname)).type).toBe(2 ** 31 + 5);
    one.ask(3);
    expect(await one.reply()).toMatchObject({ option: 3, type: 2 ** 31 + 5 });
    await expect(one.goOld(exportname)).rejects.toThrow('closed with 0 bytes');
  });

  test('what came in the clear behind the wish to encrypt is no request', async () => {
    const { exportname } = await infoOf();
    const one = await greeted();
    one.ask(5, 'x');
    expect(await one.reply()).toMatchObject({ option: 5, type: 2 ** 31 + 3 });
    one.ask(5);
    one.ask(1, exportname);
    expect(await one.reply()).toMatchObject({ option: 5, type: 1 });
    await expect(one.take(100)).rejects.toThrow('closed');
  });
});

test('only hosts that have the repository serve its disks, and only with an address on a network for it', async () => {
  const [other = ''] = await call<string[]>('network.get_by_name_label', 'nowhere');
  expect(other).toBe('');
  const lonely = await call<string>('network.create', { name_label: 'nowhere', other_config: {}, MTU: 1500 });
  await call('network.add_purpose', lonely, 'nbd');
  expect(await infos()).toEqual([]);
  await call('network.remove_purpose', lonely, 'nbd');
  await call('network.add_purpose', network, 'nbd');
  expect(await infos()).toHaveLength(2);
  const pbds = await call<string[]>('SR.get_PBDs', sr);
  for (const pbd of pbds) await call('PBD.unplug', pbd);
  expect(await infos()).toEqual([]);
  for (const pbd of pbds) await call('PBD.plug', pbd);
  expect(await infos()).toHaveLength(2);
  await call('network.remove_purpose', network, 'nbd');
});
