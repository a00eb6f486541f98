/** Every bound of the ways in, in one place. What an operator may have to change is a setting; the rest follows from what clients do. */
import type { BodyLimits } from '@xenplane/http';

/** One set of limits for all ways in. Uploads and waits for events take as long as they take, a client's idle connection is kept for minutes, but a head must come within ten seconds: 408. */
export const httpLimits = {
  requestTimeout: 0,
  keepAliveTimeout: 600_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 1000,
  requireHostHeader: false,
};
/** As a head has: to agree on the encryption. */
export const handshakeMs = 10_000;

/** Of a call, whoever sends it. */
export const mostCallBytes = 8 * 2 ** 20;
/** Of a command line of `xe`. */
export const mostCommandBytes = 200 * 1024;

const mebi = 2 ** 20;
/**
 * Calls carry their session within. One of more than 1 MiB is read only when a session that is good stands in its first 4 KiB;
 * all others together take the memory that is set, a single address half of it, and the largest gives way. After ten seconds a body must come at 16 KiB/s.
 * Five hundred clients of one address with calls of 32 KiB are far from all of these.
 */
export const bodyLimits = (allMebibytes: number): BodyLimits => ({
  // A password of 1 MiB is refused as one, and not for its length here.
  strangerBytes: mebi + 65_536,
  addressBytes: (allMebibytes * mebi) / 2,
  allBytes: allMebibytes * mebi,
  graceMs: 10_000,
  leastBytesPerSecond: 16_384,
});
