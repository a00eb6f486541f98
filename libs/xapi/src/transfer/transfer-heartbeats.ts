/** The transfers that this process carries. It says again and again that they go on, all in one statement, and learns which do not any more. */
import type { Plane } from '../core/context';
import { beatTransfers } from '../tables/operations/transfers';

const beatMs = 1_000;

export class TransferHeartbeats {
  private readonly carried = new Map<string, () => void>();
  private timer: NodeJS.Timeout | undefined;
  private beating = false;

  constructor(private readonly plane: Pick<Plane, 'store' | 'log'>) {}

  start(): void {
    this.timer = setInterval(
      () =>
        void this.beat().catch((error: unknown) => this.plane.log.warn({ error }, 'transfers not renewed')),
      beatMs,
    );
    this.timer.unref();
  }
  stop(): void {
    clearInterval(this.timer);
  }

  /** `lost` is called when somebody else has ended the transfer. */
  carry(id: string, lost: () => void): void {
    this.carried.set(id, lost);
  }
  drop(id: string): void {
    this.carried.delete(id);
  }

  /** One that is just being ended is passed over rather than waited for. */
  private async beat(): Promise<void> {
    if (this.beating || this.carried.size === 0) return;
    this.beating = true;
    try {
      const ids = [...this.carried.keys()];
      const present = await beatTransfers(this.plane.store, ids);
      for (const id of ids) if (!present.has(id)) this.lose(id);
    } finally {
      this.beating = false;
    }
  }

  private lose(id: string): void {
    const lost = this.carried.get(id);
    this.carried.delete(id);
    lost?.();
  }
}
