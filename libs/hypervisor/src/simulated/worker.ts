/** The thread in which simulated Xen lives: its watchdog ticks whatever the agent's own thread is doing. */
import { parentPort, workerData } from 'node:worker_threads';
import { HypervisorError } from '../hypervisor';
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
  | { readonly ready: true };

if (parentPort) {
  const port = parentPort;
  const xen = new SimulatedXen(workerData as XenOptions);
  const methods = xen as object as Readonly<
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
