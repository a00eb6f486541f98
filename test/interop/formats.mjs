/** qemu-img, which every virtualisation product converts disks with: it reads what is exported, and what it has written comes in. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from './client.mjs';

const [url, password, kept] = process.argv.slice(2);
const client = await Client.login(url, password);
const MiB = 2 ** 20;

function qemuImg(...args) {
  const { status, stdout, stderr, error } = spawnSync('qemu-img', args, { encoding: 'utf8' });
  assert.equal(status, 0, `qemu-img ${args.join(' ')}: ${stdout}${stderr}${error?.message ?? ''}`);
  return stdout;
}

const folder = mkdtempSync(path.join(kept, 'disks-'));
const at = (name) => path.join(folder, name);
try {
  const bytes = Buffer.alloc(40 * MiB);
  randomBytes(5 * MiB + 1).copy(bytes, 7 * MiB - 1);
  randomBytes(4096).copy(bytes, bytes.length - 4096);
  writeFileSync(at('own.raw'), bytes);
  for (const [format, theirs, options] of [
    ['vhd', 'vpc', ['-o', 'subformat=dynamic,force_size=on']],
    ['qcow2', 'qcow2', []],
    ['qcow2', 'qcow2', ['-o', 'cluster_size=4096']],
    ['qcow2', 'qcow2', ['-c']],
  ]) {
    const vdi = await client.newDisk(`${format} of qemu-img`, bytes.length);
    qemuImg('convert', '-f', 'raw', '-O', theirs, ...options, at('own.raw'), at('theirs'));
    await client.put('/import_raw_vdi', readFileSync(at('theirs')), { vdi, format });
    writeFileSync(at('ours'), await client.get('/export_raw_vdi', { vdi, format }));
    const info = JSON.parse(qemuImg('info', '--output=json', '-f', theirs, at('ours')));
    assert.equal(info['virtual-size'], bytes.length);
    assert(statSync(at('ours')).size < 16 * MiB, 'what is zero takes space');
    qemuImg('convert', '-f', theirs, '-O', 'raw', at('ours'), at('back.raw'));
    assert(readFileSync(at('back.raw')).equals(bytes), `${format} ${options.join(' ')} came back otherwise`);
    if (format === 'qcow2') qemuImg('check', '-f', theirs, at('ours'));
    await client.call('VDI.destroy', vdi);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
