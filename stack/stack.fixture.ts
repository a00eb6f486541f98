/** A clone of the launcher with programs that only pretend, in a folder of its own, and the processes around it. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const root = resolve(__dirname, '..');

/** Listens, is ready half a second later, and dies once if a file says so. */
const pretend = `
const { existsSync, rmSync, statSync, writeFileSync } = require('node:fs');
const name = process.argv[1].split('/').at(-3);
const since = Date.now();
const isUp = (other) => (statSync(other + '.environment.json', { throwIfNoEntry: false })?.mtimeMs ?? 0) >= since;
writeFileSync(name + '.environment.json', JSON.stringify(process.env));
console.log(name + ' is up');
if (existsSync(name + '.dies')) {
  rmSync(name + '.dies');
  console.log('last words of ' + name);
  process.exit(3);
}
if (name === 'api') {
  const answer = (request, response) => {
    const ready = request.url === '/health/live' || (Date.now() - since > 500 && isUp('scheduler') && isUp('agent'));
    response.writeHead(ready ? 200 : 503).end();
  };
  require('node:http').createServer(answer).listen(Number(process.env.XENPLANE_PORT), process.env.XENPLANE_LISTEN);
}
setInterval(() => {}, 1000);
process.on('SIGTERM', () => { console.log(name + ' ends'); process.exit(0); });
`;

const build = `
const fs = require('node:fs');
for (const name of ['images', 'leases', 'api', 'scheduler', 'agent']) {
  fs.mkdirSync('dist/apps/' + name + '/src', { recursive: true });
  fs.copyFileSync('apps/main.js', 'dist/apps/' + name + '/src/main.js');
}
`;

const scripts = {
  start: 'exec node stack/start.mjs',
  test: 'exec node stack/test.mjs',
  build: 'node build.js',
};
const lock = {
  name: 'trial',
  version: '1.0.0',
  lockfileVersion: 3,
  requires: true,
  packages: { '': { name: 'trial', version: '1.0.0' } },
};

/** Downloads made for the real clone serve these tests too. */
function shareTools(folder: string): void {
  const tools = join(root, '.xenplane/tools');
  mkdirSync(join(folder, '.xenplane'));
  if (existsSync(tools)) symlinkSync(tools, join(folder, '.xenplane/tools'));
}

export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'xenplane-stack-'));
  chmodSync(folder, 0o755); // root's services run as another account
  return folder;
}

export function trialClone(): string {
  const folder = emptyFolder();
  cpSync(join(root, 'stack'), join(folder, 'stack'), {
    recursive: true,
    filter: (file) => !file.endsWith('.ts'),
  });
  mkdirSync(join(folder, 'apps'));
  writeFileSync(join(folder, 'apps/main.js'), pretend);
  writeFileSync(join(folder, 'build.js'), build);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'trial', version: '1.0.0', scripts }));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  shareTools(folder);
  return folder;
}

export interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

/** Without the services of the test run itself: these launchers are to make their own. */
export function node(args: readonly string[], cwd: string): Running {
  const { DATABASE_URL: _database, REDIS_URL: _redis, npm_lifecycle_event: _npm, ...env } = process.env;
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
  const ended = new Promise<number | null>((settle) => child.once('close', settle));
  return { child, output: () => text, ended };
}

export async function until(condition: () => boolean, what: string, timeoutMs = 25_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !condition();) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((settle) => setTimeout(settle, 50));
  }
}

/** Processes whose command line or working folder is in that folder. */
export function processesIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return words.includes(folder) ? [`${pid} ${words}`] : [];
      } catch {
        return [];
      }
    });
}

export async function takenPort(): Promise<{ port: number; free: () => void }> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, free: () => server.close() };
}

export async function freePort(): Promise<number> {
  const { port, free } = await takenPort();
  free();
  return port;
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
