/**
 * Finds operations that nobody works on and rings for them. An operation is taken from its owner only after this sweeper
 * itself has watched it stand still, attempt and beat unchanged, for the whole of `staleMs` on its own clock (R6): neither
 * BullMQ's stalled flag nor anybody's wall clock decides. Runs on a timer; each run is a whole, keeps no promise of the last.
 */
import type { OperationStore, Sighting } from './operation';

export interface SweeperOptions {
  readonly store: Pick<OperationStore<unknown>, 'idle' | 'owned' | 'disown'>;
  readonly ring: (rings: readonly Sighting[]) => Promise<void>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly idleMs?: number;
  readonly staleMs?: number;
}

export class Sweeper {
  private readonly sightings = new Map<string, Sighting & { readonly since: number }>();

  constructor(private readonly options: SweeperOptions) {}

  async sweep(): Promise<{ readonly rung: number }> {
    const { store, ring, idleMs = 5_000 } = this.options;
    const freed = await this.free();
    const idle = await store.idle(idleMs);
    const rings = [...freed, ...idle];
    await ring(rings);
    return { rung: rings.length };
  }

  private async free(): Promise<Sighting[]> {
    const { store, now, staleMs = 10_000 } = this.options;
    const owned = await store.owned();
    const freed: Sighting[] = [];
    for (const sighting of owned) {
      const before = this.sightings.get(sighting.ref);
      const still = before && before.attempt === sighting.attempt && before.beat === sighting.beat;
      if (!still) this.sightings.set(sighting.ref, { ...sighting, since: now() });
      else if (now() - before.since >= staleMs && (await store.disown(sighting))) freed.push(sighting);
    }
    this.forget(new Set(owned.map((s) => s.ref)), freed);
    return freed;
  }

  private forget(present: ReadonlySet<string>, freed: readonly Sighting[]): void {
    for (const ref of this.sightings.keys()) if (!present.has(ref)) this.sightings.delete(ref);
    for (const { ref } of freed) this.sightings.delete(ref);
  }
}
