import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { TrustedProxies, requestOrigin } from './request-origin';

function request(from: string, forwarded?: string): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: from });
  const made = new IncomingMessage(socket);
  if (forwarded !== undefined) made.headers['x-forwarded-for'] = forwarded;
  return made;
}
const proxies = new TrustedProxies(['10.0.0.1', '192.168.0.0/16', 'fd00::/8']);

test.each([
  ['nobody between', '203.0.113.9', undefined, '203.0.113.9'],
  ['an unknown peer that says it is a proxy', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['a known proxy', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['a known proxy, mapped to IPv6', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['a chain of known proxies', '10.0.0.1', '198.51.100.1, 192.168.3.4, 192.168.7.7', '198.51.100.1'],
  ['what the client has written before', '10.0.0.1', '1.2.3.4, 198.51.100.1', '198.51.100.1'],
  ['no address in the head', '10.0.0.1', 'unknown', '10.0.0.1'],
  ['an empty head', '10.0.0.1', '', '10.0.0.1'],
  ['a proxy by IPv6', 'fd00::7', '2001:db8::1', '2001:db8::1'],
])('%s', (_what, from, forwarded, client) => {
  expect(requestOrigin(request(from, forwarded), proxies)).toEqual({ local: false, address: client });
});
