/** Security identifiers of Windows: as directories keep them, and as people write them. */

const most = 15;

/** `S-1-5-21-...`; undefined for bytes that are none. */
export function sidText(bytes: Buffer): string | undefined {
  const count = bytes[1] ?? 0;
  if (bytes[0] !== 1 || count > most || bytes.length !== 8 + 4 * count) return undefined;
  const parts = Array.from({ length: count }, (_, i) => bytes.readUInt32LE(8 + 4 * i));
  return ['S-1', bytes.readUIntBE(2, 6), ...parts].join('-');
}

export function sidBytes(text: string): Buffer | undefined {
  const numbers = /^S-1-(\d{1,15})((?:-\d{1,10}){1,15})$/.exec(text);
  if (!numbers) return undefined;
  const authority = Number(numbers[1]),
    parts = (numbers[2] ?? '').slice(1).split('-').map(Number);
  if (authority >= 2 ** 48 || parts.some((p) => p >= 2 ** 32)) return undefined;
  const bytes = Buffer.alloc(8 + 4 * parts.length);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt8(parts.length, 1);
  bytes.writeUIntBE(authority, 2, 6);
  parts.forEach((part, i) => bytes.writeUInt32LE(part, 8 + 4 * i));
  return bytes;
}

/** The number of an account within its domain. */
export const relativeId = (sid: string): number => Number(sid.slice(sid.lastIndexOf('-') + 1));
export const inSameDomain = (sid: string, relative: string): string =>
  `${sid.slice(0, sid.lastIndexOf('-'))}-${relative}`;
