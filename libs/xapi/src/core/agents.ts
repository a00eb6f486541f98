/** Speaks to agents: says which state a VM must have and waits until it has. Repeating a command is always safe. */
import { XenError, isErrorCode, type Ref } from '@xenplane/model';
import type {
  ConsoleOwner,
  DesiredVm,
  PlaneAnswer,
  PlaneCommand,
  PowerCommand,
  PowerAnswer,
  SavedImage,
  VmAnswer,
} from '@xenplane/hypervisor';
import type { Store } from '@xenplane/store';
import { ConsoleRefused, openConsole, type AgentConsole } from './agent-console';
import { askAgent } from './agent-http';
import type { Clock } from './clock';
import { agentAddress, lastAgentAddress, type AgentAddress } from '../tables/runs/agents';
import { presentEpoch } from '../tables/runs/agent-runs';

export interface PlacedVm {
  readonly vm: string;
  readonly vmEpoch: number;
  readonly host: Ref<'host'>;
  readonly hostEpoch: number;
  /** The domain belongs to no present run: it is prepared for one, or left over. It is there for as long as the host keeps its epoch. */
  readonly aside?: true;
}
/** A desired state without the epochs, which the placement brings. */
export type DesiredState = {
  [S in DesiredVm as S['state']]: Omit<S, 'vmEpoch' | 'hostEpoch' | 'waitMs'>;
}[DesiredVm['state']];

/** The placement that a command was about is over: fenced, stopped or replaced. The operation says why, in the words of the interface. */
export class Superseded extends Error {
  constructor(
    /** Its uuid or its reference. */
    readonly vm: string,
    /** Where it was placed. */
    readonly host?: Ref<'host'>,
    /** The meaning of a state that is not one of the VM's. */
    readonly meaning?: XenError,
  ) {
    super(`VM ${vm} is no longer placed so`);
    this.name = 'Superseded';
  }
}

export interface Patience {
  /** How long the agent may take over one answer: after that it says how far it is, and the task may be cancelled. */
  readonly answerMs?: number;
  /** Called between tries; throws to give up. */
  checkpoint(): void;
  progress(fraction: number): Promise<void>;
  /** Called once the agent has been waited for in vain for a while; may throw to wait without holding a place, and ask again after. With the host when its agent cannot be reached. */
  rest?(unreachable: Ref<'host'> | undefined): void;
}

const waitMs = 15_000;
const tooLongMs = waitMs + 10_000;

const consoleLimitMs = 5_000;

const keptMs = 2_000;

export class Agents {
  private readonly addresses = new Map<string, { readonly address: AgentAddress; readonly at: number }>();

  constructor(
    private readonly store: Store,
    private readonly clock: Pick<Clock, 'monotonic' | 'wait'>,
  ) {}

  /** Repeats the command until the agent says done. Superseded when the placement has gone; a XenError when the agent says that it cannot be. */
  async ensure(asked: PlacedVm, wish: DesiredState, patience: Patience): Promise<VmAnswer> {
    const from = this.clock.monotonic();
    for (let silent = 0, placed = asked; ;) {
      const answer = await this.put(placed, wish, patience.answerMs ?? waitMs);
      if (answer?.phase === 'done') return answer;
      if (answer?.phase === 'failed') throw failure(answer.error ?? []);
      if (!answer || answer.phase === 'refused') {
        this.addresses.delete(placed.host);
        placed = { ...placed, hostEpoch: await this.presentEpoch(placed) };
        silent += 1;
        await this.clock.wait(Math.min(100 * 2 ** silent, 2_000));
      } else {
        silent = 0;
        await patience.progress(answer.progress);
      }
      patience.checkpoint();
      if (this.clock.monotonic() - from > waitMs) patience.rest?.(answer ? undefined : placed.host);
    }
  }

  /** True if the agent answers at once that the state is reached. */
  async isSo(placed: PlacedVm, wish: DesiredState, answerMs: number): Promise<boolean> {
    return (await this.put(placed, wish, answerMs))?.phase === 'done';
  }

