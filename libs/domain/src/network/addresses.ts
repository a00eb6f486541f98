/** The forms of addresses: what is one and what is none. */
/** Only the form counts: a multicast address is accepted too. */
const mac = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
export const isMac = (text: string): boolean => mac.test(text);

const octet = (part: string): boolean => /^\d{1,3}$/.test(part) && Number(part) <= 255;
export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every(octet);
}

/** Eight groups, or fewer around one `::`; the last two may be written as an IPv4 address. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1) ?? '';
  const embedded = isIpv4(last);
  const plain = embedded ? groups.slice(0, -1) : groups;
  const count = plain.length + (embedded ? 2 : 0);
  return (
    plain.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) && (halves.length === 2 ? count < 8 : count === 8)
  );
}

export type Family = 'ipv4' | 'ipv6';
export const isAddress = (family: Family, text: string): boolean =>
  family === 'ipv4' ? isIpv4(text) : isIpv6(text);

/** An address and the length of its network's prefix. */
export function isCidr(family: Family, text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/');
  return (
    more.length === 0 &&
    isAddress(family, address) &&
    /^\d{1,3}$/.test(length) &&
    Number(length) <= (family === 'ipv4' ? 32 : 128)
  );
}

export const bitsOfAddress = (address: string): number =>
  address.split('.').reduce((bits, part) => bits * 256 + Number(part), 0);
export const addressOfBits = (bits: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');

/** Ones, then zeros. */
export function isNetmask(text: string): boolean {
  if (!isIpv4(text)) return false;
  const zeros = 2 ** 32 - bitsOfAddress(text);
  return zeros > 0 && Number.isInteger(Math.log2(zeros));
}

/** The first address of a range that nobody has. */
export function freeAddress(begin: string, end: string, taken: ReadonlySet<string>): string | undefined {
  for (let bits = bitsOfAddress(begin); bits <= bitsOfAddress(end); bits += 1)
    if (!taken.has(addressOfBits(bits))) return addressOfBits(bits);
  return undefined;
}

/** The lease of a simulated DHCP server for a card: an address that follows from the card's own. */
export function leasedAddress(card: string): {
  readonly IP: string;
  readonly netmask: string;
  readonly gateway: string;
  readonly DNS: string;
} {
  const [a = 0, b = 0, c = 0] = card
    .split(':')
    .slice(3)
    .map((part) => parseInt(part, 16));
  return {
    IP: `10.${a}.${b}.${Math.min(254, Math.max(2, c))}`,
    netmask: '255.0.0.0',
    gateway: '10.0.0.1',
    DNS: '10.0.0.1',
  };
}
