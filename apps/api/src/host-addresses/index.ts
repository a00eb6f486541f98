/** The service at the addresses of hosts: which those are, who listens there, and what a client is shown there. */
import type { Server } from 'node:http';
import { isIPv4, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { TLSSocket } from 'node:tls';
import { hostRanges } from '@xenplane/domain';
import type { ApiSettings } from '@xenplane/config';
import type { Addressing, Entrance, Plane } from '@xenplane/xapi';
import { HostContexts } from './contexts';
import { assertMayListen, HostListeners, type Port } from './listeners';
import { ClaimedRange } from './range';

export { addressedHost } from './addressed-host';

/** The ports that clients use when they are given an address without one. */
const usual = { http: 80, https: 443 } as const;
const handshakeMs = 10_000;
/** Connections that have not yet agreed on a key. */
const mostHandshakes = 512;

/** The services at each address. */
export interface Served {
  readonly http: Server;
  readonly port: number;
  nbd?: { readonly port: number; take(socket: Socket): void } | undefined;
}

export class HostAddresses {
  readonly contexts: HostContexts;
  private listeners: HostListeners | undefined;
  private handshakes = 0;
  /** Of plain HTTP, as soon as it is known. */
  private port: number | undefined;

  private constructor(
    private readonly plane: Plane,
    private readonly settings: ApiSettings,
    readonly addressing: Addressing,
    private readonly claimed: ClaimedRange | undefined,
  ) {
    this.contexts = new HostContexts(plane);
  }

  /** Before hosts can join: decides which addresses they get. */
  static async choose(plane: Plane, settings: ApiSettings): Promise<HostAddresses> {
    const own = ownAddress(settings);
    if (settings.hostNames)
      return new HostAddresses(
        plane,
        settings,
        { kind: 'names', template: settings.hostNames, own },
        undefined,
      );
    const claimed = isLoopback(settings.listen) ? await ClaimedRange.take(plane) : undefined;
    if (claimed)
      return new HostAddresses(plane, settings, { kind: 'range', range: claimed.range, own }, claimed);
    if (isLoopback(settings.listen))
      plane.log.warn(
        { address: own },
        'this system has no loopback addresses for hosts: all of them are shown at this one',
      );
    return new HostAddresses(plane, settings, { kind: 'own', own }, undefined);
  }

  /** By which port clients reach consoles. */
  entrance(): Entrance | undefined {
    const { tlsPort, privilegedPorts } = this.settings;
    if (this.addressing.kind === 'names')
      return { scheme: 'https', port: Number(/:(\d+)$/.exec(this.addressing.template)?.[1]) || undefined };
    if (privilegedPorts) return { scheme: 'https', port: undefined };
    if (tlsPort > 0) return { scheme: 'https', port: tlsPort };
    return this.port === undefined ? undefined : { scheme: 'http', port: this.port };
  }

  async listen(served: Served): Promise<void> {
    this.port = served.port;
    const { privilegedPorts, listen, tlsPort } = this.settings;
    const tls = (port: number): Port => ({ port, take: (socket) => void this.secure(socket, served.http) });
    const plain = (port: number): Port => ({
      port,
      take: (socket) => void served.http.emit('connection', socket),
    });
    const extra = privilegedPorts ? [plain(usual.http), tls(usual.https)] : [];
    if (privilegedPorts)
      await assertMayListen(
        this.claimed ? hostRanges.gatewayOf(this.claimed.range) : listen,
        Object.values(usual),
      );
    if (privilegedPorts || tlsPort > 0) await this.contexts.of(undefined); // the key from which hosts have their certificates
    const own = [
      plain(served.port),
      ...(tlsPort > 0 ? [tls(tlsPort)] : []),
      ...(served.nbd ? [served.nbd] : []),
    ];
    this.listeners = this.claimed
      ? await HostListeners.start(this.plane, unlike([...own, ...extra]), (all) =>
          [...all].filter(hostRanges.isHostAddress),
        )
      : await HostListeners.start(this.plane, extra, () => (extra.length > 0 ? [listen] : []));
  }

  async refresh(): Promise<void> {
    await this.claimed?.keep();
    await this.listeners?.retry();
  }
  async close(): Promise<void> {
    await this.listeners?.close();
    this.claimed?.close();
  }

  /** Shows the certificate of the host whose address the client used; the HTTP server has the connection from then on. */
  private async secure(socket: Socket, http: Server): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (this.handshakes >= mostHandshakes) return void socket.destroy();
    this.handshakes += 1;
    const late = setTimeout(() => socket.destroy(), handshakeMs);
    socket.once('close', () => clearTimeout(late));
    try {
      await this.agree(socket, http);
    } catch (error) {
      socket.destroy();
      this.plane.log.warn({ error }, 'no certificate for a host');
    } finally {
      clearTimeout(late);
      this.handshakes -= 1;
    }
  }
  private async agree(socket: Socket, http: Server): Promise<void> {
    const secureContext = await this.contexts.of(this.plane.addresses.at(socket.localAddress));
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      SNICallback: this.contexts.byName,
      ALPNProtocols: ['http/1.1'],
    });
    await new Promise<void>((resolve) => {
      secured.once('secure', () => {
        http.emit('connection', secured);
        resolve();
      });
      secured.on('error', () => secured.destroy());
      secured.once('close', resolve);
    });
  }
}

/** Two ways in by one port cannot be. */
const unlike = (ports: readonly Port[]): Port[] => [...new Map(ports.map((one) => [one.port, one])).values()];
const isLoopback = (listen: string): boolean =>
  listen === 'localhost' || (isIPv4(listen) && listen.startsWith('127.'));

/** Where clients reach this process. */
function ownAddress({ url, listen }: ApiSettings): string {
  if (url && URL.canParse(url)) return new URL(url).hostname.replace(/^\[|\]$/g, '');
  return ['0.0.0.0', '::'].includes(listen) ? hostname() : listen;
}
