/** Layers of disks become fewer when nobody needs them apart, and what is given up is freed: the bytes stay, the sums are right. */
import { createHash, randomBytes } from 'node:crypto';
import { asRef } from '@xenplane/model';
import { complaints } from '@xenplane/testing';
import { reading } from '@xenplane/store';
import { chainOf, collectLayers, foldLayers, LayerClient, type Plane } from '@xenplane/xapi';
import { login, password, startWorld, type Call, type World } from '../world';

const MiB = 2 ** 20;
const block = 65_536;
const none = 'OpaqueRef:NULL';
const size = 4 * MiB;
let world: World;
let plane: Plane;
let call: Call;
let token: string;
let host: string;

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
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  plane = api.plane;
});
afterAll(() => world?.stop());
afterEach(async () => expect(await complaints(plane.store)).toEqual([]));

const makeSr = (name: string): Promise<string> =>
  call(
    'SR.create',
    host,
    { server: 'filer', serverpath: `/export/${name}` },
    0,
    name,
    '',
    'nfs',
    'user',
    true,
    {},
  );
const makeVdi = (SR: string): Promise<string> =>
  call('VDI.create', {
    SR,
    virtual_size: size,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
    name_label: 'disk',
  });
const address = (path: string, query: Record<string, string>): string =>
  `${world.url}${path}?${new URLSearchParams({ session_id: token, ...query }).toString()}`;
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const read = async (vdi: string): Promise<string> =>
  sha(Buffer.from(await (await fetch(address('/export_raw_vdi', { vdi }))).arrayBuffer()));
/** Writes these blocks of the disk and of `shown`, which says what it contains. */
async function write(vdi: string, shown: Buffer, blocks: readonly number[]): Promise<void> {
  const chunks = blocks.map((at) => {
    const [head, bytes] = [Buffer.alloc(12), randomBytes(block)];
    head.writeBigUInt64LE(BigInt(at * block), 0);
    head.writeUInt32LE(block, 8);
    bytes.copy(shown, at * block);
    return Buffer.concat([head, bytes]);
  });
  const answer = await fetch(address('/import_raw_vdi', { vdi, chunked: 'true' }), {
    method: 'PUT',
    body: Buffer.concat([...chunks, Buffer.alloc(12)]),
  });
  expect([answer.status, await answer.text()]).toEqual([200, '']);
}
const chain = async (vdi: string): Promise<string[]> =>
  (await reading(plane.store, (tx) => chainOf(tx, asRef(vdi)))).map((layer) => layer.id);
/** The bytes of the disk and of the base copies that it lies on. */
async function blocksOf(vdi: string): Promise<number> {
  const { physical_utilisation, sm_config } = await call<{
    physical_utilisation: number;
    sm_config: Record<string, string>;
  }>('VDI.get_record', vdi);
  const parent = sm_config['vhd-parent'];
  return (
    physical_utilisation / block +
    (parent === undefined ? 0 : await blocksOf(await call<string>('VDI.get_by_uuid', parent)))
  );
}
async function settle(): Promise<void> {
  // Others may be folding the same layers meanwhile: rounds are not counted.
  for (const limit = Date.now() + 120_000; Date.now() < limit;)
    if ((await collectLayers(plane)) + (await foldLayers(plane)) === 0) return;
  throw new Error('it goes on and on');
}

