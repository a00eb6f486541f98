/** How bytes go to and fro: as they are behind a CONNECT, or in the frames of a WebSocket. */
import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { closing, frame, FrameReader, opcodes, WebSocketError } from '@xenplane/wire';
import type { Exchange } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';

export interface Line {
  send(bytes: Uint8Array): void;
  /** Bytes of the client; those that came early come first. */
  listen(take: (bytes: Uint8Array) => void): void;
  end(): void;
}

const patienceMs = 1000;
/** A client that does not hang up as well is cut off. */
function endSoon(socket: Duplex, last: Uint8Array = new Uint8Array()): void {
  if (!socket.writable) return;
  socket.end(last);
  const timer = setTimeout(() => socket.destroy(), patienceMs);
  socket.once('close', () => clearTimeout(timer));
}

export function rawLine({ socket, head }: Exchange): Line {
  socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncache-control: no-cache, no-store\r\n\r\n');
  return {
    send: (bytes) => void socket.write(bytes),
    listen: (take) => {
      if (head.length > 0) take(head);
      socket.on('data', take);
    },
    end: () => endSoon(socket),
  };
}

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const version = '13';

/** Answers the upgrade; 400 for what is none. */
export function webSocketLine(exchange: Exchange): Line {
  const { request, response, socket, head } = exchange;
  const key = request.headers['sec-websocket-key'];
  if (response || key === undefined || request.headers.upgrade?.toLowerCase() !== 'websocket')
    throw new Refusal(400, 'This handler takes WebSockets only');
  if (request.headers['sec-websocket-version'] !== version)
    throw new Refusal(400, `Only version ${version} of WebSockets is known`, {
      'sec-websocket-version': version,
    });
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
  const accept = createHash('sha1')
    .update(key + guid)
    .digest('base64');
  const protocol = offered.includes('binary') ? 'Sec-WebSocket-Protocol: binary\r\n' : '';
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${protocol}\r\n`,
  );
  return frames(socket, head);
}

const normal = 1000;
function frames(socket: Duplex, head: Buffer): Line {
  const reader = new FrameReader();
  const close = (code: number): void => {
    endSoon(socket, closing(code));
  };
  const read = (bytes: Uint8Array, take: (bytes: Uint8Array) => void): void => {
    for (const { opcode, payload } of reader.read(bytes)) {
      if (opcode === opcodes.close) return close(normal);
      if (opcode === opcodes.ping) socket.write(frame(opcodes.pong, payload));
      else if (opcode !== opcodes.pong) take(payload);
    }
  };
  return {
    send: (bytes) => void (socket.writable && socket.write(frame(opcodes.binary, bytes))),
    listen: (take) => {
      const guarded = (bytes: Uint8Array): void => {
        try {
          read(bytes, take);
        } catch (error) {
          if (!(error instanceof WebSocketError)) throw error;
          close(error.code);
        }
      };
      if (head.length > 0) guarded(head);
      socket.on('data', guarded);
    },
    end: () => close(normal),
  };
}
