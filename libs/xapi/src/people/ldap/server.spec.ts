/** A man in the middle may try to keep the connection from being encrypted. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { openServer } from './server';

const granted = Buffer.from('300c02010178070a010004000400', 'hex');
/** As Windows writes it, with long lengths. */
const grantedAtLength = Buffer.from('308400000010020101788400000007' + '0a010004000400', 'hex');
const refused = Buffer.from('300c02010178070a010204000400', 'hex');
const forged = Buffer.from('300c02010261070a010004000400', 'hex');

/** The bytes sent to a server that answers the request for TLS with this, and the outcome. */
async function said(answer: readonly Buffer[], close = false): Promise<{ heard: Buffer; error: unknown }> {
  const heard: Buffer[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      if (heard.length === 0) for (const part of answer) socket.write(part);
      heard.push(piece);
      if (close || heard.length > 1) socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `ldap://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const error: unknown = await openServer({ url, trusted: [] }, AbortSignal.timeout(10_000)).then(
    () => undefined,
    (e: unknown) => e,
  );
  server.close();
  return { heard: Buffer.concat(heard.slice(1)), error };
}
const handshake = 0x16;

test.each([
  ['granted', granted],
  ['granted at length', grantedAtLength],
])('TLS that is %s begins with a handshake', async (_what, answer) => {
  const { heard, error } = await said([answer]);
  expect(heard[0]).toBe(handshake);
  expect(error).toMatchObject({ kind: 'unreachable' });
});

test.each<[string, readonly Buffer[]]>([
  ['refused', [refused]],
  ['answered with something else', [forged]],
  ['granted with the next answer behind it', [Buffer.concat([granted, forged])]],
  ['granted with the beginning of one', [Buffer.concat([granted, forged.subarray(0, 5)])]],
  ['answered with what never ends', [Buffer.from('3084000fffff', 'hex'), Buffer.alloc(2000)]],
  ['answered with no LDAP', [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]],
])('TLS that is %s is nothing to speak over', async (_what, answer) => {
  const { heard, error } = await said(answer, true);
  expect([heard.length, error]).toEqual([0, expect.objectContaining({ kind: 'unreachable' })]);
});
