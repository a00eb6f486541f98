/** Passwords: scrypt off the event loop, at most two at once, equal time for unknown users. */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { ConcurrencyLimit } from '../core/concurrency-limit';

const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 };
const keyBytes = 32;
export const longestPassword = 1024;

const derive = (password: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(Buffer.from(password, 'utf8'), salt, keyBytes, cost, (error, key) =>
      error ? reject(error) : resolve(key),
    ),
  );

/** A flood of logins must not take every thread that file reads need too. */
const gate = new ConcurrencyLimit(2);

/** `scrypt$salt$key`, both in base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await gate.through(() => derive(password, salt));
  return `scrypt$${salt.toString('base64')}$${key.toString('base64')}`;
}

const nobody = `scrypt$${Buffer.alloc(16).toString('base64')}$${Buffer.alloc(keyBytes).toString('base64')}`;
const processKey = randomBytes(32);
/** Of passwords that were right a moment ago, so that a tool that logs in for every call pays scrypt once. */
const known = new Map<string, string>();
const knownLimit = 1000;

const sealOf = (password: string): string => createHmac('sha256', processKey).update(password).digest('hex');
/** Costs next to nothing, and is never true of a wrong password. */
export const wasRight = (password: string, hash: string): boolean => known.get(hash) === sealOf(password);

const asked = new Map<string, Promise<boolean>>();
/** The same question asked by many at once is answered once: a tool that logs in two hundred times waits as one. */
export function askedOnce(password: string, hash: string, find: () => Promise<boolean>): Promise<boolean> {
  const question = `${hash} ${sealOf(password)}`;
  const answer = asked.get(question) ?? find().finally(() => asked.delete(question));
  asked.set(question, answer);
  return answer;
}

/** True if the password matches the hash; an absent hash takes as long as a wrong password. */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  if (Buffer.byteLength(password) > longestPassword) return false;
  if (hash && wasRight(password, hash)) return true;
  const [, salt = '', key = ''] = (hash ?? nobody).split('$');
  const derived = await gate.through(() => derive(password, Buffer.from(salt, 'base64')));
  const right = timingSafeEqual(derived, Buffer.from(key, 'base64')) && hash !== undefined;
  if (right && hash) {
    if (known.size >= knownLimit) known.clear();
    known.set(hash, sealOf(password));
  }
  return right;
}