  /** One try; undefined when the agent cannot be reached or did not answer in time. */
  private async put(
    { vm, vmEpoch, host, hostEpoch }: PlacedVm,
    wish: DesiredState,
    answerMs: number,
  ): Promise<VmAnswer | undefined> {
    const address = await this.addressOf(host);
    if (!address) return undefined;
    try {
      const { status, text } = await askAgent({
        method: 'PUT',
        url: `${address.agent_url}/hosts/${address.uuid}/vms/${vm}`,
        key: address.command_key,
        body: { ...wish, vmEpoch, hostEpoch, waitMs: answerMs },
        limitMs: answerMs + (tooLongMs - waitMs),
      });
      return status === 200 ? (JSON.parse(text) as VmAnswer) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Kept for a moment, and asked for anew after every failure: an agent that came back has another address and key. */
  private async addressOf(host: Ref<'host'>): Promise<AgentAddress | undefined> {
    const known = this.addresses.get(host);
    if (known && this.clock.monotonic() - known.at < keptMs) return known.address;
    const address = await agentAddress(this.store, host);
    if (address) this.addresses.set(host, { address, at: this.clock.monotonic() });
    return address;
  }

  /** The epoch under which the host holds the placement now: an agent that came back has adopted it under another. */
  private async presentEpoch({ vm, vmEpoch, host, hostEpoch, aside }: PlacedVm): Promise<number> {
    const epoch = await presentEpoch(this.store, { vm, vmEpoch, host, hostEpoch, aside: aside === true });
    if (epoch === undefined) throw new Superseded(vm, host);
    return epoch;
  }

  power(host: Ref<'host'>, command: PowerCommand): Promise<PowerAnswer | undefined> {
    return this.ask(host, 'PUT', 'power', command);
  }
  /** Sends a host to another control plane; asked where the host last was, for it is there no more when this was done before. */
  async sendAway(host: Ref<'host'>, command: PlaneCommand): Promise<PlaneAnswer | undefined> {
    return this.askAt(await this.lastAddressOf(host), 'PUT', 'plane', command);
  }
  async callBack(host: Ref<'host'>): Promise<PlaneAnswer | undefined> {
    return this.askAt(await this.lastAddressOf(host), 'DELETE', 'plane');
  }
  private async lastAddressOf(host: Ref<'host'>): Promise<AgentAddress | undefined> {
    return lastAgentAddress(this.store, host);
  }

  consoleRing(host: Ref<'host'>): Promise<{ text: string } | undefined> {
    return this.ask(host, 'GET', 'console-ring');
  }
  async debugKeys(host: Ref<'host'>, keys: string): Promise<boolean> {
    return (await this.ask<object>(host, 'POST', 'debug-keys', { keys })) !== undefined;
  }

  /** Opens the console of a guest, or of the host with what it is called here. One that cannot be reached may have come back elsewhere. */
  async console(host: Ref<'host'>, owner: ConsoleOwner, alone: boolean): Promise<AgentConsole> {
    const path = 'vm' in owner ? `vms/${owner.vm}/console` : 'console';
    const query = new URLSearchParams('vm' in owner ? {} : { names: JSON.stringify(owner) });
    if (alone) query.set('alone', 'true');
    for (let tried = 1; ; tried += 1) {
      const address = await this.addressOf(host);
      if (!address) throw new XenError('CANNOT_CONTACT_HOST', host);
      try {
        const url = `${address.agent_url}/hosts/${address.uuid}/${path}?${query}`;
        return await openConsole({ url, key: address.command_key, limitMs: consoleLimitMs });
      } catch (error) {
        this.addresses.delete(host);
        if (error instanceof ConsoleRefused && error.status !== 403) throw error;
        if (tried === 2) throw new XenError('CANNOT_CONTACT_HOST', host);
      }
    }
  }

  /** One try at something about the host itself; undefined when the agent cannot be reached. */
  private async ask<T extends object>(
    host: Ref<'host'>,
    method: string,
    path: string,
    body?: object,
  ): Promise<T | undefined> {
    const answer = await this.askAt<T>(await this.addressOf(host), method, path, body);
    if (!answer) this.addresses.delete(host);
    return answer;
  }
  private async askAt<T extends object>(
    address: AgentAddress | undefined,
    method: string,
    path: string,
    body?: object,
  ): Promise<T | undefined> {
    if (!address) return undefined;
    try {
      const url = `${address.agent_url}/hosts/${address.uuid}/${path}`;
      const { status, text } = await askAgent({
        method,
        url,
        key: address.command_key,
        body,
        limitMs: tooLongMs,
      });
      if (status < 200 || status > 299) throw new Error(`the agent answered ${status}`);
      return (text === '' ? {} : JSON.parse(text)) as T;
    } catch {
      return undefined;
    }
  }
}

function failure(description: readonly string[]): XenError {
  const [code = 'INTERNAL_ERROR', ...params] = description;
  return isErrorCode(code) ? new XenError(code, ...params) : new XenError('INTERNAL_ERROR', ...description);
}
export type { SavedImage };
