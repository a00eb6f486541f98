/** Clients of disks read exactly the bytes that were written: the zstd program, qemu-img and libnbd, over archives and NBD. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from './client.mjs';

const MiB = 2 ** 20;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** A session, and where disks are made. */
async function plane({ url, password }) {
  const client = await Client.login(url, password);
  const [sr] = await client.call('SR.get_by_name_label', 'Shared storage');
  return {
    call: (...words) => client.call(...words),
    at: (place, query) => client.address(place, query),
    sr,
  };
}

async function disk({ call, at, sr }, contents) {
  const other = { type: 'user', sharable: false, read_only: false, name_label: 'disk', other_config: {} };
  const vdi = await call('VDI.create', { SR: sr, virtual_size: contents.length, ...other });
  await (await fetch(at('/import_raw_vdi', { vdi }), { method: 'PUT', body: contents })).text();
  return vdi;
}
const contents = () =>
  Buffer.concat([randomBytes(3 * MiB), Buffer.alloc(20 * MiB), Buffer.alloc(9 * MiB, 'a line of a file\n')]);
const bytesOf = async (answer) => Buffer.from(await (await answer).arrayBuffer());

async function withDisk({ call, sr }, vdi) {
  const templates = Object.entries(await call('VM.get_all_records'));
  const vm = await call(
    'VM.clone',
    templates.find(([, r]) => r.is_a_template && r.VBDs.length === 0)[0],
    'packed',
  );
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
    VDI: vdi,
    userdevice: '0',
    type: 'Disk',
    mode: 'RW',
    empty: false,
  });
  await call('pool.set_default_SR', (await call('pool.get_all'))[0], sr);
  return vm;
}

/** It unpacks our streams; we take its streams at every kind of level. */
export async function zstd(stack, { run, folder }) {
  run('zstd', ['--version'], { otherwise: "Debian's package zstd is not installed" });
  const here = await plane(stack);
  const bytes = contents();
  const vm = await withDisk(here, await disk(here, bytes));
  const file = (name) => path.join(folder, name);
  writeFileSync(
    file('ours.zst'),
    await bytesOf(fetch(here.at('/export', { ref: vm, use_compression: 'zstd' }))),
  );
  run('zstd', ['--quiet', '--test', file('ours.zst')]);
  run('zstd', ['--quiet', '--force', '--decompress', file('ours.zst'), '-o', file('plain.xva')]);
  for (const level of [
    ['--fast=5'],
    ['-1'],
    ['-3', '--no-check'],
    ['-19'],
    ['--ultra', '-22', '--long=27'],
  ]) {
    run('zstd', ['--quiet', '--force', ...level, file('plain.xva'), '-o', file('theirs.zst')]);
    const task = await here.call('task.create', 'import', '');
    await (
      await fetch(here.at('/import', { task_id: task, sr_id: here.sr }), {
        method: 'PUT',
        body: readFileSync(file('theirs.zst')),
      })
    ).text();
    const [ref] = /OpaqueRef:[0-9a-f-]+/.exec(await here.call('task.get_result', task)) ?? [];
    if (!ref) throw new Error(`zstd ${level.join(' ')}: ${await here.call('task.get_error_info', task)}`);
    const [vbd] = await here.call('VM.get_VBDs', ref);
    const back = await bytesOf(
      fetch(here.at('/export_raw_vdi', { vdi: await here.call('VBD.get_VDI', vbd) })),
    );
    if (sha256(back) !== sha256(bytes)) throw new Error(`zstd ${level.join(' ')}: the disk is another one`);
  }
}

/** A snapshot, on a pool that serves disks in the clear: both tools take the certificate of a host, here as there, for no authority. */
async function served(stack) {
  const here = await plane(stack);
  const bytes = contents();
  const snapshot = await here.call('VDI.snapshot', await disk(here, bytes), {});
  const { network } = Object.values(await here.call('PIF.get_all_records')).find(
    ({ management }) => management,
  );
  await here.call('network.add_purpose', network, 'insecure_nbd');
  const [info] = await here.call('VDI.get_nbd_info', snapshot);
  return { ...info, bytes };
}
const same = (file, bytes) => {
  if (sha256(readFileSync(file)) !== sha256(bytes))
    throw new Error(`${path.basename(file)} is not what was written`);
};

export async function qemu(stack, { run, folder }) {
  run('qemu-img', ['--version'], { otherwise: "Debian's package qemu-utils is not installed" });
  const { address, port, exportname, bytes } = await served(stack);
  const out = path.join(folder, 'qemu.raw');
  run('qemu-img', ['convert', '-O', 'raw', `nbd:${address}:${port}:exportname=${exportname}`, out]);
  same(out, bytes);
}

export async function libnbd(stack, { run, folder }) {
  run('nbdinfo', ['--version'], { otherwise: "Debian's package libnbd-bin is not installed" });
  const { address, port, exportname, bytes } = await served(stack);
  const url = `nbd://${address}:${port}/${encodeURIComponent(exportname)}`;
  if (Number(run('nbdinfo', ['--size', url])) !== bytes.length)
    throw new Error('the disk is of another size');
  const out = path.join(folder, 'libnbd.raw');
  run('nbdcopy', [url, out]);
  same(out, bytes);
}
