/** A whole control plane with simulated hosts in this process, on a database of its own: what the stories over the wire run against. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  apiSettings,
  imagesSettings,
  leasesSettings,
  schedulerSettings,
  testServices,
  agentSettings,
} from '@xenplane/config';
import { simulated, type Hypervisor } from '@xenplane/hypervisor';
import { createTestDatabase, type TestDatabase } from '@xenplane/testing';
import { startAgent, type RunningAgent } from '../apps/agent/src/agent';
import { startApi, type RunningApi } from '../apps/api/src/api';
import { startLeases } from '../apps/leases/src/leases';
import { startImages } from '../apps/images/src/images';
import { startScheduler } from '../apps/scheduler/src/scheduler';

export interface WorldOptions {
  /** Without one, a test runs operations itself. */
  readonly scheduler?: boolean;
  readonly hosts?: number;
  readonly apis?: number;
  readonly seed?: number;
  readonly speed?: number;
  /** State that is there before anything starts, such as an earlier version's; without it all is new. */
  readonly state?: { readonly folder: string; readonly database: TestDatabase; readonly sealingKey: string };
  /** A database that is there already, instead of one of its own. */
  readonly databaseUrl?: string;
  /** With the program that renews leases, as `npm start` has it. */
  readonly leases?: boolean;
  /** Variables of the APIs, besides those of every world. */
  readonly api?: Readonly<Record<string, string>>;
  /** The same of the agent. */
  readonly hostVariables?: Readonly<Record<string, string>>;
  /** The hypervisor of the agent, when it is not the usual one. */
  readonly hypervisor?: (options: simulated.XenOptions) => Hypervisor;
}
export interface World {
  readonly url: string;
  readonly apis: readonly RunningApi[];
  readonly agent: RunningAgent;
  readonly imagesUrl: string;
  /** Of the program that renews leases; undefined in a world without it. */
  readonly leasesUrl: string | undefined;
  readonly databaseUrl: string;
  readonly password: string;
  readonly folder: string;
  stop(): Promise<void>;
}

const secret = 'a-secret-for-tests-only';
export const joinKey = secret;
export const password = 'correct horse';

