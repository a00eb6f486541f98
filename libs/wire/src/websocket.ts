/** Frames of a WebSocket (RFC 6455), the server's side, without any connection. */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}
/** The client breaks the protocol; the code is what the close frame says. */
export class WebSocketError extends Error {
  constructor(
    readonly code: number,
    text: string,
  ) {
    super(text);
  }
}

const longestPayload = 2 ** 20;
const longestControl = 125;
const last = 0x80;
const masked = 0x80;

/** Ours are never masked and never in parts. */
export function frame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = last | opcode;
  if (length < 126) head[1] = length;
  else if (length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}
export const closing = (code: number): Uint8Array =>
  frame(opcodes.close, Buffer.from([code >> 8, code & 0xff]));

/** Puts together what comes in pieces: bytes to frames, frames to messages. Control frames come out as they are. */
export class FrameReader {
  private waiting = Buffer.alloc(0);
  private begun: { readonly opcode: number; readonly parts: Uint8Array[]; bytes: number } | undefined;

  read(bytes: Uint8Array): Frame[] {
    this.waiting = Buffer.concat([this.waiting, bytes]);
    const whole: Frame[] = [];
    for (let next = this.next(); next; next = this.next()) {
      const message = this.joined(next);
      if (message) whole.push(message);
    }
    return whole;
  }

  private next(): (Frame & { readonly isLast: boolean }) | undefined {
    const { waiting } = this;
    if (waiting.length < 2) return undefined;
    const [first = 0, second = 0] = waiting;
    if ((first & 0x70) !== 0) throw new WebSocketError(1002, 'reserved bits are set');
    if ((second & masked) === 0) throw new WebSocketError(1002, 'a frame of a client must be masked');
    const short = second & 0x7f;
    const head = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    if (waiting.length < head + 4) return undefined;
    const length =
      short === 126 ? waiting.readUInt16BE(2) : short === 127 ? Number(waiting.readBigUInt64BE(2)) : short;
    if (length > longestPayload) throw new WebSocketError(1009, 'the message is too long');
    if (waiting.length < head + 4 + length) return undefined;
    const mask = waiting.subarray(head, head + 4);
    const payload = Uint8Array.from(
      waiting.subarray(head + 4, head + 4 + length),
      (byte, i) => byte ^ (mask[i & 3] ?? 0),
    );
    this.waiting = waiting.subarray(head + 4 + length);
    return { opcode: first & 0x0f, isLast: (first & last) !== 0, payload };
  }

  private joined({ opcode, isLast, payload }: Frame & { readonly isLast: boolean }): Frame | undefined {
    if (opcode >= opcodes.close) {
      if (!isLast || payload.length > longestControl || opcode > opcodes.pong)
        throw new WebSocketError(1002, 'there is no such control frame');
      return { opcode, payload };
    }
    if (opcode > opcodes.binary || (opcode === opcodes.continuation) !== (this.begun !== undefined))
      throw new WebSocketError(1002, 'frames are out of order');
    const message = this.begun ?? { opcode, parts: [], bytes: 0 };
    message.parts.push(payload);
    message.bytes += payload.length;
    if (message.bytes > longestPayload) throw new WebSocketError(1009, 'the message is too long');
    this.begun = isLast ? undefined : message;
    return isLast ? { opcode: message.opcode, payload: Buffer.concat(message.parts) } : undefined;
  }
}
