/**
 * The server's side of RFB 3.3, 3.7 and 3.8, without any connection: bytes come in, bytes go out. No security of its own:
 * who gets here has been let in by the session.
 */
import { cellHeight, cellWidth, paint, palette, type Picture, type TextScreen } from '../screen';
import { differences, encodings, hextile, inside, raw, type Rectangle } from './encodings';
import { Keyboard } from './keys';
import { dotsOf, formatBytes, ownFormat, readFormat, writeFormat } from './pixels';

/** The client does not speak the protocol. */
export class RfbError extends Error {}

export interface Received {
  readonly reply: Uint8Array;
  /** The typed text, as a terminal would send it. */
  readonly typed: string;
}
type Size = Pick<TextScreen, 'columns' | 'rows'>;
type Phase = 'version' | 'security' | 'initialise' | 'running';
interface Taken {
  /** How many bytes the message had. */
  readonly bytes: number;
  readonly reply?: Uint8Array;
  readonly typed?: string;
}

const versionBytes = 12;
const noSecurity = 1;
const longestPaste = 2 ** 16;
const mostEncodings = 1024;
const messages = {
  setPixelFormat: 0,
  setEncodings: 2,
  updateRequest: 3,
  key: 4,
  pointer: 5,
  cutText: 6,
} as const;
const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 0xff]);
function i32(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(n);
  return bytes;
}

export class RfbServer {
  private phase: Phase = 'version';
  private minor = 8;
  private waiting = Buffer.alloc(0);
  private dots = dotsOf(ownFormat);
  private encode: { readonly number: number; readonly of: typeof raw } = { number: encodings.raw, of: raw };
  private follows = false;
  private readonly keyboard = new Keyboard();
  private picture: Picture;
  /** The screen as the client last got it. */
  private sent: Picture | undefined;
  private announced: { readonly width: number; readonly height: number };
  private request: (Rectangle & { readonly incremental: boolean }) | undefined;

  constructor(
    private readonly name: string,
    screen: TextScreen,
  ) {
    this.picture = paint(screen);
    this.announced = this.picture;
  }

  /** The server's first message. */
  greeting(): Uint8Array {
    return Buffer.from('RFB 003.008\n');
  }
  /** The size to draw the screen in: the one wanted, when the client accepts another; else the one it knows. */
  sizeFor(wanted: Size): Size {
    return this.follows
      ? wanted
      : { columns: this.announced.width / cellWidth, rows: this.announced.height / cellHeight };
  }

  receive(bytes: Uint8Array): Received {
    this.waiting = Buffer.concat([this.waiting, bytes]);
    const replies: Uint8Array[] = [];
    let typed = '';
    for (let taken = this.take(); taken; taken = this.take()) {
      this.waiting = this.waiting.subarray(taken.bytes);
      if (taken.reply) replies.push(taken.reply);
      typed += taken.typed ?? '';
    }
    return { reply: Buffer.concat([...replies, this.update()]), typed };
  }

  /** The screen as it is now; the update for the client, if it has asked and there is something new. */
  show(screen: TextScreen): Uint8Array {
    this.picture = paint(screen);
    return this.update();
  }

  /** The next whole message; undefined when more bytes are needed. */
  private take(): Taken | undefined {
    switch (this.phase) {
      case 'version':
        return this.waiting.length < versionBytes
          ? undefined
          : this.takeVersion(this.waiting.toString('latin1', 0, versionBytes));
      case 'security':
        return this.waiting.length < 1 ? undefined : this.takeSecurity(this.waiting[0]);
      case 'initialise':
        if (this.waiting.length < 1) return undefined;
        this.phase = 'running';
        return { bytes: 1, reply: this.initialisation() };
      case 'running':
        return this.waiting.length < 1 ? undefined : this.takeMessage();
    }
  }

  private takeVersion(text: string): Taken {
    const match = /^RFB 003\.(\d{3})\n$/.exec(text);
    if (!match) throw new RfbError('the client names no version of RFB 3');
    const minor = Number(match[1]);
    this.minor = minor >= 8 ? 8 : minor === 7 ? 7 : 3;
    this.phase = this.minor === 3 ? 'initialise' : 'security';
    return { bytes: versionBytes, reply: this.minor === 3 ? i32(noSecurity) : Buffer.from([1, noSecurity]) };
  }
  private takeSecurity(chosen: number | undefined): Taken {
    if (chosen !== noSecurity)
      throw new RfbError(`the client chose security ${chosen}, which was not offered`);
    this.phase = 'initialise';
    return { bytes: 1, ...(this.minor === 8 ? { reply: i32(0) } : {}) };
  }
  private initialisation(): Uint8Array {
    const name = Buffer.from(this.name);
    this.announced = this.picture;
    return Buffer.concat([
      u16(this.picture.width),
      u16(this.picture.height),
      writeFormat(ownFormat),
      i32(name.length),
      name,
    ]);
  }

