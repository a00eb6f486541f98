/** The NBD server: disks to read, for clients with a session, as `VDI.get_nbd_info` describes. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { contain, Crowd } from '@xenplane/http';
import { BadNbd } from '@xenplane/wire';
import { nbdSecurity } from '@xenplane/xapi';
import { HostContexts } from '../host-addresses/contexts';
import { Connection, Gone } from './connection';
import { Export, type Serving } from './export';
import { negotiate, type Agreed } from './negotiation';
import { serve } from './transmission';

const mostConnections = 64;
/** Connections that have not agreed on an export; beside them those that read have their room. */
const negotiatingLimits = { ofAddress: mostConnections, inAll: mostConnections };
/** To agree on an export, as a head of HTTP has. */
const negotiationMs = 10_000;
/** Without a byte, as between two requests of HTTP. */
const idleMs = 600_000;

export class NbdServer {
  private readonly server: Server;
  private readonly contexts: HostContexts;
  private readonly open = new Map<Socket, Promise<void>>();
  private readonly negotiating = new Crowd(negotiatingLimits);

  private constructor(private readonly serving: Serving) {
    this.contexts = new HostContexts(serving.plane);
    this.server = contain(
      createServer((socket) => this.take(socket)),
      (error) => this.tell(error),
    );
  }

  /** Undefined where somebody else has the port: the rest of the API does without. */
  static async listen(serving: Serving, port: number, address: string): Promise<NbdServer | undefined> {
    const nbd = new NbdServer(serving);
    try {
      await new Promise<void>((resolve, reject) =>
        nbd.server.once('error', reject).listen(port, address, resolve),
      );
      nbd.server.on('error', (error) => nbd.tell(error));
      return nbd;
    } catch (error) {
      serving.plane.log.warn({ error: String(error) }, 'no disk is served over NBD');
      return undefined;
    }
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** A held disk is free when the request is answered. */
  async stop(): Promise<void> {
    this.server.close();
    for (const socket of this.open.keys()) socket.destroy();
    await Promise.all(this.open.values());
  }

  /** Serves a connection, wherever it came in. */
  readonly take = (socket: Socket): void => {
    // A connection without an export yet is closed in favour of a new one; one that reads a disk is not.
    if (this.open.size >= mostConnections && this.negotiating.size === 0) return void socket.destroy();
    this.negotiating.enter(socket);
    socket.on('error', () => socket.destroy());
    const served = this.serve(socket)
      .catch((error: unknown) => this.tell(error))
      .finally(() => {
        socket.destroy();
        this.open.delete(socket);
      });
    this.open.set(socket, served);
  };

  private tell(error: unknown): void {
    if (!(error instanceof Gone || error instanceof BadNbd))
      this.serving.plane.log.warn({ error }, 'NBD connection failed');
  }

  private async serve(socket: Socket): Promise<void> {
    const { plane } = this.serving;
    const late = setTimeout(() => socket.destroy(), negotiationMs);
    try {
      const security = await nbdSecurity(plane);
      // The protocol has no word for it: without a network for it, or with a contradiction, nobody is served.
      if (!security) return;
      const encrypt = security === 'tls' ? () => this.encrypted(socket) : undefined;
      const agreed = await negotiate(new Connection(socket), {
        encrypt,
        open: (name) => Export.open(this.serving, name, socket),
      });
      if (!agreed) return;
      clearTimeout(late);
      this.negotiating.leave(socket);
      await this.transmit(agreed);
    } finally {
      clearTimeout(late);
    }
  }

  private async transmit({ connection, opened }: Agreed): Promise<void> {
    connection.socket.setTimeout(idleMs, () => connection.socket.destroy());
    try {
      await serve(connection, { source: opened.source, failed: (error) => this.tell(error) });
    } finally {
      await opened.close();
    }
  }

  /** With the certificate of the host whose address the client used. */
  private async encrypted(socket: Socket): Promise<Connection> {
    const secureContext = await this.contexts.of(this.serving.plane.addresses.at(socket.localAddress));
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      SNICallback: this.contexts.byName,
    });
    await new Promise<void>((resolve, reject) => {
      secure.once('secure', resolve);
      secure.on('error', () => reject(new Gone()));
      secure.once('close', () => reject(new Gone()));
    });
    return new Connection(secure);
  }
}
