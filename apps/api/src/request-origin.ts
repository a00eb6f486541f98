/** The way that a request came: by the local socket, or from an address. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { RequestOrigin } from '@xenplane/xapi';
import { isLocal } from './local-socket';

/** Addresses and networks whose word on where a request comes from is believed. */
export class TrustedProxies {
  private readonly list = new BlockList();

  constructor(addresses: readonly string[]) {
    for (const one of addresses) {
      const [address = '', bits] = one.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.list.addAddress(address, family);
      else this.list.addSubnet(address, Number(bits), family);
    }
  }
  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }
}
const plain = (address: string): string => address.trim().replace(/^::ffff:(?=\d+\.)/i, '');

/** Each proxy adds at the end whom it heard: the last one that is no proxy of ours is the client. What stands before it anybody may have written. */
function clientOf({ socket, headers }: IncomingMessage, proxies: TrustedProxies): string {
  let client = plain(socket.remoteAddress ?? '');
  const heard = [headers['x-forwarded-for'] ?? []].flat().join().split(',').map(plain);
  while (proxies.has(client)) {
    const before = heard.pop();
    if (before === undefined || isIP(before) === 0) break;
    client = before;
  }
  return client;
}
export const requestOrigin = (request: IncomingMessage, proxies: TrustedProxies): RequestOrigin => ({
  local: isLocal(request.socket),
  address: clientOf(request, proxies),
});