  private takeMessage(): Taken | undefined {
    const length = this.messageLength();
    if (length === undefined || this.waiting.length < length) return undefined;
    const message = this.waiting.subarray(0, length);
    switch (message[0]) {
      case messages.setPixelFormat:
        return { bytes: length, reply: this.setFormat(message.subarray(4, 4 + formatBytes)) };
      case messages.setEncodings:
        this.setEncodings(Array.from({ length: (length - 4) / 4 }, (_, i) => message.readInt32BE(4 + 4 * i)));
        return { bytes: length };
      case messages.updateRequest:
        this.request = this.joined(message);
        return { bytes: length };
      case messages.key:
        return { bytes: length, typed: this.keyboard.key(message.readUInt32BE(4), message[1] !== 0) };
      default:
        return { bytes: length };
    }
  }
  /** Undefined while not even that can be sent. */
  private messageLength(): number | undefined {
    const { waiting } = this;
    switch (waiting[0]) {
      case messages.setPixelFormat:
        return 4 + formatBytes;
      case messages.setEncodings:
        return waiting.length < 4 ? undefined : 4 + 4 * limited(waiting.readUInt16BE(2), mostEncodings);
      case messages.updateRequest:
        return 10;
      case messages.key:
        return 8;
      case messages.pointer:
        return 6;
      case messages.cutText:
        return waiting.length < 8 ? undefined : 8 + limited(waiting.readUInt32BE(4), longestPaste);
      default:
        throw new RfbError(`there is no message ${waiting[0]}`);
    }
  }

  private setFormat(bytes: Buffer): Uint8Array {
    const format = readFormat(bytes);
    if (!format) throw new RfbError('there is no such pixel format');
    this.dots = dotsOf(format);
    this.sent = undefined;
    if (format.trueColour) return Buffer.alloc(0);
    const colours = palette.flatMap((colour) => colour.map((part) => u16(part * 257)));
    return Buffer.concat([Buffer.from([1, 0]), u16(0), u16(palette.length), ...colours]);
  }
  /** The first that we know is the one that the client likes best. */
  private setEncodings(numbers: readonly number[]): void {
    const best = numbers.find((n) => n === encodings.hextile || n === encodings.raw);
    this.encode =
      best === encodings.hextile ? { number: best, of: hextile } : { number: encodings.raw, of: raw };
    this.follows = numbers.includes(encodings.desktopSize);
  }
  /** A client may ask again before it was answered: then it wants what it wanted before as well. */
  private joined(message: Buffer): Rectangle & { readonly incremental: boolean } {
    const [x, y, width, height] = [2, 4, 6, 8].map((at) => message.readUInt16BE(at)) as [
      number,
      number,
      number,
      number,
    ];
    const before = this.request;
    if (!before) return { x, y, width, height, incremental: message[1] !== 0 };
    const left = Math.min(x, before.x),
      top = Math.min(y, before.y);
    return {
      x: left,
      y: top,
      width: Math.max(x + width, before.x + before.width) - left,
      height: Math.max(y + height, before.y + before.height) - top,
      incremental: message[1] !== 0 && before.incremental,
    };
  }

  /** Answers the client's request; nothing while there is none, or nothing new for it. */
  private update(): Uint8Array {
    const { request, picture, sent } = this;
    if (!request || this.phase !== 'running') return new Uint8Array();
    if (picture.width !== this.announced.width || picture.height !== this.announced.height)
      return this.resize();
    const area = inside(request, picture);
    const areas = request.incremental && sent ? differences(sent, picture, area) : [area];
    if (areas.length === 0) return new Uint8Array();
    this.request = undefined;
    // Changes outside of the area are sent when it is asked for: until then they must still count as different.
    this.sent = merged(sent ?? forgotten(picture), picture, area);
    return Buffer.concat([
      Buffer.from([0, 0]),
      u16(areas.length),
      ...areas.flatMap((a) => [header(a, this.encode.number), this.encode.of(picture, a, this.dots)]),
    ]);
  }
  private resize(): Uint8Array {
    if (!this.follows) return new Uint8Array();
    const { width, height } = this.picture;
    this.announced = this.picture;
    this.sent = undefined;
    this.request = undefined;
    return Buffer.concat([
      Buffer.from([0, 0]),
      u16(1),
      header({ x: 0, y: 0, width, height }, encodings.desktopSize),
    ]);
  }
}

const header = ({ x, y, width, height }: Rectangle, encoding: number): Uint8Array =>
  Buffer.concat([u16(x), u16(y), u16(width), u16(height), i32(encoding)]);

function limited(count: number, most: number): number {
  if (count > most) throw new RfbError('the message is too long');
  return count;
}

const unknownDot = 255;
/** A picture of which nothing is known. */
const forgotten = ({ width, height }: Picture): Picture => ({
  width,
  height,
  pixels: new Uint8Array(width * height).fill(unknownDot),
});
function merged(before: Picture, after: Picture, area: Rectangle): Picture {
  const pixels = before.pixels.slice();
  for (let y = area.y; y < area.y + area.height; y += 1) {
    const from = y * after.width + area.x;
    pixels.set(after.pixels.subarray(from, from + area.width), from);
  }
  return { width: after.width, height: after.height, pixels };
}