test('a disk whose snapshots are gone comes down to one layer, with the bytes that it had', async () => {
  const sr = await makeSr('shrinks');
  const vdi = await makeVdi(sr),
    shown = Buffer.alloc(size);
  const snapshots: string[] = [];
  const kept: string[] = [];
  for (const blocks of [[0, 1, 2, 3, 4, 5], [1, 2, 9], [2, 10], [20]]) {
    await write(vdi, shown, blocks);
    snapshots.push(await call<string>('VDI.snapshot', vdi, {}));
    kept.push(sha(shown));
  }
  await write(vdi, shown, [0, 30]);
  await settle();
  expect([(await chain(vdi)).length, await blocksOf(vdi)]).toEqual([5, 14]);
  for (const gone of [1, 2]) await call('VDI.destroy', snapshots[gone]);
  await settle();
  expect([(await chain(vdi)).length, await blocksOf(vdi), await read(vdi)]).toEqual([
    3,
    6 + 5 + 2,
    sha(shown),
  ]);
  expect([await read(snapshots[0] ?? ''), await read(snapshots[3] ?? '')]).toEqual([kept[0], kept[3]]);
  for (const gone of [0, 3]) await call('VDI.destroy', snapshots[gone]);
  await settle();
  expect([(await chain(vdi)).length, await blocksOf(vdi), await read(vdi)]).toEqual([1, 10, sha(shown)]);
  expect(await call('SR.get_physical_utilisation', sr)).toBe(10 * block);
});

test('what breaks off in the middle is taken up again, and readers see the same all the while', async () => {
  const vdi = await makeVdi(await makeSr('breaks')),
    shown = Buffer.alloc(size);
  await write(vdi, shown, [0, 1, 2, 3, 4]);
  const snapshots = [await call<string>('VDI.snapshot', vdi, {})];
  await write(vdi, shown, [1, 7]);
  snapshots.push(await call<string>('VDI.snapshot', vdi, {}));
  await write(vdi, shown, [8]);
  const [, middle = '', bottom = ''] = await chain(vdi);
  for (const snapshot of snapshots) await call('VDI.destroy', snapshot);
  const client = new LayerClient(plane.settings);
  expect((await client.fold(bottom, { from: middle, how: 'over', apart: false })).done).toBe(true);
  expect(await read(vdi)).toBe(sha(shown));
  const [, looked] = await Promise.all([
    Promise.all([settle(), settle()]),
    Promise.all(Array.from({ length: 12 }, () => read(vdi))),
  ]);
  expect(new Set(looked)).toEqual(new Set([sha(shown)]));
  await settle();
  expect([(await chain(vdi)).length, await blocksOf(vdi), await read(vdi)]).toEqual([1, 7, sha(shown)]);
});

test('a full copy that is alone with what it had shared is charged for it once', async () => {
  const sr = await makeSr('copies');
  const vdi = await makeVdi(sr),
    shown = Buffer.alloc(size);
  await write(vdi, shown, [0, 1, 2]);
  const copy = await call<string>('VDI.copy', vdi, sr, none, none);
  expect([await blocksOf(vdi), await blocksOf(copy)]).toEqual([3, 3]);
  await call('VDI.destroy', vdi);
  await write(copy, shown, [2, 3]);
  await settle();
  expect([(await chain(copy)).length, await blocksOf(copy), await read(copy)]).toEqual([1, 4, sha(shown)]);
});

test('a snapshot that gives up its contents keeps what has changed since, and frees what nobody else shows', async () => {
  const sr = await makeSr('tracks');
  const vdi = await makeVdi(sr),
    shown = Buffer.alloc(size);
  await call('VDI.enable_cbt', vdi);
  await write(vdi, shown, [0, 1, 2, 3]);
  const first = await call<string>('VDI.snapshot', vdi, {});
  await write(vdi, shown, [1, 5]);
  const second = await call<string>('VDI.snapshot', vdi, {});
  const atSecond = sha(shown);
  await write(vdi, shown, [40]);
  const changes = (): Promise<string> => call('VDI.list_changed_blocks', first, second);
  const expected = Buffer.from([0b0100_0100, 0, 0, 0, 0, 0, 0, 0]).toString('base64');
  expect(await changes()).toBe(expected);
  await call('VDI.data_destroy', first);
  await settle();
  expect([await changes(), await read(second), await read(vdi)]).toEqual([expected, atSecond, sha(shown)]);
  expect([await blocksOf(first), (await call<number>('SR.get_physical_utilisation', sr)) / block]).toEqual([
    0,
    5 + 1,
  ]);
  expect(await (await fetch(address('/export_raw_vdi', { vdi: first }))).text()).toContain(
    `VDI_INCOMPATIBLE_TYPE: [ ${first}; CBT metadata ]`,
  );
  const delta = Buffer.from(
    await (
      await fetch(address('/export_raw_vdi', { vdi: second, base: first, format: 'vhd' }))
    ).arrayBuffer(),
  );
  expect(delta.includes(shown.subarray(block, 2 * block))).toBe(true);
  await call('VDI.data_destroy', second);
  await call('VDI.destroy', vdi);
  await settle();
  expect([await changes(), await call('SR.get_physical_utilisation', sr)]).toEqual([expected, 0]);
  for (const snapshot of [first, second]) await call('VDI.destroy', snapshot);
  await settle();
});

