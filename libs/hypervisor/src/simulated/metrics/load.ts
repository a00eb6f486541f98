/** How busy a VM is, and when: a kind of work that follows from its uuid, and the waves of what it does. */
import { rrd } from '@xenplane/domain';

const { chance, seedOf, times } = rrd;
type Figure = rrd.Figure;
type Swing = rrd.Swing;
type Wave = rrd.Wave;

interface Work {
  readonly swing: Swing;
  /** Of a vCPU at its busiest, from and to. */
  readonly cpu: readonly [number, number];
  /** Bytes a second at the busiest. */
  readonly network: number;
  readonly disk: number;
}
const quiet: Swing = { day: 0.1, hour: 0.15, minute: 0.2, slot: 0.3 };
const works: readonly Work[] = [
  { swing: quiet, cpu: [0.02, 0.08], network: 30e3, disk: 60e3 },
  { swing: { day: 0.45, hour: 0.65, minute: 0.25, slot: 0.3 }, cpu: [0.35, 0.9], network: 6e6, disk: 3e6 },
  { swing: { day: 0.05, hour: 0.1, minute: 0.15, slot: 0.25 }, cpu: [0.2, 0.6], network: 2e6, disk: 2e6 },
  { swing: { day: 0.15, hour: 0.3, minute: 0.75, slot: 0.6 }, cpu: [0.5, 0.95], network: 12e6, disk: 15e6 },
];
const controlDomain: Work = {
  swing: { day: 0.2, hour: 0.3, minute: 0.3, slot: 0.35 },
  cpu: [0.05, 0.12],
  network: 80e3,
  disk: 200e3,
};

export interface Load {
  readonly work: Work;
  /** A wave of this VM; the same name is the same wave. */
  wave(name: string): Wave;
  /** A number of this VM between two. */
  between(name: string, least: number, most: number): number;
}

export function loadOf(uuid: string, isControlDomain: boolean): Load {
  const seed = seedOf(uuid);
  const work =
    (isControlDomain ? undefined : works[Math.floor(chance(seed, 1) * works.length)]) ?? controlDomain;
  const shiftHours = Math.round((chance(seed, 2) - 0.5) * 6);
  const waves = new Map<string, Wave>();
  const wave = (name: string): Wave => {
    const kept = waves.get(name) ?? { seed: seedOf(uuid, name), swing: work.swing, shiftHours };
    waves.set(name, kept);
    return kept;
  };
  return {
    work,
    wave,
    between: (name, least, most) => least + chance(seedOf(uuid, name), 3) * (most - least),
  };
}

/** How a repository answers: its latency and the length of its queue are felt by every disk on it. */
export interface Storage {
  readonly latencyMicros: Figure;
  readonly queue: Figure;
}
export function storageOf(uuid: string): Storage {
  const swing = { day: 0.2, hour: 0.35, minute: 0.3, slot: 0.4 };
  const wave = (name: string): Wave => ({ seed: seedOf(uuid, name), swing, shiftHours: 0 });
  const base = 120 + 300 * chance(seedOf(uuid), 1);
  return {
    latencyMicros: { terms: [{ weight: base }, times(4 * base, wave('latency'))] },
    queue: { terms: [times(2, wave('queue'))] },
  };
}

const ownSwing: Swing = { day: 0.1, hour: 0.2, minute: 0.25, slot: 0.3 };
/** A wave of a host's own. */
export const hostWave = (uuid: string, name: string): Wave => ({
  seed: seedOf(uuid, name),
  swing: ownSwing,
  shiftHours: 0,
});
