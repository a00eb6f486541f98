/** The client's side of RFB 3.8, for tests: keeps a framebuffer, and reads it as text by the shapes of its letters. */
import { glyph } from '@xenplane/wire';

const lightest = 64;
const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const byShape = new Map(printable.map((c) => [glyph(c).join(), c]));

export interface ClientOptions {
  /** As the client prefers them; -223 says that it follows the size of the screen. */
  readonly encodings?: readonly number[];
  readonly version?: string;
}

/** Fed with what the server sends; `out` is what goes to the server. */
export class RfbClient {
  name = '';
  width = 0;
  height = 0;
  /** Rectangles that came, by encoding. */
  readonly rectangles: { readonly encoding: number; readonly width: number; readonly height: number }[] = [];
  updates = 0;
  private pixels = new Uint32Array();
  private waiting = Buffer.alloc(0);
  private need: (() => boolean) | undefined;

  constructor(
    private readonly out: (bytes: Uint8Array) => void,
    private readonly options: ClientOptions = {},
  ) {
    this.need = () => this.version();
  }

  feed(bytes: Uint8Array): void {
    this.waiting = Buffer.concat([this.waiting, bytes]);
    while (this.need?.()) continue;
  }
  request(incremental: boolean): void {
    const message = Buffer.alloc(10);
    message.set([3, Number(incremental)]);
    message.writeUInt16BE(this.width, 6);
    message.writeUInt16BE(this.height, 8);
    this.out(message);
  }
  key(symbol: number): void {
    for (const down of [1, 0]) {
      const message = Buffer.alloc(8);
      message.set([4, down]);
      message.writeUInt32BE(symbol, 4);
      this.out(message);
    }
  }
  /** Text, and Return for each new line. */
  type(text: string): void {
    for (const c of text) this.key(c === '\n' ? 0xff0d : c.charCodeAt(0));
  }

  /** The lines of the screen. What is no letter is a question mark. */
  text(): string[] {
    return Array.from({ length: this.height / 16 }, (_, row) =>
      Array.from({ length: this.width / 8 }, (_x, column) => this.letter(column, row))
        .join('')
        .trimEnd(),
    );
  }
  private letter(column: number, row: number): string {
    const shape = Array.from({ length: 16 }, (_, y) => {
      let bits = 0;
      for (let x = 0; x < 8; x += 1)
        bits =
          bits * 2 +
          Number(((this.pixels[(row * 16 + y) * this.width + column * 8 + x] ?? 0) & 0xff) > lightest);
      return bits;
    });
    // The cursor covers the last two rows of a cell that is otherwise empty.
    return byShape.get(shape.join()) ?? (shape.slice(0, 14).every((b) => b === 0) ? ' ' : '?');
  }

  private taken(length: number): Buffer | undefined {
    if (this.waiting.length < length) return undefined;
    const bytes = this.waiting.subarray(0, length);
    this.waiting = this.waiting.subarray(length);
    return bytes;
  }
  // The expected answer is registered before anything is sent: it may come at once.
  private send(bytes: Uint8Array, need: () => boolean): true {
    this.need = need;
    this.out(bytes);
    return true;
  }
  private get spoken(): string {
    return this.options.version ?? 'RFB 003.008\n';
  }
  private version(): boolean {
    return this.taken(12) !== undefined && this.send(Buffer.from(this.spoken), () => this.security());
  }
  private security(): boolean {
    const isOld = this.spoken.endsWith('3\n');
    const count = isOld ? 3 : this.waiting[0];
    if (count === undefined || !this.taken(1 + count)) return false;
    return this.send(isOld ? Buffer.alloc(0) : Buffer.from([1]), () =>
      this.result(this.spoken.endsWith('8\n') ? 4 : 0),
    );
  }
  private result(length: number): boolean {
    return this.taken(length) !== undefined && this.send(Buffer.from([1]), () => this.initialised());
  }
  private initialised(): boolean {
    if (this.waiting.length < 24 || this.waiting.length < 24 + this.waiting.readUInt32BE(20)) return false;
    const head = this.taken(24);
    this.resize(head?.readUInt16BE(0) ?? 0, head?.readUInt16BE(2) ?? 0);
    this.name = String(this.taken(head?.readUInt32BE(20) ?? 0));
    const numbers = this.options.encodings ?? [5, 0, -223];
    const message = Buffer.alloc(4 + 4 * numbers.length);
    message[0] = 2;
    message.writeUInt16BE(numbers.length, 2);
    numbers.forEach((n, i) => message.writeInt32BE(n, 4 + 4 * i));
    return this.send(message, () => this.update());
  }
  private resize(width: number, height: number): void {
    [this.width, this.height] = [width, height];
    this.pixels = new Uint32Array(width * height);
  }

  /** An update is read when it is whole. */
  private update(): boolean {
    const before = this.waiting;
    const head = this.taken(4);
    let whole = head !== undefined;
    if (head && head[0] !== 0) throw new Error(`the server sent message ${head[0]}`);
    for (let n = head?.readUInt16BE(2) ?? 0; whole && n > 0; n -= 1) whole = this.rectangle();
    if (!whole) this.waiting = before;
    else this.updates += 1;
    return whole;
  }
  private rectangle(): boolean {
    const head = this.taken(12);
    if (!head) return false;
    const [x = 0, y = 0, width = 0, height = 0] = [0, 2, 4, 6].map((at) => head.readUInt16BE(at));
    const encoding = head.readInt32BE(8);
    const read =
      encoding === -223
        ? this.resized(width, height)
        : encoding === 5
          ? this.hextile(x, y, width, height)
          : this.raw(x, y, width, height);
    if (read) this.rectangles.push({ encoding, width, height });
    return read;
  }
  private resized(width: number, height: number): boolean {
    this.resize(width, height);
    return true;
  }
  private raw(x: number, y: number, width: number, height: number): boolean {
    const bytes = this.taken(width * height * 4);
    if (!bytes) return false;
    for (let i = 0; i < width * height; i += 1)
      this.pixels[(y + Math.floor(i / width)) * this.width + x + (i % width)] = bytes.readUInt32LE(i * 4);
    return true;
  }
  private hextile(left: number, top: number, width: number, height: number): boolean {
    for (let y = top; y < top + height; y += 16)
      for (let x = left; x < left + width; x += 16)
        if (!this.tile(x, y, Math.min(16, left + width - x), Math.min(16, top + height - y))) return false;
    return true;
  }
  private tile(x: number, y: number, width: number, height: number): boolean {
    const kind = this.taken(1)?.[0];
    if (kind === undefined) return false;
    if (kind & 1) return this.raw(x, y, width, height);
    const [back, fore] = [kind & 2 ? this.taken(4) : undefined, kind & 4 ? this.taken(4) : undefined];
    const count = kind & 8 ? this.taken(1)?.[0] : 0;
    if (count === undefined || ((kind & 2) !== 0 && !back)) return false;
    const runs = this.taken(count * 2);
    if (!runs) return false;
    this.fill(x, y, width, height, back?.readUInt32LE() ?? 0);
    for (let i = 0; i < count; i += 1) {
      const [at = 0, size = 0] = runs.subarray(2 * i);
      this.fill(x + (at >> 4), y + (at & 15), (size >> 4) + 1, (size & 15) + 1, fore?.readUInt32LE() ?? 0);
    }
    return true;
  }
  private fill(x: number, y: number, width: number, height: number, value: number): void {
    for (let row = y; row < y + height; row += 1)
      this.pixels.fill(value, row * this.width + x, row * this.width + x + width);
  }
}
