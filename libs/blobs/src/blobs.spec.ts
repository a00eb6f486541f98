import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { BadImage, BlobStore, NodeCache, qcow2Info } from '@xenplane/blobs';

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'xenplane-blobs-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const image = randomBytes(300_000);

describe('the store', () => {
  test('keeps what came under the digest of its bytes', async () => {
    const store = await BlobStore.open(folder);
    const kept = await store.take(Readable.from([image.subarray(0, 1000), image.subarray(1000)]));
    expect(kept).toEqual({
      sha256: sha(image),
      sizeBytes: image.length,
      format: 'raw',
      virtualSizeBytes: Math.ceil(image.length / 512) * 512,
    });
    expect(readFileSync(path.join(folder, kept.sha256)).equals(image)).toBe(true);
  });
  test.each([
    ['another digest than was said', { expected: '0'.repeat(64) }],
    ['more bytes than are allowed', { limitBytes: 1000 }],
  ])('refuses %s and keeps nothing', async (_what, options) => {
    const store = await BlobStore.open(folder);
    await expect(store.take(Readable.from([image]), options)).rejects.toThrow();
    expect([await store.list(), readdirSync(path.join(folder, 'incoming'))]).toEqual([[], []]);
  });
  test('forgets at its start what came only in part', async () => {
    await BlobStore.open(folder);
    writeFileSync(path.join(folder, 'incoming', 'half'), 'half');
    await BlobStore.open(folder);
    expect(readdirSync(path.join(folder, 'incoming'))).toEqual([]);
  });
  test('knows nothing but digests', async () => {
    const store = await BlobStore.open(folder);
    await expect(store.size('../../etc/passwd')).rejects.toThrow('not a digest');
  });
});

describe('qcow2 headers', () => {
  const header = (change: (h: Buffer) => void): Buffer => {
    const h = Buffer.alloc(104);
    h.write('QFI\xfb', 'latin1');
    h.writeUInt32BE(3, 4);
    h.writeUInt32BE(16, 20);
    h.writeBigUInt64BE(1_073_741_824n, 24);
    change(h);
    return h;
  };
  test('say how big the disk is', () =>
    expect(qcow2Info(header(() => undefined))).toEqual({ format: 'qcow2', virtualSizeBytes: 1_073_741_824 }));
  test.each<[string, (h: Buffer) => unknown]>([
    ['a backing file', (h) => h.writeBigUInt64BE(100n, 8)],
    ['a version from the future', (h) => h.writeUInt32BE(9, 4)],
    ['absurd clusters', (h) => h.writeUInt32BE(40, 20)],
    ['a disk beyond all bounds', (h) => h.writeBigUInt64BE(2n ** 62n, 24)],
    ['encryption', (h) => h.writeUInt32BE(1, 32)],
  ])('with %s are refused', (_what, change) => expect(() => qcow2Info(header(change))).toThrow(BadImage));
});

describe('a node', () => {
  let server: http.Server;
  let served: { requests: number; bytes: number };
  let misbehave: (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
  let cache: NodeCache;
  beforeEach(async () => {
    served = { requests: 0, bytes: 0 };
    misbehave = () => false;
    server = http.createServer((request, response) => {
      served.requests += 1;
      if (misbehave(request, response)) return;
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const body = image.subarray(from);
      served.bytes += body.length;
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    cache = new NodeCache({
      folder: path.join(folder, 'cache'),
      imagesUrl: `http://127.0.0.1:${port}`,
      idleMs: 300,
    });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('fetches an image once for all that want it, and keeps it', async () => {
    const files = await Promise.all([cache.pull(sha(image)), cache.pull(sha(image))]);
    await cache.pull(sha(image));
    expect(served.requests).toBe(1);
    expect(readFileSync(files[0] ?? '').equals(image)).toBe(true);
  });
  test('goes on after a cut where it was', async () => {
    misbehave = (_request, response) => {
      if (served.requests > 1) return false;
      response.writeHead(200, { 'content-length': image.length });
      response.write(image.subarray(0, 200_000), () => setTimeout(() => response.destroy(), 50));
      return true;
    };
    const file = await cache.pull(sha(image));
    expect(readFileSync(file).equals(image)).toBe(true);
    expect(served.bytes).toBeLessThan(image.length * 1.2);
    expect(served.requests).toBe(2);
  });
  test('does not wait for ever for a server that says nothing', async () => {
    misbehave = (_request, response) => {
      if (served.requests > 1) return false;
      response.writeHead(200, { 'content-length': image.length });
      response.write(image.subarray(0, 10));
      return true;
    };
    await expect(cache.pull(sha(image))).resolves.toContain(sha(image));
  });
  test('never shows bytes that are not the image', async () => {
    misbehave = (_request, response) => {
      const wrong = Buffer.from(image);
      wrong[5] = (wrong[5] ?? 0) ^ 1;
      response.writeHead(200, { 'content-length': wrong.length }).end(wrong);
      return true;
    };
    await expect(cache.pull(sha(image))).rejects.toThrow('not image');
    expect(readdirSync(path.join(folder, 'cache'))).toEqual([]);
  });
  test('makes a disk of its own, grown to size, and removes it', async () => {
    const disk = path.join(folder, 'disks', 'xvda.raw');
    await cache.makeDisk(sha(image), disk, 2 ** 20);
    const bytes = readFileSync(disk);
    expect([bytes.length, sha(bytes.subarray(0, image.length))]).toEqual([2 ** 20, sha(image)]);
    await cache.removeDisk(disk);
    expect(readdirSync(path.dirname(disk))).toEqual([]);
  });
});
