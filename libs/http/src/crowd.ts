/**
 * Connections that keep something and give nothing: half-open ones, which have not sent a request yet, or idle ones. When there
 * are too many, the one that has been so for longest is closed, first of the address that has the most: whoever opens
 * thousands loses their own, and a client that speaks at once is never kept out.
 */
import type { Socket } from 'node:net';
import { addressOf } from './address';

export interface CrowdLimits {
  readonly ofAddress: number;
  readonly inAll: number;
}

/** A client may use one port towards several addresses of ours at once. */
const endsOf = ({ remotePort, localAddress, localPort }: Socket): string | undefined =>
  remotePort === undefined ? undefined : `${remotePort} ${localAddress} ${localPort}`;

export class Crowd {
  /** By address, oldest first. Both ends identify connections of an address, over TLS as below it. */
  private readonly members = new Map<string, Map<string, Socket>>();
  private readonly watched = new WeakSet<Socket>();
  private count = 0;

  constructor(private readonly limits: CrowdLimits) {}

  /** A connection of the local socket has no address, and is nobody's but root's. */
  enter(socket: Socket): void {
    const ends = endsOf(socket);
    if (ends === undefined || socket.destroyed) return;
    const address = addressOf(socket);
    const own = this.members.get(address) ?? new Map<string, Socket>();
    this.members.set(address, own);
    if (!own.has(ends)) this.count += 1;
    own.set(ends, socket);
    this.watch(socket, address, ends);
    if (own.size > this.limits.ofAddress) this.closeOldest(address, own);
    else if (this.count > this.limits.inAll) this.closeOldest(...this.largest());
  }
  /** A connection comes and goes many times, and is closed once. */
  private watch(socket: Socket, address: string, ends: string): void {
    if (this.watched.has(socket)) return;
    this.watched.add(socket);
    socket.once('close', () => this.remove(address, ends, socket));
  }
  leave(socket: Socket): void {
    const ends = endsOf(socket);
    if (ends !== undefined) this.remove(addressOf(socket), ends);
  }
  get size(): number {
    return this.count;
  }

  private remove(address: string, ends: string, only?: Socket): void {
    const own = this.members.get(address);
    if (!own || (only && own.get(ends) !== only) || !own.delete(ends)) return;
    this.count -= 1;
    if (own.size === 0) this.members.delete(address);
  }
  private closeOldest(address: string, own: Map<string, Socket>): void {
    const [oldest] = own;
    if (!oldest) return;
    this.remove(address, oldest[0]);
    oldest[1].destroy();
  }
  private largest(): [string, Map<string, Socket>] {
    let found: [string, Map<string, Socket>] = ['', new Map()];
    for (const [address, own] of this.members) if (own.size > found[1].size) found = [address, own];
    return found;
  }
}
