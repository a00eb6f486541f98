/** Certificates that sign themselves: RSA, as several clients speak only ECDHE-RSA. Written out by hand, since a pool makes one for each host when it joins. */
import { createPrivateKey, createPublicKey, generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';

const tenYearsMs = 10 * 365 * 24 * 3600 * 1000;
const lineLength = 64;

/** A value of DER: its tag, its length, its contents. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(body.length.toString(16).padStart(body.length < 256 ? 2 : 4, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 128 + length.length]), length, body]);
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const sha256WithRsa = sequence(oid('2a864886f70d01010b'), der(0x05));
const version3 = der(0xa0, der(0x02, Buffer.from([2])));
const commonName = (name: string): Buffer =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));

/** Two digits of the year until 2049, four from then on. */
function time(at: Date): Buffer {
  const text = `${at.toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  return at.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

/** 4 or 16 bytes. */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address
    .split('::')
    .map((half) => half.split(':').filter(Boolean).flatMap(groupBytes).join(''));
  return Buffer.from(tail === undefined ? head : head + tail.padStart(32 - head.length, '0'), 'hex');
}
const groupBytes = (group: string): string =>
  group.includes('.') ? addressBytes(group).toString('hex') : group.padStart(4, '0');

function alternativeNames(names: readonly string[]): Buffer {
  const general = [...new Set(names)].map((name) =>
    isIP(name) ? der(0x87, addressBytes(name)) : der(0x82, Buffer.from(name, 'latin1')),
  );
  return der(0xa3, sequence(sequence(oid('551d11'), der(0x04, sequence(...general)))));
}

/** In the thread pool: many are made at once. */
const signed = (bytes: Buffer, key: KeyObject): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    sign('sha256', bytes, key, (error, signature) => (error ? reject(error) : resolve(signature))),
  );

/** Makes certificates with one key. */
export class Signer {
  private readonly key: KeyObject;
  private readonly publicKey: Buffer;
  constructor(readonly pem: string) {
    this.key = createPrivateKey(pem);
    this.publicKey = createPublicKey(this.key).export({ type: 'spki', format: 'der' });
  }
  static async fresh(): Promise<Signer> {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    return new Signer(String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  }

  /** Good for ten years, for these names and addresses; `serial` is a UUID. */
  async certificate({
    name,
    names,
    now,
    serial,
  }: {
    name: string;
    names: readonly string[];
    now: Date;
    serial: string;
  }): Promise<string> {
    // A positive number that begins with no zero.
    const number = der(0x02, Buffer.from(`4${serial.replaceAll('-', '').slice(1)}`, 'hex'));
    const validity = sequence(time(now), time(new Date(now.getTime() + tenYearsMs)));
    const subject = commonName(name);
    const body = sequence(
      version3,
      number,
      sha256WithRsa,
      subject,
      validity,
      subject,
      this.publicKey,
      alternativeNames(names),
    );
    const whole = sequence(body, sha256WithRsa, der(0x03, Buffer.from([0]), await signed(body, this.key)));
    const lines = whole.toString('base64').match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  }
}
