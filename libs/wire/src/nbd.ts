/** The NBD protocol as bytes: the fixed newstyle negotiation, and simple replies. All numbers are big-endian. */

export const nbdOptions = { exportName: 1, abort: 2, list: 3, startTls: 5, info: 6, go: 7 } as const;
/** Answers to options; errors have the highest bit. */
export const nbdReplies = {
  ack: 1,
  info: 3,
  unsupported: 2 ** 31 + 1,
  policy: 2 ** 31 + 2,
  invalid: 2 ** 31 + 3,
  tlsRequired: 2 ** 31 + 5,
  unknown: 2 ** 31 + 6,
} as const;
export const nbdCommands = { read: 0, write: 1, disconnect: 2, trim: 4, writeZeroes: 6 } as const;
/** Errors of commands, as Linux numbers them. */
export const nbdErrors = { notPermitted: 1, io: 5, invalid: 22 } as const;
/** The flags of a client's first word. */
export const nbdClient = { fixedNewstyle: 1, noZeroes: 2 } as const;

const magics = {
  server: 0x4e42_444d_4147_4943n,
  option: 0x4948_4156_454f_5054n,
  reply: 0x3_e889_0455_65a9n,
  request: 0x2560_9513,
  simple: 0x6744_6698,
} as const;
/** There are flags; the disk is read-only, and what one connection reads so does another. */
const transmission = 0b1_0000_0011;

const bytes = (length: number, write: (view: DataView) => void): Uint8Array => {
  const out = new Uint8Array(length);
  write(new DataView(out.buffer));
  return out;
};
const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.length);

/** The client speaks something else. */
export class BadNbd extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'BadNbd';
  }
}

export const nbdGreeting = bytes(18, (view) => {
  view.setBigUint64(0, magics.server);
  view.setBigUint64(8, magics.option);
  view.setUint16(16, nbdClient.fixedNewstyle | nbdClient.noZeroes);
});

/** The first word of a client. */
export function readClientFlags(word: Uint8Array): number {
  const flags = viewOf(word).getUint32(0);
  if ((flags & ~(nbdClient.fixedNewstyle | nbdClient.noZeroes)) !== 0)
    throw new BadNbd('flags of a later version');
  return flags;
}

export const nbdOptionHeadBytes = 16;
export interface OptionHead {
  readonly option: number;
  readonly length: number;
}
export function readOptionHead(head: Uint8Array): OptionHead {
  const view = viewOf(head);
  if (view.getBigUint64(0) !== magics.option) throw new BadNbd('no option');
  return { option: view.getUint32(8), length: view.getUint32(12) };
}

const text = new TextEncoder();
const utf8 = new TextDecoder('utf-8');
export const exportNameOf = (data: Uint8Array): string => utf8.decode(data);

/** The name in a request to go to an export, or to describe it; other information that the client asks for is sent in any case. */
export function readInfoRequest(data: Uint8Array): string | undefined {
  if (data.length < 6) return undefined;
  const view = viewOf(data),
    length = view.getUint32(0);
  if (length > data.length - 6 || data.length !== 6 + length + 2 * view.getUint16(4 + length))
    return undefined;
  return utf8.decode(data.subarray(4, 4 + length));
}

export function optionReply(option: number, type: number, data: Uint8Array | string = ''): Uint8Array {
  const content = typeof data === 'string' ? text.encode(data) : data;
  const reply = bytes(20 + content.length, (view) => {
    view.setBigUint64(0, magics.reply);
    view.setUint32(8, option);
    view.setUint32(12, type);
    view.setUint32(16, content.length);
  });
  reply.set(content, 20);
  return reply;
}

/** The end of the negotiation for old clients. */
export const exportReply = (size: number, zeroes: boolean): Uint8Array =>
  bytes(zeroes ? 134 : 10, (view) => {
    view.setBigUint64(0, BigInt(size));
    view.setUint16(8, transmission);
  });

/** How large the export is. */
export const exportInfo = (size: number): Uint8Array =>
  bytes(12, (view) => {
    view.setBigUint64(2, BigInt(size));
    view.setUint16(10, transmission);
  });
/** Which requests it likes, and the longest that it takes. */
export const blockSizeInfo = (preferred: number, largest: number): Uint8Array =>
  bytes(14, (view) => {
    view.setUint16(0, 3);
    view.setUint32(2, 1);
    view.setUint32(6, preferred);
    view.setUint32(10, largest);
  });

export const nbdRequestBytes = 28;
export interface NbdRequest {
  readonly command: number;
  /** The handle by which the client knows the answer. */
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly length: number;
}
export function readRequest(head: Uint8Array): NbdRequest {
  const view = viewOf(head);
  if (view.getUint32(0) !== magics.request) throw new BadNbd('no request');
  return {
    command: view.getUint16(6),
    cookie: view.getBigUint64(8),
    offset: view.getBigUint64(16),
    length: view.getUint32(24),
  };
}

/** Followed by the bytes that were read, when there is no error. */
export const simpleReply = (cookie: bigint, error = 0): Uint8Array =>
  bytes(16, (view) => {
    view.setUint32(0, magics.simple);
    view.setUint32(4, error);
    view.setBigUint64(8, cookie);
  });
