/** The disk of our own Postgres is full: leases are renewed from a reserve, changes are refused by a code, reads go on; then there is room again. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { usualLeaseMs } from '@xenplane/hypervisor';
import { type Call, type World, eventually, login, startWorld } from '../test/world';
import { type Running, emptyFolder, node, root, until } from './stack.fixture';

const MB = 2 ** 20;
let folder: string;
let mounted: boolean;
let holder: Running;
let world: World;

/** The services as `npm start` makes them, on a file system of their own, where this account may mount one. */
beforeAll(async () => {
  folder = emptyFolder();
  mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=448m,mode=755', 'none', folder]).status === 0;
  if (!mounted) return;
  holder = node([join(root, 'stack/holder.fixture.mjs'), folder, join(root, '.xenplane/tools')], root);
  const line = () => /^\{.*\}$/m.exec(holder.output())?.[0];
  await until(() => line() !== undefined || holder.child.exitCode !== null, 'services up', 60_000);
  const { databaseUrl } = JSON.parse(line() ?? '{}') as { databaseUrl: string };
  world = await startWorld({ hosts: 2, leases: true, databaseUrl });
});
afterAll(async () => {
  await world?.stop();
  if (holder) {
    holder.child.kill('SIGTERM');
    await holder.ended;
  }
  if (mounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
});

/** Takes what is left of the disk. */
async function fill(): Promise<string> {
  const file = join(folder, 'filling');
  const handle = openSync(file, 'w');
  const piece = Buffer.alloc(MB);
  try {
    for (;;) writeSync(handle, piece);
  } catch {
    return file;
  } finally {
    closeSync(handle);
  }
}
const epochs = () =>
  world.apis[0]?.plane.store.query('SELECT uuid, host_epoch, alive FROM host_run ORDER BY uuid');
const reserveBytes = () =>
  [1, 2, 3, 4]
    .map((i) => statSync(join(folder, `postgres/reserve.${i}`), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((a, b) => a + b);

async function runningVm(call: Call): Promise<string> {
  const templates = await call<Record<string, { name_label: string }>>('VM.get_all_records');
  const [template = ''] =
    Object.entries(templates).find(([, { name_label }]) => name_label === 'Xenplane demo disk') ?? [];
  const vm = await call<string>('VM.clone', template, 'on a full disk');
  await call('VM.provision', vm);
  await call('VM.start', vm, false, false);
  return vm;
}

test('leases outlive a full disk, changes are refused as long as it is full, and all goes on when there is room', async () => {
  if (!mounted)
    return void process.stderr.write(
      'skipped: a full disk cannot be tried, for this account may not mount a file system\n',
    );
  const call = await login(world.url);
  const vm = await eventually(() => runningVm(call));
  await eventually(async () => expect(reserveBytes()).toBe(64 * MB));
  const before = await epochs();
  const domid = await call('VM.get_domid', vm);

  const filling = await fill();
  // The first of these may come before the disk is found to be full.
  await eventually(async () =>
    expect(call('VM.set_name_description', vm, 'until it is full')).rejects.toThrow('OUT_OF_SPACE database'),
  );
  expect(reserveBytes()).toBeLessThan(64 * MB);
  await sleep(1.5 * usualLeaseMs);
  expect(await call('VM.get_record', vm)).toMatchObject({
    power_state: 'Running',
    name_label: 'on a full disk',
  });
  await expect(call('VM.set_name_label', vm, 'refused')).rejects.toThrow('OUT_OF_SPACE database');
  await expect(call('Async.VM.hard_shutdown', vm)).rejects.toThrow('OUT_OF_SPACE database');
  expect(await epochs()).toEqual(before);

  rmSync(filling);
  await eventually(() => call('VM.set_name_label', vm, 'with room'));
  await eventually(async () => expect(reserveBytes()).toBe(64 * MB));
  await sleep(2_000);
  expect(await epochs()).toEqual(before);
  expect([await call('VM.get_domid', vm), await call('VM.get_power_state', vm)]).toEqual([domid, 'Running']);
  await call('VM.hard_shutdown', vm);
});
