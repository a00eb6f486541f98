/**
 * The store of a guest's UEFI variables, as `VM.NVRAM` holds it in base64, and the Secure Boot keys in it. Little-endian: a
 * header (`VARS`, version, count, bytes that follow), then each variable's name in UTF-16, value, vendor and attributes, from
 * version 2 on with the time and the signer of its last authenticated write.
 */
export interface EfiVariable {
  readonly name: string;
  readonly value: Uint8Array;
  /** 16 bytes. */
  readonly vendor: Uint8Array;
  readonly attributes: number;
  /** 48 bytes: time and signer; zeros when there is none. */
  readonly origin: Uint8Array;
}
export const keyNames = ['PK', 'KEK', 'db', 'dbx'] as const;
export type KeyName = (typeof keyNames)[number];
export type Keys = Readonly<Partial<Record<KeyName, Uint8Array>>>;

const magic = 'VARS';
const headerBytes = 24;
const vendorBytes = 16;
const originBytes = 48;
const newestVersion = 2;

/** Undefined for bytes that are no such store. */
export function readVariables(store: Uint8Array): EfiVariable[] | undefined {
  try {
    return variablesOf(store);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function variablesOf(store: Uint8Array): EfiVariable[] {
  const view = new DataView(store.buffer, store.byteOffset, store.byteLength);
  const version = view.getUint32(4, true);
  if (String.fromCharCode(...store.subarray(0, 4)) !== magic || version < 1 || version > newestVersion)
    throw new RangeError('no store of variables');
  let at = headerBytes;
  const take = (bytes: number): Uint8Array => {
    if (at + bytes > store.byteLength) throw new RangeError('the store ends early');
    at += bytes;
    return store.slice(at - bytes, at);
  };
  const counted = (): Uint8Array => {
    const bytes = Number(view.getBigUint64(at, true));
    at += 8;
    return take(bytes);
  };
  return Array.from({ length: Number(view.getBigUint64(8, true)) }, () => {
    const name = textOf(counted()),
      value = counted(),
      vendor = take(vendorBytes);
    const attributes = view.getUint32(at, true);
    at += 4;
    return {
      name,
      value,
      vendor,
      attributes,
      origin: version > 1 ? take(originBytes) : new Uint8Array(originBytes),
    };
  });
}

export function writeVariables(variables: readonly EfiVariable[]): Uint8Array {
  const parts = variables.flatMap(({ name, value, vendor, attributes, origin }) => [
    ...counting(bytesOf(name)),
    ...counting(value),
    vendor,
    numbers([4, attributes]),
    origin,
  ]);
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return joined([bytesOf8(magic), numbers([4, newestVersion], [8, variables.length], [8, length]), ...parts]);
}

const globalVendor = new Uint8Array([
  0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
]);
const securityVendor = new Uint8Array([
  0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f,
]);
/** Kept, seen by the boot services and by the system, and written only by whom the time-stamped signature allows. */
const authenticated = 0x27;

export function keysIn(variables: readonly EfiVariable[]): Keys {
  return Object.fromEntries(variables.filter(isKey).map(({ name, value }) => [name, value]));
}
/** The store with these keys in place of the ones that it had. */
export function withKeys(variables: readonly EfiVariable[], keys: Keys): EfiVariable[] {
  const added = keyNames.flatMap((name): EfiVariable[] => {
    const value = keys[name];
    if (!value) return [];
    const vendor = name === 'PK' || name === 'KEK' ? globalVendor : securityVendor;
    return [{ name, value, vendor, attributes: authenticated, origin: new Uint8Array(originBytes) }];
  });
  return [...variables.filter((v) => !isKey(v)), ...added];
}
const isKey = ({ name }: EfiVariable): boolean => keyNames.some((key) => key === name);

/** The contents of an `.auth` file: behind the time and the signature, whose length it gives. */
export function contentOf(auth: Uint8Array): Uint8Array {
  const timeBytes = 16;
  if (auth.byteLength < timeBytes + 4) return auth;
  const signatureBytes = new DataView(auth.buffer, auth.byteOffset, auth.byteLength).getUint32(
    timeBytes,
    true,
  );
  const from = timeBytes + signatureBytes;
  return signatureBytes >= 24 && from <= auth.byteLength ? auth.slice(from) : auth;
}

export const sameKeys = (a: Keys, b: Keys): boolean => keyNames.every((name) => sameBytes(a[name], b[name]));
function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (!a || !b) return a === b;
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}

const textOf = (bytes: Uint8Array): string => {
  const units = Array.from(
    { length: bytes.byteLength >> 1 },
    (_, i) => (bytes[2 * i] ?? 0) | ((bytes[2 * i + 1] ?? 0) << 8),
  );
  return String.fromCharCode(...units).replace(/\0+$/, '');
};
const bytesOf = (text: string): Uint8Array =>
  new Uint8Array([...text].flatMap((c) => [c.charCodeAt(0) & 0xff, c.charCodeAt(0) >> 8]));
const bytesOf8 = (text: string): Uint8Array => new Uint8Array([...text].map((c) => c.charCodeAt(0)));
const counting = (bytes: Uint8Array): Uint8Array[] => [numbers([8, bytes.byteLength]), bytes];
function numbers(...all: readonly (readonly [bytes: 4 | 8, value: number])[]): Uint8Array {
  return joined(
    all.map(([bytes, value]) => {
      const view = new DataView(new ArrayBuffer(bytes));
      if (bytes === 4) view.setUint32(0, value, true);
      else view.setBigUint64(0, BigInt(value), true);
      return new Uint8Array(view.buffer);
    }),
  );
}
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
