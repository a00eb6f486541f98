/** The agent's side of the thread in which simulated Xen lives. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { HypervisorError, type DomainState, type Hypervisor, type HypervisorEvent, type NewDomain } from '../hypervisor';
import type { DomainSpec, HostLoad, Inventory, SavedImage } from '../protocol';
import type { Told } from './worker';
import type { XenOptions } from './xen';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class XenThread implements Hypervisor {
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners: ((event: HypervisorEvent) => void)[] = [];
  private last = 0;

  private constructor(
    private readonly worker: Worker,
    readonly bootId: string,
  ) {
    worker.on('message', (told: Told) => this.hear(told));
    worker.on('exit', () => this.waiting.forEach(({ reject }) => reject(new Error('the hypervisor has ended'))));
  }

  static async start(options: Omit<XenOptions, 'timers'>): Promise<XenThread> {
    const worker = new Worker(path.join(__dirname, 'worker.js'), { workerData: options });
    const bootId = await new Promise<string>((resolve, reject) => {
      worker.once('message', (told: { bootId: string }) => resolve(told.bootId));
      worker.once('error', reject);
    });
    return new XenThread(worker, bootId);
  }

  addHost = (host: string, inventory: Inventory): Promise<void> => this.request('addHost', host, inventory);
  extend = (host: string, deadlineMs: number): Promise<void> => this.request('extend', host, deadlineMs);
  create = (host: string, domain: NewDomain): Promise<{ domid: number }> => this.request('create', host, domain);
  destroy = (host: string, vm: string): Promise<void> => this.request('destroy', host, vm);
  destroyAll = (host: string): Promise<void> => this.request('destroyAll', host);
  pause = (host: string, vm: string): Promise<void> => this.request('pause', host, vm);
  unpause = (host: string, vm: string): Promise<void> => this.request('unpause', host, vm);
  ask = (host: string, vm: string, what: 'shutdown' | 'reboot'): Promise<void> => this.request('ask', host, vm, what);
  save = (host: string, vm: string): Promise<SavedImage> => this.request('save', host, vm);
  checkpoint = (host: string, vm: string): Promise<SavedImage> => this.request('checkpoint', host, vm);
  configure = (host: string, vm: string, spec: DomainSpec): Promise<void> => this.request('configure', host, vm, spec);
  crash = (host: string, vm: string): Promise<void> => this.request('crash', host, vm);
  list = (host: string): Promise<readonly DomainState[]> => this.request('list', host);
  load = (host: string): Promise<HostLoad> => this.request('load', host);

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
  private hear(told: Told): void {
    if ('event' in told) return this.listeners.forEach((l) => l(told.event as HypervisorEvent));
    if (!('id' in told)) return;
    const waiting = this.waiting.get(told.id);
    this.waiting.delete(told.id);
    if ('error' in told) waiting?.reject(new HypervisorError(told.error));
    else waiting?.resolve(told.value);
  }
}
