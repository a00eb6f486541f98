/** How long things take on the simulated machine, in milliseconds of simulated time, spread a little by chance. */
import type { DomainSpec } from '../protocol';

export interface Chance {
  next(): number;
}

/** Repeatable numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): Chance {
  let a = seed | 0;
  return {
    next(): number {
      a = (a + 0x6d2b79f5) | 0;
      let t = Math.imul(a ^ (a >>> 15), 1 | a);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    },
  };
}

const GiB = 2 ** 30;
/** Building a domain: page tables and memory, scrubbed at about 20 GiB/s; a device model costs its start as well. */
export const buildMs = ({ mode, memoryTargetBytes }: DomainSpec): number =>
  150 + (memoryTargetBytes / GiB) * 50 + (mode === 'hvm' ? 250 : 0);
/** From the first instruction to the guest agent's first word. */
export function bootMs({ mode, guestOs }: DomainSpec): number {
  const kernel = mode === 'hvm' ? 9_000 : 6_000;
  return guestOs.startsWith('windows') ? 35_000 : kernel;
}
export const shutdownMs = ({ guestOs }: DomainSpec): number =>
  guestOs.startsWith('windows') ? 12_000 : 4_000;
/** Writing or reading the memory at 1 GiB/s. */
export const saveMs = ({ memoryTargetBytes }: DomainSpec): number => 200 + (memoryTargetBytes / GiB) * 1_000;

/** A domain whose memory will come from elsewhere. */
export const emptyBuildMs = 150;
/** From the power button to a toolstack that answers. */
export const hostBootMs = 90_000;
/** How fast a guest writes to memory that was clean. */
export const dirtyBytesPerSecond = ({ vcpus }: DomainSpec): number => vcpus * 40 * 2 ** 20;

/** Real time for simulated time: `speed` times as fast, nothing at all for 0; a tenth more or less by chance. */
export const realMs = (simulatedMs: number, speed: number, chance: Chance): number =>
  speed === 0 ? 0 : (simulatedMs * (0.9 + 0.2 * chance.next())) / speed;
