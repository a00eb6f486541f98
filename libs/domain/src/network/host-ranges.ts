/** Loopback addresses for simulated hosts: each control plane on a machine has a range of its own. */
import { addressOfBits, bitsOfAddress } from './addresses';

/** Addresses in a range. */
const size = 2 ** 14;
export const netmask = '255.255.192.0';
/** 127.1.0.0 to 127.254.255.255: systems use what is below and above for other things. */
const lowest = bitsOfAddress('127.1.0.0');
export const count = (254 * 2 ** 16) / size;

/** The first address of a range, which names it. */
export const rangeAt = (number: number): string => addressOfBits(lowest + (number % count) * size);
const rangeOf = (address: string): number => Math.floor(bitsOfAddress(address) / size) * size;

/** The gateway and name server of hosts: the last address of the range that a host can have. */
export const gatewayOf = (address: string): string => addressOfBits(rangeOf(address) + size - 2);
/** The address of a host by its number, from 1; undefined where the range has no more. */
export const addressIn = (range: string, number: number): string | undefined =>
  number >= 1 && number < size - 2 ? addressOfBits(rangeOf(range) + number) : undefined;

/** True if hosts may have it: an address on this machine alone, and none that the system uses. */
export const isHostAddress = (address: string): boolean =>
  /^127\.(?!0\.|255\.)\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address);
