/** Files of this machine to and from addresses of the server, as the real xe moves them. */
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import {
  request as plainRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent, request as tlsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { json, text } from 'node:stream/consumers';
import { callHeaders, type Send } from '@xenplane/client';

/** The certificate of a server is its own, as of a new pool: it is not checked, as xe does not. */
const requestTo = (url: URL, options: RequestOptions): ClientRequest =>
  url.protocol === 'https:'
    ? tlsRequest(url, { ...options, rejectUnauthorized: false, agent: false })
    : plainRequest(url, { ...options, agent: false });

const answered = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => request.once('response', resolve).once('error', reject));
/** Calls of one command share a connection. */
const calls = new Agent({ keepAlive: true, rejectUnauthorized: false });
export const sendCall: Send = async (address, body) => {
  const url = new URL(address);
  const options = { method: 'POST', headers: callHeaders };
  const request =
    url.protocol === 'https:' ? tlsRequest(url, { ...options, agent: calls }) : plainRequest(url, options);
  request.end(body);
  return json(await answered(request));
};
const isStandard = (file: string): boolean => file === '' || file === '-';

/** Into a new file that only its owner reads, since disks and databases hold secrets; one that is there already is never written over. */
export async function get(url: URL, file: string): Promise<boolean> {
  const request = requestTo(url, { method: 'GET' });
  request.end();
  const response = await answered(request);
  const moved = response.headers.location;
  if (response.statusCode === 302 && moved !== undefined) {
    response.resume();
    return get(new URL(moved, url), file);
  }
  if (response.statusCode !== 200) {
    response.resume();
    return false;
  }
  if (isStandard(file)) await pipeline(response, process.stdout, { end: false });
  else await pipeline(response, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  return true;
}

function bodyOf(file: string): {
  readonly source: NodeJS.ReadableStream;
  readonly headers: Readonly<Record<string, string>>;
} {
  if (isStandard(file)) return { source: process.stdin, headers: {} };
  const stats = statSync(file);
  return {
    source: createReadStream(file),
    headers: stats.isFile() ? { 'content-length': String(stats.size) } : {},
  };
}
async function send(url: URL, file: string): Promise<{ readonly status: number; readonly body: string }> {
  const { source, headers } = bodyOf(file);
  const request = requestTo(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', ...headers },
  });
  const answer = answered(request);
  // A server that refuses does not read on: what it says counts, not that the pipe broke.
  const sent = pipeline(source, request).catch(() => undefined);
  const response = await answer;
  const [body] = await Promise.all([text(response).catch(() => ''), sent]);
  return { status: response.statusCode ?? 0, body };
}
export async function put(url: URL, file: string): Promise<boolean> {
  return (await send(url, file)).status === 200;
}
/** Sends a file and answers what the server says of it. */
export async function upload(url: URL, file: string): Promise<unknown> {
  const { status, body } = await send(url, file);
  if (status !== 200) throw new Error(`the server answered ${status}: ${body}`);
  return JSON.parse(body);
}

const leave = 0x1d;
/** The keys of this terminal go there and its bytes come here, until Ctrl-]. */
export async function connectTerminal(url: URL): Promise<boolean> {
  const request = requestTo(url, { method: 'CONNECT', path: url.pathname + url.search });
  const opened = new Promise<Duplex | undefined>((resolve, reject) => {
    request.once('connect', (response, socket) => resolve(response.statusCode === 200 ? socket : undefined));
    request.once('response', () => resolve(undefined)).once('error', reject);
  });
  request.end();
  const socket = await opened;
  if (!socket) return false;
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  process.stdin.on('data', (keys: Buffer) => (keys.includes(leave) ? socket.end() : socket.write(keys)));
  socket.on('data', (bytes: Buffer) => process.stdout.write(bytes));
  await new Promise((resolve) => socket.once('close', resolve));
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.pause();
  return true;
}
