/** The agent's side of the thread in which simulated Xen lives. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  HypervisorError,
  type Block,
  type ConsoleChannel,
  type ConsoleListener,
  type ConsoleOwner,
  type DomainState,
  type Hypervisor,
  type HypervisorEvent,
  type MemoryCopy,
  type NewDomain,
} from '../hypervisor';
import type { DomainSpec, HostLoad, Inventory, SavedImage } from '../protocol';
import type { WorkerMessage } from './worker';
import type { XenOptions } from './xen';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class XenThread implements Hypervisor {
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners: ((event: HypervisorEvent) => void)[] = [];
  private readonly consoles = new Map<number, ConsoleListener>();
  private last = 0;

  private constructor(private readonly worker: Worker) {
    worker.on('message', (told: WorkerMessage) => this.hear(told));
    worker.on('exit', () => {
      this.waiting.forEach(({ reject }) => reject(new Error('the hypervisor has ended')));
      this.consoles.forEach((listener) => listener.end());
    });
  }

  static async start(options: Omit<XenOptions, 'clock'>): Promise<XenThread> {
    const worker = new Worker(path.join(__dirname, 'worker.js'), { workerData: options });
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve());
      worker.once('error', reject);
    });
    return new XenThread(worker);
  }

  hosts = (): Promise<readonly string[]> => this.request('hosts');
  inventory = (host: string): Promise<Inventory> => this.request('inventory', host);
  bootOf = (host: string): Promise<string> => this.request('bootOf', host);
  power = (host: string, on: boolean): Promise<void> => this.request('power', host, on);
  extend = (host: string, deadlineMs: number): Promise<void> => this.request('extend', host, deadlineMs);
  create = (host: string, domain: NewDomain): Promise<{ domid: number }> =>
    this.request('create', host, domain);
  destroy = (host: string, vm: string): Promise<void> => this.request('destroy', host, vm);
  destroyAll = (host: string): Promise<void> => this.request('destroyAll', host);
  pause = (host: string, vm: string): Promise<void> => this.request('pause', host, vm);
  unpause = (host: string, vm: string): Promise<void> => this.request('unpause', host, vm);
  ask = (host: string, vm: string, what: 'shutdown' | 'reboot'): Promise<void> =>
    this.request('ask', host, vm, what);
  save = (host: string, vm: string): Promise<SavedImage> => this.request('save', host, vm);
  checkpoint = (host: string, vm: string): Promise<SavedImage> => this.request('checkpoint', host, vm);
  copyMemory = (host: string, vm: string, attempt: number): Promise<MemoryCopy> =>
    this.request('copyMemory', host, vm, attempt);
  handOver = (host: string, vm: string, attempt: number): Promise<SavedImage> =>
    this.request('handOver', host, vm, attempt);
  takeOver = (host: string, vm: string, image: SavedImage): Promise<void> =>
    this.request('takeOver', host, vm, image);
  attach = (host: string, vm: string, block: Block): Promise<void> => this.request('attach', host, vm, block);
  detach = (host: string, vm: string, vbd: string): Promise<void> => this.request('detach', host, vm, vbd);
  configure = (host: string, vm: string, spec: DomainSpec): Promise<void> =>
    this.request('configure', host, vm, spec);
  crash = (host: string, vm: string): Promise<void> => this.request('crash', host, vm);
  list = (host: string): Promise<readonly DomainState[]> => this.request('list', host);
  sample = (host: string): Promise<HostLoad> => this.request('sample', host);
  consoleRing = (host: string): Promise<string> => this.request('consoleRing', host);
  debugKeys = (host: string, keys: string): Promise<void> => this.request('debugKeys', host, keys);

  async console(host: string, owner: ConsoleOwner, listener: ConsoleListener): Promise<ConsoleChannel> {
    this.last += 1;
    const id = this.last;
    this.consoles.set(id, listener);
    try {
      await this.request('openConsole', id, host, owner);
    } catch (error) {
      this.consoles.delete(id);
      throw error;
    }
    return {
      write: (bytes) => this.request('writeConsole', id, bytes),
      close: () => {
        if (this.consoles.delete(id)) void this.request('closeConsole', id).catch(() => undefined);
      },
    };
  }

  onEvent(listener: (event: HypervisorEvent) => void): void {
    this.listeners.push(listener);
  }
  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private request<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    this.last += 1;
    const id = this.last;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: (value) => resolve(value as T), reject });
      this.worker.postMessage({ id, method, args });
    });
  }
  private hearConsole(id: number, bytes: Uint8Array | undefined): void {
    const listener = this.consoles.get(id);
    if (bytes) return listener?.data(bytes);
    this.consoles.delete(id);
    listener?.end();
  }
  private hear(told: WorkerMessage): void {
    if ('event' in told) return this.listeners.forEach((l) => l(told.event as HypervisorEvent));
    if ('console' in told) return this.hearConsole(told.console, told.bytes);
    if (!('id' in told)) return;
    const waiting = this.waiting.get(told.id);
    this.waiting.delete(told.id);
    if ('error' in told) waiting?.reject(new HypervisorError(told.error));
    else waiting?.resolve(told.value);
  }
}
