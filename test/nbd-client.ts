/** The client's side of NBD, written from the protocol's text alone: it shares nothing with the server. */
import net from 'node:net';
import tls from 'node:tls';

export interface NbdInfo {
  readonly exportname: string;
  readonly address: string;
  readonly port: number;
  readonly cert: string;
  readonly subject: string;
}
const optionMagic = Buffer.from('IHAVEOPT');

export class NbdClient {
  private waiting = Buffer.alloc(0);
  private ended = false;
  private look: () => void = () => undefined;
  private socket!: net.Socket;
  private next = 1n;
  size = 0n;
  flags = 0;

  static async connect({ address, port }: Pick<NbdInfo, 'address' | 'port'>): Promise<NbdClient> {
    const client = new NbdClient();
    client.use(net.connect(port, address));
    return client;
  }
  /** Greets, and answers the server's flags. */
  async greet(flags = 3): Promise<string> {
    const greeting = await this.take(18);
    const word = Buffer.alloc(4);
    word.writeUInt32BE(flags);
    this.write(word);
    return greeting.toString('latin1', 0, 16) + greeting.readUInt16BE(16);
  }

  private use(socket: net.Socket): void {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.waiting = Buffer.concat([this.waiting, bytes]);
      this.look();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.ended = true;
      this.look();
    });
  }
  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }
  async take(count: number): Promise<Buffer> {
    while (this.waiting.length < count) {
      if (this.ended) throw new Error(`closed with ${this.waiting.length} bytes of ${count}`);
      await new Promise<void>((resolve) => (this.look = resolve));
    }
    const bytes = this.waiting.subarray(0, count);
    this.waiting = this.waiting.subarray(count);
    return bytes;
  }
  /** True once the server has closed; it sends nothing more. */
  async closed(): Promise<true> {
    while (!this.ended) await new Promise<void>((resolve) => (this.look = resolve));
    if (this.waiting.length > 0) throw new Error(`${this.waiting.length} bytes before the end`);
    return true;
  }

  ask(option: number, data: Uint8Array | string = '', length?: number): void {
    const content = Buffer.from(data);
    const head = Buffer.alloc(16);
    optionMagic.copy(head);
    head.writeUInt32BE(option, 8);
    head.writeUInt32BE(length ?? content.length, 12);
    this.write(Buffer.concat([head, content]));
  }
  async reply(): Promise<{ option: number; type: number; data: Buffer }> {
    const head = await this.take(20);
    expect(head.toString('hex', 0, 8)).toBe('0003e889045565a9');
    return {
      option: head.readUInt32BE(8),
      type: head.readUInt32BE(12),
      data: await this.take(head.readUInt32BE(16)),
    };
  }

  async startTls({ cert, subject }: Pick<NbdInfo, 'cert' | 'subject'>): Promise<void> {
    this.ask(5);
    expect(await this.reply()).toMatchObject({ option: 5, type: 1 });
    for (const event of ['data', 'close']) this.socket.removeAllListeners(event);
    const secure = tls.connect({ socket: this.socket, ca: cert, servername: subject });
    await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
    this.use(secure);
  }

  async goOld(name: string, zeroes = false): Promise<void> {
    this.ask(1, name);
    const answer = await this.take(zeroes ? 134 : 10);
    this.size = answer.readBigUInt64BE(0);
    this.flags = answer.readUInt16BE(8);
  }
  /** Its type is 1 where it went well. */
  async go(name: string, option = 7): Promise<{ type: number; text: string }> {
    const text = Buffer.from(name),
      data = Buffer.alloc(6 + text.length);
    data.writeUInt32BE(text.length);
    text.copy(data, 4);
    this.ask(option, data);
    for (;;) {
      const { type, data: info } = await this.reply();
      if (type !== 3) return { type, text: info.toString() };
      if (info.readUInt16BE(0) !== 0) continue;
      this.size = info.readBigUInt64BE(2);
      this.flags = info.readUInt16BE(10);
    }
  }

  request(
    command: number,
    offset: bigint | number,
    length: number,
    data: Uint8Array = Buffer.alloc(0),
  ): bigint {
    const head = Buffer.alloc(28);
    head.writeUInt32BE(0x25609513);
    head.writeUInt16BE(command, 6);
    head.writeBigUInt64BE(this.next, 8);
    head.writeBigUInt64BE(BigInt(offset), 16);
    head.writeUInt32BE(length, 24);
    this.write(Buffer.concat([head, data]));
    return this.next++;
  }
  /** The error of the next answer, and whose it is. */
  async answer(): Promise<{ error: number; cookie: bigint }> {
    const head = await this.take(16);
    expect(head.toString('hex', 0, 4)).toBe('67446698');
    return { error: head.readUInt32BE(4), cookie: head.readBigUInt64BE(8) };
  }
  async read(offset: number, length: number): Promise<Buffer> {
    const cookie = this.request(0, offset, length);
    expect(await this.answer()).toEqual({ error: 0, cookie });
    return this.take(length);
  }
  disconnect(): void {
    this.request(2, 0, 0);
  }
  pause(): void {
    this.socket.pause();
  }
  destroy(): void {
    this.socket.destroy();
  }
}
