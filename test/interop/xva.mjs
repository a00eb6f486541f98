/** xva-img, which reads and packs the archives of exported VMs: what was exported it takes apart, and what it has packed comes in. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from './client.mjs';

const [url, password, kept] = process.argv.slice(2);
const client = await Client.login(url, password);
const MiB = 2 ** 20;

function program(name, ...args) {
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${name} ${args.join(' ')}: ${stdout}${stderr}${error?.message ?? ''}`);
}

/** Debian's version of it knows the sums of older archives alone. */
function sumAsBefore(disk) {
  for (const name of readdirSync(disk).filter((one) => one.endsWith('.xxhash'))) {
    const block = name.replace('.xxhash', '');
    writeFileSync(
      `${disk}/${block}.checksum`,
      createHash('sha1')
        .update(readFileSync(`${disk}/${block}`))
        .digest('hex'),
    );
    rmSync(`${disk}/${name}`);
  }
}

const folder = mkdtempSync(path.join(kept, 'xva-'));
const at = (name) => path.join(folder, name);
try {
  // A hole, some bytes, a hole: what is zero is left out of the archive. The program packs whole mebibytes only.
  const bytes = Buffer.alloc(20 * MiB);
  randomBytes(3 * MiB + 7).copy(bytes, 5 * MiB + 3);
  randomBytes(600).copy(bytes, bytes.length - 600);
  const { vm } = await client.newVm('packed', bytes);

  writeFileSync(at('out.xva'), await client.get('/export', { ref: vm }));
  mkdirSync(at('parts'));
  program('tar', 'xf', at('out.xva'), '-C', at('parts'));
  const [disk] = readdirSync(at('parts')).filter((name) => name.startsWith('Ref:'));
  sumAsBefore(`${at('parts')}/${disk}`);
  program('xva-img', '-p', 'disk-export', `${at('parts')}/${disk}/`, at('disk.raw'));
  const read = readFileSync(at('disk.raw'));
  assert(read.equals(bytes), 'the disk that xva-img found is another');

  randomBytes(2 * MiB).copy(bytes, 9 * MiB);
  writeFileSync(at('disk.raw'), bytes);
  rmSync(`${at('parts')}/${disk}`, { recursive: true });
  mkdirSync(`${at('parts')}/${disk}`);
  program('xva-img', 'disk-import', `${at('parts')}/${disk}/`, at('disk.raw'));
  program('xva-img', 'package', at('in.xva'), at('parts/ova.xml'), `${at('parts')}/${disk}/`);
  const [, imported] = /(OpaqueRef:[0-9a-f-]+)/.exec(await client.put('/import', readFileSync(at('in.xva'))));
  const [copy] = await client.disksOf(imported);
  const back = Buffer.from(await client.get('/export_raw_vdi', { vdi: copy, format: 'raw' }));
  assert(back.equals(bytes), 'the disk that came in is another');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
