// The passwords of our own Postgres and Redis: made once, kept beside their folders for us only.
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { readState, writeState } from './state.mjs';

const secret = () => randomBytes(24).toString('base64url');

/** `secured('postgres')` remembers that the server has taken its password. */
export function keptPasswords(parent) {
  const file = path.join(parent, 'secrets.json');
  const kept = readState(file);
  const secrets = {
    postgres: { superuser: secret(), programs: secret(), secured: false, ...kept.postgres },
    redis: { password: secret(), ...kept.redis },
  };
  const keep = () => writeState(file, secrets, 0o600);
  keep();
  const secured = (name) => {
    if (secrets[name].secured) return;
    secrets[name].secured = true;
    keep();
  };
  return { ...secrets, secured };
}
