/** Consoles of this process's hosts and their guests, as control planes open them: an upgrade of the connection, then bytes both ways. */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as otherTurn } from 'node:timers/promises';
import {
  BadShape,
  consoleProtocol,
  historyHead,
  hostNamesReader,
  HypervisorError,
  isGone,
  uuidPattern,
  type ConsoleChannel,
  type ConsoleOwner,
} from '@xenplane/hypervisor';
import { pathOf, queryOf, readTarget } from '@xenplane/http';
import type { Fleet } from './fleet';
import { hostFor } from './guard';
import type { HostAgent } from './host-agent';
import type { Log } from './log';

/** Of one guest, and of all of this process. */
const most = { ofOne: 64, inAll: 2_000 };
/** Typed keys go to the guest in such pieces, each after the one before. */
const pieceBytes = 512;
/** A control plane that does not read is left. */
const mostUnreadBytes = 2 ** 22;
const keepAliveMs = 15_000;

class Refused extends Error {
  constructor(readonly status: 400 | 403 | 404 | 409 | 503) {
    super(`refused with ${status}`);
  }
}
interface Asked {
  readonly host: HostAgent;
  readonly owner: ConsoleOwner;
  /** Names the owner among all of this process. */
  readonly key: string;
  readonly alone: boolean;
}

/** What a console writes, kept until the connection has been upgraded. */
class Outlet {
  private early: Uint8Array[] | undefined = [];
  private isOver = false;

  constructor(private readonly socket: Socket) {}

  data(bytes: Uint8Array): void {
    if (this.early) this.early.push(bytes);
    else if (this.socket.writableLength > mostUnreadBytes) this.socket.destroy();
    else this.socket.write(bytes);
  }
  end(): void {
    this.isOver = true;
    if (!this.early) this.socket.destroySoon();
  }
  begin(): void {
    const history = Buffer.concat(this.early ?? []);
    this.early = undefined;
    this.socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${consoleProtocol}\r\n${historyHead}: ${history.length}\r\n\r\n`,
    );
    this.socket.write(history);
    if (this.isOver) this.socket.destroySoon();
  }
}

export class Consoles {
  /** How often each console is open. */
  private readonly open = new Map<string, number>();
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly fleet: Fleet,
    private readonly log: Log,
  ) {}

  /** Takes all upgrades of the server; `upgraded` is called with each connection, which is no HTTP any more. */
  listen(server: Server, upgraded: (socket: Socket) => void): void {
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      upgraded(socket);
      this.serve(request, socket, head).catch((error: unknown) => this.refuse(socket, error));
    });
  }
  stop(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private async serve(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const asked = readAsked(this.fleet, request);
    const already = this.open.get(asked.key) ?? 0;
    if (asked.alone && already > 0) throw new Refused(409);
    if (already >= most.ofOne || this.sockets.size >= most.inAll) throw new Refused(503);
    this.enter(asked.key, socket);
    socket.setKeepAlive(true, keepAliveMs).setNoDelay(true).setTimeout(0);
    const outlet = new Outlet(socket);
    const channel = await asked.host.console(asked.owner, outlet);
    socket.once('close', () => channel.close());
    // The connection may have ended while the console was opened.
    if (socket.destroyed) return channel.close();
    outlet.begin();
    await typeFrom(socket, head, channel);
  }
  private enter(key: string, socket: Socket): void {
    this.open.set(key, (this.open.get(key) ?? 0) + 1);
    this.sockets.add(socket);
    socket.once('close', () => {
      this.sockets.delete(socket);
      const left = (this.open.get(key) ?? 1) - 1;
      if (left > 0) this.open.set(key, left);
      else this.open.delete(key);
    });
  }

  private refuse(socket: Socket, error: unknown): void {
    const status = statusOf(error);
    if (status === undefined)
      this.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'a console failed');
    if (!socket.writable) return void socket.destroy();
    socket.write(`HTTP/1.1 ${status ?? 500} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    socket.destroySoon();
  }
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof Refused) return error.status;
  if (error instanceof BadShape) return 400;
  return error instanceof HypervisorError && isGone(error) ? 404 : undefined;
}

const paths = /^\/hosts\/([^/]+)(?:\/vms\/([^/]+))?\/console$/;

/** Who asks is looked at before what is asked. */
function readAsked(fleet: Fleet, request: IncomingMessage): Asked {
  if (!readTarget(request)) throw new Refused(400);
  const [path, uuid = '', vm] = paths.exec(pathOf(request)) ?? [];
  const host = hostFor(fleet, uuid, request.headers.authorization);
  if (path === undefined || !host) throw new Refused(403);
  const isConsole = request.method === 'GET' && request.headers.upgrade === consoleProtocol;
  if (!isConsole || (vm !== undefined && !uuidPattern.test(vm))) throw new Refused(400);
  const query = queryOf(request);
  const owner = vm === undefined ? namesIn(query.get('names')) : { vm };
  return { host, owner, key: `${uuid} ${vm ?? ''}`, alone: query.get('alone') === 'true' };
}
function namesIn(text: string | null): ConsoleOwner {
  let names: unknown;
  try {
    names = JSON.parse(text ?? '');
  } catch {
    throw new Refused(400);
  }
  return hostNamesReader(names);
}

/** Until the connection ends: no more is read than the guest takes. */
async function typeFrom(socket: Socket, head: Buffer, channel: ConsoleChannel): Promise<void> {
  if (head.length > 0) socket.unshift(head);
  try {
    for await (const bytes of socket as AsyncIterable<Buffer>)
      for (let at = 0; at < bytes.length; at += pieceBytes)
        await typePiece(channel, bytes.subarray(at, at + pieceBytes));
  } catch {
    // The connection was cut, or the guest is gone: either way the console ends.
  }
  socket.destroySoon();
}
/** A guest that takes keys at once would hold this process for as long as there are any. */
async function typePiece(channel: ConsoleChannel, bytes: Uint8Array): Promise<void> {
  await channel.write(bytes);
  await otherTurn();
}