/** The same choices for the same seed. */
function choices(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
interface Known {
  readonly shown: Buffer;
  readonly isSnapshot: boolean;
  gone: boolean;
}

test.each([1, 2, 3])(
  'whatever is done to the disks of a tree while it is folded, they show what they should (seed %d)',
  async (seed) => {
    const choose = choices(seed);
    const sr = await makeSr(`random ${seed}`);
    const root = await makeVdi(sr);
    await call('VDI.enable_cbt', root);
    const disks = new Map<string, Known>([
      [root, { shown: Buffer.alloc(size), isSnapshot: false, gone: false }],
    ]);
    const changed = new Map<string, string>();
    const pick = (wanted: (disk: Known, ref: string) => boolean): string | undefined => {
      const found = [...disks].filter(([ref, disk]) => wanted(disk, ref)).map(([ref]) => ref);
      return found[choose(found.length)];
    };
    const add = (ref: string, source: string, isSnapshot: boolean): unknown =>
      disks.set(ref, { shown: Buffer.from(disks.get(source)?.shown ?? ''), isSnapshot, gone: false });
    const actions: readonly (() => Promise<unknown>)[] = [
      async () => {
        const to = pick((d) => !d.isSnapshot);
        if (to) await write(to, disks.get(to)?.shown ?? Buffer.alloc(0), [choose(64), choose(64), choose(8)]);
      },
      async () => {
        const ref = await call<string>('VDI.snapshot', root, {});
        for (const [other, disk] of disks)
          if (disk.isSnapshot && (await call('VDI.get_cbt_enabled', other)))
            changed.set(`${other} ${ref}`, await call('VDI.list_changed_blocks', other, ref));
        add(ref, root, true);
      },
      async () => {
        const of = pick((d) => !d.gone);
        if (of && disks.size < 12) add(await call<string>('VDI.clone', of, {}), of, false);
      },
      async () => {
        const which = pick((_disk, ref) => ref !== root);
        if (which) await call('VDI.destroy', which);
        if (which) disks.delete(which);
      },
      async () => {
        const which = pick((d) => d.isSnapshot && !d.gone);
        const known = which === undefined ? undefined : disks.get(which);
        if (which) await call('VDI.data_destroy', which);
        if (known) known.gone = true;
      },
      () => Promise.all([foldLayers(plane), foldLayers(plane), collectLayers(plane)]),
    ];
    for (let step = 0; step < 60; step += 1) await actions[[0, 0, 1, 2, 3, 3, 4, 5, 5][choose(9)] ?? 0]?.();
    await settle();
    for (const [ref, { shown, gone }] of disks)
      if (!gone) expect([ref, await read(ref)]).toEqual([ref, sha(shown)]);
    for (const [pair, bits] of changed) {
      const [from = '', to = ''] = pair.split(' ');
      if (disks.has(from) && disks.has(to))
        expect([pair, await call('VDI.list_changed_blocks', from, to)]).toEqual([pair, bits]);
    }
    for (const ref of disks.keys()) await call('VDI.destroy', ref);
    await settle();
    expect(await call('SR.get_physical_utilisation', sr)).toBe(0);
  },
);
