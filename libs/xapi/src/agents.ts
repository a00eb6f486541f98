/** Speaks to agents: says which state a VM must have and waits until it has. Repeating a command is always safe. */
import { XenError, isErrorCode, type Ref } from '@xenplane/model';
import type { DesiredVm, SavedImage, VmAnswer } from '@xenplane/hypervisor';
import type { Store } from '@xenplane/store';

interface Address {
  readonly uuid: string;
  readonly agent_url: string;
  readonly command_key: string;
}
export interface PlacedVm {
  readonly vm: string;
  readonly vmEpoch: number;
  readonly host: Ref<'host'>;
  readonly hostEpoch: number;
}
/** A desired state without the epochs, which the placement brings. */
export type Wish = { [S in DesiredVm as S['state']]: Omit<S, 'vmEpoch' | 'hostEpoch' | 'waitMs'> }[DesiredVm['state']];

/** The placement that a command was about is over: fenced, stopped or replaced. */
export class Superseded extends Error {
  constructor(vm: string) {
    super(`VM ${vm} is no longer placed so`);
    this.name = 'Superseded';
  }
}

export interface Patience {
  /** Called between tries; throws to give up. */
  checkpoint(): void;
  progress(fraction: number): Promise<void>;
}

const waitMs = 15_000;
const tooLongMs = waitMs + 10_000;

const keptMs = 2_000;

export class Agents {
  private readonly addresses = new Map<string, { readonly address: Address; readonly at: number }>();

  constructor(
    private readonly store: Store,
    private readonly wait: (ms: number) => Promise<void>,
  ) {}

  /** Repeats the command until the agent says done. Superseded when the placement has gone; a XenError when the agent says that it cannot be. */
  async ensure(placed: PlacedVm, wish: Wish, patience: Patience): Promise<VmAnswer> {
    for (let silent = 0; ;) {
      const answer = await this.put(placed, wish);
      if (answer?.phase === 'done') return answer;
      if (answer?.phase === 'failed') throw failure(answer.error ?? []);
      if (!answer || answer.phase === 'refused') {
        this.addresses.delete(placed.host);
        await this.assertPlaced(placed);
        silent += 1;
        await this.wait(Math.min(100 * 2 ** silent, 2_000));
      } else {
        silent = 0;
        await patience.progress(answer.progress);
      }
      patience.checkpoint();
    }
  }

  /** One try; undefined when the agent cannot be reached or did not answer in time. */
  private async put({ vm, vmEpoch, host, hostEpoch }: PlacedVm, wish: Wish): Promise<VmAnswer | undefined> {
    const address = await this.addressOf(host);
    if (!address) return undefined;
    try {
      const response = await fetch(`${address.agent_url}/hosts/${address.uuid}/vms/${vm}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${address.command_key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...wish, vmEpoch, hostEpoch, waitMs }),
        signal: AbortSignal.timeout(tooLongMs),
      });
      if (response.ok) return (await response.json()) as VmAnswer;
      await response.body?.cancel();
      return undefined;
    } catch {
      return undefined;
    }
  }

  /** Kept for a moment, and asked for anew after every failure: an agent that came back has another address and key. */
  private async addressOf(host: Ref<'host'>): Promise<Address | undefined> {
    const known = this.addresses.get(host);
    if (known && performance.now() - known.at < keptMs) return known.address;
    const [address] = await this.store.query<Address>('SELECT uuid, agent_url, command_key FROM host_run WHERE host = $1 AND alive', [host]);
    if (address) this.addresses.set(host, { address, at: performance.now() });
    return address;
  }

  private async assertPlaced({ vm, vmEpoch, host }: PlacedVm): Promise<void> {
    const rows = await this.store.query(
      "SELECT 1 AS ok FROM vm_run r JOIN vm v ON v.ref = r.vm JOIN host_run h ON h.host = r.host AND h.alive WHERE v.uuid = $1 AND r.vm_epoch = $2 AND r.host = $3 AND r.state <> 'H'",
      [vm, vmEpoch, host],
    );
    if (rows.length === 0) throw new Superseded(vm);
  }
}

function failure(description: readonly string[]): XenError {
  const [code = 'INTERNAL_ERROR', ...params] = description;
  return isErrorCode(code) ? new XenError(code, ...params) : new XenError('INTERNAL_ERROR', ...description);
}
export type { SavedImage };
