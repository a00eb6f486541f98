/** Downloads from an address that a client names. */
import { lookup, type LookupAddress } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { XenError } from '@xenplane/model';
import type { Reader } from '@xenplane/store';
import { trustOf, type Trust } from '../pool/trust';

const restMs = 60_000;
/** Addresses that serve this machine alone, with keys and settings that are not for clients: link-local ones, and those of clouds. */
const inner = new BlockList();
inner.addSubnet('169.254.0.0', 16);
inner.addSubnet('0.0.0.0', 8);
inner.addSubnet('fe80::', 10, 'ipv6');
inner.addAddress('::', 'ipv6');
inner.addAddress('fd00:ec2::254', 'ipv6');
const isInner = (address: string): boolean => inner.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

/** Looks at the very address that is then connected to, so that a name cannot mean another one later. */
const outside: LookupFunction = (host, options, answer) => {
  lookup(host, { ...options, all: true }, (error: Error | null, found: LookupAddress[] = []) => {
    const [first] = found;
    if (error || !first || found.some(({ address }) => isInner(address)))
      return answer(error ?? new Error('it may not be asked'), '');
    if (options.all) answer(null, found);
    else answer(null, first.address, first.family);
  });
};

/** Bytes from an http or https address, which may carry a name and a password; over https from whom the pool trusts. Nobody is sent on to another address. */
export async function fetchUrl(reader: Reader, address: string): Promise<AsyncIterable<Uint8Array>> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new XenError('INVALID_VALUE', 'url', address);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) && isInner(host)) throw new XenError('INVALID_VALUE', 'url', address);
  const trust = url.protocol === 'https:' ? await trustOf(reader) : {};
  const answer = await ask(url, trust).catch((error: unknown) =>
    Promise.reject(new XenError('IMPORT_ERROR', `${url.host} cannot be reached: ${String(error)}`)),
  );
  if (answer.statusCode === 200) return answer;
  answer.destroy();
  throw new XenError('IMPORT_ERROR', `${url.host} answered ${answer.statusCode}`);
}

const ask = (url: URL, trust: Trust): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).get(
      url,
      { lookup: outside, timeout: restMs, ...trust },
      resolve,
    );
    request.on('timeout', () => request.destroy(new Error('no answer'))).on('error', reject);
  });
