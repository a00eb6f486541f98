import { X509Certificate } from 'node:crypto';
import { Signer } from './self-signed';

const serial = '00112233-4455-4677-8899-aabbccddeeff';
const names = ['host-1.example', '127.3.64.1', '::1', 'fd00::12:0:1', '::ffff:10.0.0.1', 'host-1.example'];

test('a certificate says whose it is, for which names and addresses and for how long, and is signed by its own key', async () => {
  const signer = await Signer.fresh();
  const now = new Date('2026-12-01T10:20:30.400Z');
  const x509 = new X509Certificate(await signer.certificate({ name: 'höst', names, now, serial }));
  expect(x509.subject).toBe('CN=höst');
  expect(x509.subjectAltName).toBe(
    'DNS:host-1.example, IP Address:127.3.64.1, IP Address:0:0:0:0:0:0:0:1, IP Address:FD00:0:0:0:0:12:0:1, IP Address:0:0:0:0:0:FFFF:A00:1',
  );
  for (const address of ['127.3.64.1', '::1', 'fd00::12:0:1']) expect(x509.checkIP(address)).toBe(address);
  expect(x509.checkHost('host-1.example')).toBe('host-1.example');
  expect([new Date(x509.validFrom).toISOString(), new Date(x509.validTo).toISOString()]).toEqual([
    '2026-12-01T10:20:30.000Z',
    '2036-11-28T10:20:30.000Z',
  ]);
  expect(x509.serialNumber).toBe('40112233445546778899AABBCCDDEEFF');
  expect(x509.verify(x509.publicKey)).toBe(true);
  expect(x509.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
});

test('one that ends after 2049 says so, and another of the same key goes with it', async () => {
  const signer = await Signer.fresh();
  const late = new X509Certificate(
    await new Signer(signer.pem).certificate({
      name: 'a',
      names: ['a'],
      now: new Date('2045-01-01T00:00:00Z'),
      serial,
    }),
  );
  expect(new Date(late.validTo).getUTCFullYear()).toBe(2054);
  const early = new X509Certificate(
    await signer.certificate({
      name: 'b',
      names: Array.from({ length: 60 }, (_, i) => `name-${i}.example`),
      now: new Date(),
      serial,
    }),
  );
  expect(late.verify(early.publicKey)).toBe(true);
  expect(early.checkHost('name-59.example')).toBe('name-59.example');
});
