/** The thread in which simulated Xen lives: its watchdog ticks whatever the agent's own thread is doing. */
import { parentPort, workerData } from 'node:worker_threads';
import { HypervisorError, type ConsoleChannel, type ConsoleOwner } from '../hypervisor';
import { SimulatedXen, type XenOptions } from './xen';

export interface WorkerRequest {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}
export type WorkerMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: readonly string[] }
  | { readonly event: unknown }
  /** Of a console: some bytes, or its end. */
  | { readonly console: number; readonly bytes?: Uint8Array }
  | { readonly ready: true };

if (parentPort) {
  const port = parentPort;
  const xen = new SimulatedXen(workerData as XenOptions);
  const consoles = new Map<number, ConsoleChannel>();
  /** A console and the calls of what is open go by a number that the agent's side gives. */
  const opened = {
    openConsole: async (id: number, host: string, owner: ConsoleOwner): Promise<void> => {
      const channel = await xen.console(host, owner, {
        data: (bytes) => tell({ console: id, bytes }),
        end: () => {
          consoles.delete(id);
          tell({ console: id });
        },
      });
      consoles.set(id, channel);
    },
    writeConsole: async (id: number, bytes: Uint8Array): Promise<void> => consoles.get(id)?.write(bytes),
    closeConsole: async (id: number): Promise<void> => {
      consoles.get(id)?.close();
      consoles.delete(id);
    },
  };
  const methods = Object.assign(Object.create(xen) as object, opened) as Readonly<
    Record<string, (...args: readonly unknown[]) => Promise<unknown>>
  >;
  const tell = (told: WorkerMessage): void => port.postMessage(told);
  xen.onEvent((event) => tell({ event }));
  port.on('message', ({ id, method, args }: WorkerRequest) => {
    const answer = async (): Promise<unknown> => methods[method]?.apply(xen, [...args]);
    answer().then(
      (value) => tell({ id, value }),
      (error: unknown) =>
        tell({
          id,
          error: error instanceof HypervisorError ? error.description : ['INTERNAL_ERROR', String(error)],
        }),
    );
  });
  tell({ ready: true });
}
