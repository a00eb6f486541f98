/** The negotiation: options, until the client goes to an export or gives up. */
import {
  blockSizeInfo,
  exportInfo,
  exportNameOf,
  exportReply,
  nbdClient,
  nbdGreeting,
  nbdOptionHeadBytes,
  nbdOptions,
  nbdReplies,
  optionReply,
  readClientFlags,
  readInfoRequest,
  readOptionHead,
  BadNbd,
} from '@xenplane/wire';
import { XenError } from '@xenplane/model';
import type { Connection } from './connection';
import { largestRead, preferredRead, type Export } from './export';

/** The longest name of an export is 4096 bytes. */
const longestOption = 8192;
const mostOptions = 64;

export interface Ways {
  /** Encrypts the connection; undefined where it goes in the clear. */
  readonly encrypt: (() => Promise<Connection>) | undefined;
  readonly open: (name: string) => Promise<Export>;
}
export interface Agreed {
  readonly connection: Connection;
  readonly opened: Export;
}

export async function negotiate(first: Connection, ways: Ways): Promise<Agreed | undefined> {
  await first.send(nbdGreeting);
  const zeroes = (readClientFlags(await first.exactly(4)) & nbdClient.noZeroes) === 0;
  const talk = new Negotiation(first, ways, zeroes);
  for (let i = 0; i < mostOptions; i += 1) {
    const end = await talk.next();
    if (end !== 'more') return end;
  }
  throw new BadNbd('too many options');
}

type Step = 'more' | Agreed | undefined;

class Negotiation {
  private encrypted = false;

  constructor(
    private connection: Connection,
    private readonly ways: Ways,
    private readonly zeroes: boolean,
  ) {}

  async next(): Promise<Step> {
    const { option, length } = readOptionHead(await this.connection.exactly(nbdOptionHeadBytes));
    if (length > longestOption) throw new BadNbd('an option that is too long');
    const data = await this.connection.exactly(length);
    if (option === nbdOptions.abort) return void (await this.answer(option, nbdReplies.ack));
    if (option === nbdOptions.startTls) return this.startTls(option, length);
    if (this.ways.encrypt && !this.encrypted) {
      // There is no way to refuse it but to go.
      if (option === nbdOptions.exportName) throw new BadNbd('no export without encryption');
      return this.answer(option, nbdReplies.tlsRequired, 'Disks are served encrypted');
    }
    if (option === nbdOptions.exportName) return this.goOld(exportNameOf(data));
    if (option === nbdOptions.go || option === nbdOptions.info)
      return this.goTo(option, readInfoRequest(data));
    if (option === nbdOptions.list)
      return this.answer(option, nbdReplies.policy, 'VDI.get_nbd_info tells the name of an export');
    return this.answer(option, nbdReplies.unsupported);
  }

  private async answer(option: number, type: number, data?: Uint8Array | string): Promise<'more'> {
    await this.connection.send(optionReply(option, type, data));
    return 'more';
  }

  private async startTls(option: number, length: number): Promise<Step> {
    if (length > 0 || this.encrypted) return this.answer(option, nbdReplies.invalid);
    if (!this.ways.encrypt) return this.answer(option, nbdReplies.policy, 'Disks are served in the clear');
    await this.answer(option, nbdReplies.ack);
    this.connection.leave();
    this.connection = await this.ways.encrypt();
    this.encrypted = true;
    return 'more';
  }

  private async opened(name: string): Promise<Export | XenError> {
    try {
      return await this.ways.open(name);
    } catch (error) {
      if (error instanceof XenError) return error;
      throw error;
    }
  }

  private async goOld(name: string): Promise<Step> {
    const opened = await this.opened(name);
    // An old client gets no reason.
    if (opened instanceof XenError) throw new BadNbd(opened.code);
    await opened.unless(() => this.connection.send(exportReply(opened.source.size, this.zeroes)));
    return { connection: this.connection, opened };
  }

  private async goTo(option: number, name: string | undefined): Promise<Step> {
    if (name === undefined) return this.answer(option, nbdReplies.invalid);
    const opened = await this.opened(name);
    if (opened instanceof XenError)
      return this.answer(
        option,
        refusals.get(opened.code) ?? nbdReplies.policy,
        opened.description.join(' '),
      );
    await opened.unless(async () => {
      await this.answer(option, nbdReplies.info, exportInfo(opened.source.size));
      await this.answer(option, nbdReplies.info, blockSizeInfo(preferredRead, largestRead));
      await this.answer(option, nbdReplies.ack);
    });
    if (option === nbdOptions.go) return { connection: this.connection, opened };
    await opened.close();
    return 'more';
  }
}

const refusals: ReadonlyMap<string, number> = new Map([
  ['HANDLE_INVALID', nbdReplies.unknown],
  ['UUID_INVALID', nbdReplies.unknown],
]);
