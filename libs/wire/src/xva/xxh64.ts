/** XXH64 with seed 0, the checksum of blocks in exports and of frames of zstd. Compiled once, when it is first wanted. */
import xxhash, { type XXHash, type XXHashAPI } from 'xxhash-wasm';

let made: Promise<XXHashAPI> | undefined;
const loaded = (): Promise<XXHashAPI> => (made ??= xxhash());

/** As 16 capital hexadecimal digits. */
export const xxh64 = async (bytes: Uint8Array): Promise<string> =>
  (await loaded()).h64Raw(bytes).toString(16).toUpperCase().padStart(16, '0');

/** Of bytes that come one after the other. */
export const startXxh64 = async (): Promise<XXHash<bigint>> => (await loaded()).create64();
