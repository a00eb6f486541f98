/** The built programs as processes of their own, to be killed. `npm test` builds them first. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { testServices } from '@xenplane/config';
import { createTestDatabase } from '@xenplane/testing';
import { password, untilReady } from '../world';

const root = path.join(__dirname, '..', '..');
const secret = 'a-secret-for-tests-only';

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export type App = 'images' | 'leases' | 'api' | 'scheduler' | 'agent';
export interface Processes {
  readonly url: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  start(app: App): ChildProcess;
  /** The end that no program sees coming. */
  kill(process: ChildProcess): Promise<void>;
  stop(): Promise<void>;
}

/** A control plane of processes, ready; `hosts` simulated in one agent, `vms` halted ones made. */
export async function startProcesses({
  hosts,
  vms,
  speed,
  leaseMs,
}: {
  hosts: number;
  vms: number;
  speed: number;
  /** Other than usual. */
  leaseMs?: number;
}): Promise<Processes & Readonly<Record<'agent' | 'api' | 'scheduler' | 'leases', ChildProcess>>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xenplane-fault-'));
  const database = await createTestDatabase();
  const { redisUrl } = testServices();
  const [port, agentPort, imagesPort, leasesPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const url = `http://127.0.0.1:${port}`;
  const common = { PATH: '/usr/bin:/bin', XENPLANE_LOG_LEVEL: 'error' };
  const services = { ...common, DATABASE_URL: database.url, REDIS_URL: redisUrl };
  const images = { XENPLANE_IMAGES_URL: `http://127.0.0.1:${imagesPort}`, XENPLANE_IMAGES_SECRET: secret };
  const environments: Readonly<Record<App, Record<string, string>>> = {
    images: {
      ...common,
      XENPLANE_IMAGES_PORT: String(imagesPort),
      XENPLANE_IMAGES_SECRET: secret,
      XENPLANE_DATA: path.join(folder, 'images'),
    },
    leases: { ...common, DATABASE_URL: database.url, XENPLANE_LEASES_PORT: String(leasesPort) },
    api: {
      ...services,
      ...images,
      XENPLANE_PORT: String(port),
      XENPLANE_LEASES_URL: `http://127.0.0.1:${leasesPort}`,
      XENPLANE_ROOT_PASSWORD: password,
      XENPLANE_JOIN_KEY: secret,
      XENPLANE_VMS: String(vms),
      XENPLANE_HOSTS: String(hosts),
      XENPLANE_DATA: path.join(folder, 'api'),
      ...(leaseMs === undefined ? {} : { XENPLANE_LEASE_MS: String(leaseMs) }),
    },
    scheduler: { ...services, ...images },
    agent: {
      ...common,
      XENPLANE_AGENT_PORT: String(agentPort),
      XENPLANE_HOSTS: String(hosts),
      XENPLANE_SPEED: String(speed),
      XENPLANE_API_URL: url,
      XENPLANE_IMAGES_URL: images.XENPLANE_IMAGES_URL,
      XENPLANE_JOIN_KEY: secret,
      XENPLANE_DATA: path.join(folder, 'agent'),
    },
  };
  const running = new Set<ChildProcess>();
  const start = (app: App): ChildProcess => {
    const child = spawn(process.execPath, [path.join(root, 'dist', 'apps', app, 'src', 'main.js')], {
      env: environments[app],
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    if (!running.has(child)) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  const stop = async (): Promise<void> => {
    await Promise.all([...running].map(kill));
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  };
  start('images');
  const leases = start('leases');
  const api = start('api');
  const scheduler = start('scheduler');
  const agent = start('agent');
  await untilReady(url, 60_000);
  return { url, databaseUrl: database.url, redisUrl, start, kill, stop, agent, api, scheduler, leases };
}
