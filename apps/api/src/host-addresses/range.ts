/**
 * The range of loopback addresses that the hosts of this control plane have: kept in its database, and claimed on this machine
 * by a socket at the range's gateway, so that two control planes on one machine have different ones. The socket says whose it is.
 */
import { createHash, randomUUID } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { hostRanges } from '@xenplane/domain';
import { inTransaction, type Reader, type Tx } from '@xenplane/store';
import { readSetting, writeSetting, type Plane } from '@xenplane/xapi';

const claimPort = 10_810;
const mostTries = 40;
const patienceMs = 1_000;
const settingKey = 'hosts/range';

interface Range {
  readonly range: string;
  readonly id: string;
}
/** `unusable`: this system has no such addresses. */
type Claim = 'mine' | 'ours' | 'taken' | 'unusable';

/** Holds a range for as long as this process lives. */
export class ClaimedRange {
  private socket: Server | undefined;
  private constructor(readonly found: Range) {}
  get range(): string {
    return this.found.range;
  }

  /** The one that is kept, unless another control plane has it by now; undefined where there are no such addresses. */
  static async take(plane: Plane): Promise<ClaimedRange | undefined> {
    const kept = await keptRange(plane.store);
    const held = kept && (await ClaimedRange.hold(kept));
    if (held instanceof ClaimedRange) return held;
    if (held === 'unusable') return undefined;
    return inTransaction(plane.store, async (tx) => {
      await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/host-range'))", []);
      return ClaimedRange.choose(tx, kept);
    });
  }

  /** Another process of this control plane may have chosen meanwhile. */
  private static async choose(tx: Tx, taken: Range | undefined): Promise<ClaimedRange | undefined> {
    const now = await keptRange(tx);
    const present = now && now.range !== taken?.range ? await ClaimedRange.hold(now) : undefined;
    if (present instanceof ClaimedRange) return present;
    const id = now?.id ?? randomUUID();
    for (let tried = 0; tried < mostTries; tried += 1) {
      const range = { range: rangeBy(tried === 0 ? id : `${id} ${randomUUID()}`), id };
      const held = range.range === taken?.range ? 'taken' : await ClaimedRange.hold(range);
      if (held === 'unusable') return undefined;
      if (held === 'taken') continue;
      await writeSetting(tx, settingKey, range);
      return held;
    }
    return undefined;
  }

  private static async hold(range: Range): Promise<ClaimedRange | 'taken' | 'unusable'> {
    const claimed = new ClaimedRange(range);
    const claim = await claimed.claim();
    return claim === 'mine' || claim === 'ours' ? claimed : claim;
  }

  private async claim(): Promise<Claim> {
    const { range, id } = this.found;
    const error = await this.bind();
    if (!error) return 'mine';
    if (error.code !== 'EADDRINUSE') return 'unusable';
    return (await holderOf(hostRanges.gatewayOf(range))) === id ? 'ours' : 'taken';
  }
  private async bind(): Promise<NodeJS.ErrnoException | undefined> {
    const { range, id } = this.found;
    const server = createServer((socket) => void socket.on('error', () => undefined).end(id));
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) =>
      server.once('error', resolve).listen(claimPort, hostRanges.gatewayOf(range), () => resolve(undefined)),
    );
    if (!error) this.socket = server.on('error', () => undefined).unref();
    return error;
  }

  /** When the process that held the range has gone, this one does. */
  async keep(): Promise<void> {
    if (!this.socket) await this.bind();
  }
  close(): void {
    this.socket?.close();
  }
}

const keptRange = (reader: Reader): Promise<Range | undefined> => readSetting<Range>(reader, settingKey);
const rangeBy = (name: string): string =>
  hostRanges.rangeAt(createHash('sha256').update(name).digest().readUInt32BE(0));

/** The description of a claim by its holder; undefined for an answer of anything else. */
function holderOf(address: string): Promise<string> {
  return new Promise((resolve) => {
    let told = '';
    const socket = connect(claimPort, address);
    const over = (): void => {
      socket.destroy();
      resolve(told);
    };
    socket.setTimeout(patienceMs, over).on('error', over).on('end', over);
    socket.on('data', (bytes) => (told += bytes.toString('latin1')).length > 100 && over());
  });
}
