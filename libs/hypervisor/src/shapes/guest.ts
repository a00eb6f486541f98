/**
 * How much a guest may say of itself. Keys and values are bounded as in xenstored (quota-maxentity 1000, quota-path-max 1024,
 * quota-maxsize 2048); all of it together is bounded lower than there, since every report writes the record anew and notifies
 * every client that waits for events.
 */
import type { GuestMetrics } from '../protocol';
import { BadShape, isKept, mapOf, shape, type Reader } from './reader';

export const guestQuota = {
  keys: 1000,
  keyCharacters: 1024,
  valueCharacters: 2048,
  allBytes: 131_072,
} as const;

const parts = [
  'osVersion',
  'pvDriversVersion',
  'networks',
  'other',
] as const satisfies readonly (keyof GuestMetrics)[];

/** As it goes over the wire. */
const bytesOf = ([key, text]: readonly [string, string]): number =>
  Buffer.byteLength(JSON.stringify([key, text]));

const part = mapOf(guestQuota);
const unbounded = shape({ osVersion: part, pvDriversVersion: part, networks: part, other: part });

export const guestMetricsReader: Reader<GuestMetrics> = (value) => {
  const read = unbounded(value);
  const entries = parts.flatMap((name) => Object.entries(read[name]));
  if (entries.length > guestQuota.keys) throw new BadShape(`at most ${guestQuota.keys} keys in all`);
  const all = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  if (all > guestQuota.allBytes) throw new BadShape(`at most ${guestQuota.allBytes} bytes in all`);
  return read;
};

/** The part that the agent passes on: entries that do not fit are left out, those of the system and its addresses come first. */
export function withinQuota(guest: GuestMetrics): GuestMetrics {
  let keys = 0,
    bytes = 0;
  const fits = ([key, text]: readonly [string, string]): boolean => {
    if (
      key.length > guestQuota.keyCharacters ||
      text.length > guestQuota.valueCharacters ||
      !isKept(key) ||
      !isKept(text)
    )
      return false;
    if (keys + 1 > guestQuota.keys) return false;
    const size = bytesOf([key, text]);
    if (bytes + size > guestQuota.allBytes) return false;
    keys += 1;
    bytes += size;
    return true;
  };
  const kept = (given: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(given).filter(fits));
  const { osVersion, pvDriversVersion, networks, other } = guest;
  return {
    osVersion: kept(osVersion),
    pvDriversVersion: kept(pvDriversVersion),
    networks: kept(networks),
    other: kept(other),
  };
}
