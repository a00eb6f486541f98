/** Peak memory of the API while a disk of some GiB goes through it four times: in as raw, out and in with its VM, out as raw. */
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { makeCall } from './client.mjs';

const MiB = 2 ** 20;
const restMs = 3000;

/** The same noise each time: nothing of it can be packed or left out. */
async function* noise(length) {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  const zeroes = Buffer.alloc(MiB);
  for (let done = 0; done < length; done += MiB) yield cipher.update(zeroes);
}
async function* summed(bytes, hash) {
  for await (const piece of bytes) {
    hash.update(piece);
    yield piece;
  }
}
async function sum(bytes, hash) {
  for await (const piece of bytes) hash.update(piece);
}

async function sessionOf({ url, password }) {
  const raw = makeCall(url);
  const session_id = await raw('session.login_with_password', 'root', password);
  const call = (method, ...params) => raw(method, session_id, ...params);
  const at = (name, query) => `${url}/${name}?${new URLSearchParams({ session_id, ...query })}`;

  async function download(name, query, into) {
    const response = await new Promise((resolve, reject) =>
      http.get(at(name, query), resolve).on('error', reject),
    );
    if (response.statusCode !== 200) throw new Error(`${name} answered ${response.statusCode}`);
    await pipeline(response, into);
  }
  /** Answers the result of the task, which ends after the body. */
  async function upload(name, query, body, length) {
    const task_id = await call('task.create', name, '');
    const request = http.request(at(name, { ...query, task_id }), {
      method: 'PUT',
      headers: { 'content-length': length },
    });
    const answered = new Promise((resolve, reject) =>
      request.once('response', resolve).once('error', reject),
    );
    const [response] = await Promise.all([answered, pipeline(body, request)]);
    await finished(response.resume());
    for (;;) {
      const { status, result, error_info } = await call('task.get_record', task_id);
      if (status === 'success') return result;
      if (status !== 'pending') throw new Error(`${name}: ${error_info.join(' ')}`);
      await pause(100);
    }
  }
  return { call, download, upload };
}

async function newDisk(call, virtual_size) {
  const [pool] = Object.values(await call('pool.get_all_records'));
  return call('VDI.create', {
    name_label: 'noise',
    SR: pool.default_SR,
    virtual_size,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  });
}
/** A VM with this disk alone. */
async function vmWith(call, VDI) {
  const [template] = await call('VM.get_by_name_label', 'Debian Bookworm 12');
  const VM = await call('VM.clone', template, 'of the benchmark');
  await call('VM.remove_from_other_config', VM, 'disks');
  await call('VM.provision', VM);
  const device = { userdevice: '0', bootable: true, mode: 'RW', type: 'Disk', empty: false };
  await call('VBD.create', {
    VM,
    VDI,
    ...device,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  return VM;
}
async function diskOf(call, imported) {
  const [vbd] = await call('VM.get_VBDs', /OpaqueRef:[0-9a-f-]+/.exec(imported)[0]);
  return call('VBD.get_VDI', vbd);
}

/** The four steps, by their names; the disk must come back as it went. */
async function* transfers({ call, download, upload }, folder, size) {
  const archive = path.join(folder, 'memory.xva');
  const sent = createHash('sha256'),
    got = createHash('sha256');
  const vdi = await newDisk(call, size);
  await upload('import_raw_vdi', { vdi }, summed(noise(size), sent), size);
  yield 'import_raw_vdi';
  await download('export', { ref: await vmWith(call, vdi) }, createWriteStream(archive));
  yield 'export';
  const imported = await upload('import', {}, createReadStream(archive), statSync(archive).size);
  yield 'import';
  await download('export_raw_vdi', { vdi: await diskOf(call, imported) }, (bytes) => sum(bytes, got));
  yield 'export_raw_vdi';
  if (got.digest('hex') !== sent.digest('hex')) throw new Error('the disk came back as another');
}

export const memory = {
  what: 'peak of the memory of the API in MB, over a disk of 2 GiB in and out (the goal: less than 200)',
  scale: { hosts: 1, vms: 0, gib: 2 },
  async run(stack) {
    // Making the pool takes more than resting with it: that is the first start.
    await stack.restart();
    const session = await sessionOf(stack);
    await pause(restMs);
    const figures = { 'at rest': stack.peakOf('api') };
    let began = performance.now();
    for await (const step of transfers(session, stack.data, this.scale.gib * 1024 * MiB)) {
      figures[step] = stack.peakOf('api');
      figures[`${step} s`] = Math.round((performance.now() - began) / 100) / 10;
      began = performance.now();
    }
    return figures;
  },
  ratios: (figures) => ({ 'to 200 MB': Math.round((figures.export_raw_vdi / 200) * 100) / 100 }),
};
