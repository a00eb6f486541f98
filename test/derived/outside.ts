/** A server of somebody else's that operations speak with: it serves for as long as this process lives, and keeps it from ending by nothing. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export async function served(answer: RequestListener): Promise<string> {
  const server = createServer(answer).unref();
  // Clients keep their connections for seconds.
  server.on('connection', (socket) => socket.unref());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
