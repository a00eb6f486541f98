/** The key by which strangers are counted: their address, of IPv6 the network that one customer has. */
import type { Socket } from 'node:net';

export function addressOf({ remoteAddress }: Pick<Socket, 'remoteAddress'>): string {
  const address = (remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  return address.includes(':') && address !== '::1' ? address.split(':').slice(0, 4).join(':') : address;
}