/** Starts images, APIs, a scheduler and an agent, and waits until VMs can be started. */
export async function startWorld({
  hosts = 3,
  apis = 1,
  seed = 7,
  speed = 0,
  scheduler: withScheduler = true,
  state,
  databaseUrl,
  leases: withLeases = false,
  api: variables = {},
  hostVariables = {},
  hypervisor = (options) => new simulated.SimulatedXen(options),
}: WorldOptions = {}): Promise<World> {
  const folder = state?.folder ?? mkdtempSync(path.join(os.tmpdir(), 'xenplane-world-'));
  const given =
    databaseUrl === undefined ? state?.database : { url: databaseUrl, drop: async () => undefined };
  const database = given ?? (await createTestDatabase());
  const sealingKey = state?.sealingKey ?? secret;
  const stops: (() => Promise<void>)[] = [
    async () => rmSync(folder, { recursive: true, force: true }),
    () => database.drop(),
  ];
  const stop = async (): Promise<void> => {
    for (const one of stops.reverse()) await one();
  };
  try {
    const services = {
      DATABASE_URL: database.url,
      REDIS_URL: testServices().redisUrl,
      XENPLANE_LOG_LEVEL: 'error',
    };
    const images = await startImages(
      imagesSettings({
        XENPLANE_IMAGES_PORT: '0',
        XENPLANE_IMAGES_SECRET: secret,
        XENPLANE_DATA: path.join(folder, 'images'),
      }),
    );
    stops.push(() => images.stop());
    const leases = withLeases
      ? await startLeases(
          leasesSettings({
            DATABASE_URL: database.url,
            XENPLANE_LEASES_PORT: '0',
            XENPLANE_LOG_LEVEL: 'error',
          }),
        )
      : undefined;
    if (leases) stops.push(() => leases.stop());
    const environment = {
      ...services,
      XENPLANE_LEASES_URL: leases?.url,
      XENPLANE_PORT: '0',
      XENPLANE_NBD_PORT: '0',
      XENPLANE_SEED: String(seed),
      XENPLANE_ROOT_PASSWORD: password,
      XENPLANE_REFUSED_LOGIN_MS: '200',
      XENPLANE_JOIN_KEY: secret,
      XENPLANE_IMAGES_URL: images.url,
      XENPLANE_IMAGES_SECRET: secret,
      XENPLANE_SEALING_KEY: sealingKey,
      XENPLANE_HOSTS: String(hosts),
      XENPLANE_DATA: path.join(folder, 'api'),
      ...variables,
    };
    const running: RunningApi[] = [];
    for (let i = 0; i < apis; i += 1) {
      const api = await startApi(apiSettings(environment));
      running.push(api);
      stops.push(() => api.stop());
    }
    const [first] = running;
    if (!first) throw new Error('a world needs an API');
    if (withScheduler) {
      const scheduler = await startScheduler(
        schedulerSettings({
          ...services,
          XENPLANE_IMAGES_URL: images.url,
          XENPLANE_IMAGES_SECRET: secret,
          XENPLANE_SEALING_KEY: sealingKey,
        }),
      );
      stops.push(() => scheduler.stop());
    }
    const agentOf = agentSettings({
      XENPLANE_HOSTS: String(hosts),
      XENPLANE_SEED: String(seed),
      XENPLANE_SPEED: String(speed),
      XENPLANE_API_URL: first.url,
      XENPLANE_IMAGES_URL: images.url,
      XENPLANE_JOIN_KEY: secret,
      XENPLANE_DATA: path.join(folder, 'agent'),
      XENPLANE_LOG_LEVEL: 'error',
      ...hostVariables,
    });
    const agent = await startAgent(agentOf, hypervisor(agentOf));
    stops.push(() => agent.stop());
    await (withScheduler ? untilReady(first.url) : untilHosts(first, hosts));
    await untilTemplates(first);
    return {
      url: first.url,
      apis: running,
      agent,
      imagesUrl: images.url,
      leasesUrl: leases?.url,
      databaseUrl: database.url,
      password,
      folder,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilHosts({ plane }: RunningApi, hosts: number): Promise<void> {
  await eventually(async () => {
    const [row] = await plane.store.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM host_run WHERE alive',
    );
    if (row?.n !== hosts) throw new Error(`${row?.n} hosts of ${hosts}`);
  });
}

/** The API makes those that start without an installer after it has begun to serve: what a test counts does not change meanwhile. */
async function untilTemplates({ plane }: RunningApi): Promise<void> {
  await eventually(async () => {
    const made = await plane.store.query("SELECT 1 FROM setting WHERE key = 'demo_templates'");
    if (made.length === 0) throw new Error('the templates that start without an installer are not made yet');
  });
}

export async function untilReady(url: string, limitMs = 90_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    const words = await answer?.text();
    if (answer?.status === 200) return;
    if (Date.now() > deadline) throw new Error(`not ready: ${words ?? 'no answer'}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Of an answer whose body nobody wants: one that is not read keeps its connection. */
export async function statusOf(answer: Promise<Response>): Promise<number> {
  const { status, body } = await answer;
  await body?.cancel();
  return status;
}

/** Tries until the check holds; its last complaint is the error. */
export async function eventually<T>(check: () => Promise<T>, limitMs = 60_000): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The attachment of a disk to a VM, as VBD.create wants it. */
export const attachment = (VM: string, VDI: string, userdevice = 'autodetect'): object => ({
  VM,
  VDI,
  userdevice,
  bootable: false,
  mode: 'RW',
  type: 'Disk',
  empty: false,
  other_config: {},
  qos_algorithm_type: '',
  qos_algorithm_params: {},
});

export type Call = <T = unknown>(method: string, ...params: unknown[]) => Promise<T>;
/** A bare JSON-RPC session. A failure throws an Error whose message is the description joined by blanks. */
/** A guest metrics record is there from the start of a VM; it says something when the agent inside has. */
export const untilGuestSpeaks = (call: Call, vm: string): Promise<void> =>
  eventually(async () =>
    expect(
      await call('VM_guest_metrics.get_PV_drivers_detected', await call('VM.get_guest_metrics', vm)),
    ).toBe(true),
  );

export async function login(url: string, user = 'root', pwd = password): Promise<Call> {
  let id = 0;
  const raw: Call = async <T>(method: string, ...params: unknown[]): Promise<T> => {
    const response = await fetch(`${url}/jsonrpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: (id += 1), method, params }),
    });
    const body = (await response.json()) as { result?: T; error?: { message: string; data: string[] } };
    if (body.error) throw new Error([body.error.message, ...body.error.data].join(' '));
    return body.result as T;
  };
  const session = await raw<string>('session.login_with_password', user, pwd);
  return (method, ...params) => raw(method, session, ...params);
}
