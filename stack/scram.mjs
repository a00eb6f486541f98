// The client's side of SCRAM-SHA-256 (RFC 5802, 7677), as Postgres asks for it.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const xor = (a, b) => Buffer.from(a.map((byte, i) => byte ^ b[i]));
const attributes = (text) => Object.fromEntries(text.split(',').map((part) => [part[0], part.slice(2)]));

/** Three texts in turn: what opens, what answers the server's challenge, and whether its last word proves that it knows the password too. */
export function scram(password, nonce = randomBytes(18).toString('base64')) {
  const bare = `n=,r=${nonce}`;
  let expected;
  return {
    first: `n,,${bare}`,
    answer(challenge) {
      const { r, s, i } = attributes(challenge);
      if (!r?.startsWith(nonce) || !s || !(Number(i) > 0))
        throw new Error('the server breaks the rules of SCRAM');
      const salted = pbkdf2Sync(
        password.normalize('NFKC'),
        Buffer.from(s, 'base64'),
        Number(i),
        32,
        'sha256',
      );
      const clientKey = hmac(salted, 'Client Key');
      const unproven = `c=biws,r=${r}`;
      const signed = `${bare},${challenge},${unproven}`;
      const storedKey = createHash('sha256').update(clientKey).digest();
      expected = hmac(hmac(salted, 'Server Key'), signed);
      return `${unproven},p=${xor(clientKey, hmac(storedKey, signed)).toString('base64')}`;
    },
    isProven(last) {
      const proof = Buffer.from(attributes(last).v ?? '', 'base64');
      return expected !== undefined && proof.length === expected.length && timingSafeEqual(proof, expected);
    },
  };
}
