/** Where the service is reached at the addresses of hosts. One socket an address and port: nothing may listen beyond loopback, and no one socket listens on a part of it. */
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Plane } from '@xenplane/xapi';

export interface Port {
  readonly port: number;
  /** Serves a connection that came to it. */
  take(socket: Socket): void;
}
interface Opened {
  readonly servers: readonly Server[];
  /** Which of the ports somebody else has there. */
  readonly failed: readonly Port[];
}

/** In one turn of the loop; each takes a tenth of a millisecond and port. */
const atOnce = 16;
const longestWaitMs = 1_000;
/** Changes of hosts come in flocks. */
const gatherMs = 100;
const retryMs = 10_000;

export class HostListeners {
  private readonly open = new Map<string, Opened>();
  private readonly stopped = new AbortController();
  private following: Promise<void> = Promise.resolve();
  private warned = false;
  private retriedAt = 0;

  private constructor(
    private readonly plane: Plane,
    private readonly ports: readonly Port[],
    /** Of the addresses of hosts, those to listen on. */
    private readonly wanted: (addresses: Iterable<string>) => Iterable<string>,
  ) {}

  /** Opens what there is, and follows the hosts from then on. */
  static async start(
    plane: Plane,
    ports: readonly Port[],
    wanted: (addresses: Iterable<string>) => Iterable<string>,
  ): Promise<HostListeners> {
    const listeners = new HostListeners(plane, ports, wanted);
    await plane.replica.fresh();
    await listeners.refresh();
    listeners.following = listeners.follow();
    return listeners;
  }

  /** A port that another process held may be free by now. */
  async retry(): Promise<void> {
    if (performance.now() - this.retriedAt < retryMs) return;
    this.retriedAt = performance.now();
    for (const [address, { servers, failed }] of this.open) {
      if (failed.length === 0) continue;
      const again = await this.openAt(address, failed);
      this.open.set(address, { servers: [...servers, ...again.servers], failed: again.failed });
    }
  }

  async close(): Promise<void> {
    this.stopped.abort();
    await this.following;
    for (const { servers } of this.open.values()) for (const server of servers) server.close();
    this.open.clear();
  }

  private async follow(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      await this.plane.replica.waitForMove(longestWaitMs, signal, (cls) => cls === 'host');
      if (signal.aborted) return;
      await this.refresh().catch((error: unknown) =>
        this.plane.log.warn({ error }, 'addresses of hosts not opened'),
      );
      await sleep(gatherMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async refresh(): Promise<void> {
    const { addresses } = this.plane;
    const hosts = addresses.refresh();
    const wanted = new Set(this.wanted(addresses.all()));
    for (const [address, { servers }] of this.open) {
      if (wanted.has(address)) continue;
      for (const server of servers) server.close();
      this.open.delete(address);
    }
    const missing = [...wanted].filter((address) => !this.open.has(address));
    for (let i = 0; i < missing.length; i += atOnce)
      await Promise.all(
        missing
          .slice(i, i + atOnce)
          .map(async (address) => this.open.set(address, await this.openAt(address, this.ports))),
      );
    addresses.attended = hosts;
  }

  private async openAt(address: string, ports: readonly Port[]): Promise<Opened> {
    const tried = await Promise.all(
      ports.map(async (port) => ({ port, server: await this.listen(address, port) })),
    );
    return {
      servers: tried.flatMap(({ server }) => server ?? []),
      failed: tried.flatMap(({ port, server }) => (server ? [] : [port])),
    };
  }

  private listen(address: string, { port, take }: Port): Promise<Server | undefined> {
    return new Promise((resolve) => {
      const server = createServer(take);
      server.once('error', (error) => {
        this.warn(error, `${address}:${port}`);
        resolve(undefined);
      });
      server.listen(port, address, () => {
        server.on('error', (error) => this.warn(error, `${address}:${port}`));
        resolve(server);
      });
    });
  }
  /** Once: what holds for one address mostly holds for all. */
  private warn(error: Error, at: string): void {
    if (!this.warned)
      this.plane.log.warn(
        { error: error.message, at },
        'an address of a host cannot be listened on; another process may have it',
      );
    this.warned = true;
  }
}

/** Ports below 1024 need a right that programs mostly do not have. */
export async function assertMayListen(address: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer();
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) =>
      server.once('error', resolve).listen(port, address, () => resolve(undefined)),
    );
    await new Promise<void>((resolve) => server.close(() => resolve()));
    if (error?.code === 'EACCES')
      throw new Error(
        `port ${port} is not allowed to this user: run as root, with CAP_NET_BIND_SERVICE, or after sysctl net.ipv4.ip_unprivileged_port_start=${Math.min(...ports)}`,
      );
  }
}
