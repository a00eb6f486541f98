// The flags of `npm start --`.
import { parseArgs } from 'node:util';

const whole = (low, high) => ({
  hint: 'N',
  read: (text) =>
    /^\d{1,9}$/.test(text) && Number(text) >= low && Number(text) <= high ? Number(text) : undefined,
  wants: `a whole number from ${low} to ${high}`,
});
const factor = {
  hint: 'N',
  read: (text) => (/^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined),
  wants: 'a number, 0 or more',
};
const words = { hint: 'TEXT', read: (text) => text || undefined, wants: 'a value' };
const yes = { wants: 'no value' };

const known = {
  hosts: { ...whole(1, 10_000), otherwise: 4, says: 'simulated hosts' },
  vms: {
    ...whole(0, 1_000_000),
    otherwise: 0,
    says: 'halted VMs cloned from templates besides the defaults',
  },
  seed: {
    ...whole(0, 999_999_999),
    says: 'of all identifiers (otherwise a fresh one, kept in the data folder)',
  },
  port: { ...whole(1, 65_535), otherwise: 8080, says: 'plain HTTP, on 127.0.0.1' },
  'tls-port': { ...whole(0, 65_535), otherwise: 8443, says: 'TLS; 0 turns it off' },
  'nbd-port': { ...whole(0, 65_535), says: 'NBD; 0 turns it off (10809, or a free one where that is taken)' },
  'privileged-ports': {
    ...yes,
    otherwise: false,
    says: 'bind 80 and 443 at the addresses of hosts too, for clients that know no others',
  },
  password: { ...words, says: 'of the user root (otherwise made once and kept in the data folder)' },
  data: { ...words, otherwise: '.xenplane', says: 'folder of all that is kept' },
  speed: { ...factor, otherwise: 1, says: 'factor on simulated time; 0 waits for nothing' },
  quiet: { ...yes, otherwise: false, says: 'print warnings and errors only' },
};

export class WrongFlag extends Error {}

export function usage() {
  const lines = Object.entries(known).map(([name, { hint = '', otherwise, says }]) => {
    const normal = otherwise === undefined || otherwise === false ? '' : ` (${otherwise})`;
    return `  --${`${name} ${hint}`.padEnd(18)} ${says}${normal}`;
  });
  return ['Known flags (npm start -- FLAGS):', ...lines].join('\n');
}

/** The value of one flag; one that begins with -- counts only behind `=`: `--password --quiet` is a forgotten password. */
function valueOf({ name, value, inlineValue }) {
  const flag = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!flag) throw new WrongFlag(`unknown flag --${name}`);
  if (!flag.read) {
    if (value !== undefined) throw new WrongFlag(`--${name} takes no value`);
    return true;
  }
  const text = !inlineValue && value?.startsWith('--') ? undefined : value;
  const read = text === undefined ? undefined : flag.read(text);
  if (read === undefined)
    throw new WrongFlag(`--${name} wants ${flag.wants}${text === undefined ? '' : `, not '${text}'`}`);
  return read;
}

function refuseSame(ports) {
  for (const [at, [name, port]] of ports.entries()) {
    const other = ports.slice(at + 1).find(([, taken]) => port !== undefined && taken === port);
    if (other) throw new WrongFlag(`--${name} and --${other[0]} are the same`);
  }
}

/** Values by camelCase name; throws WrongFlag. */
export function readFlags(args) {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { read }]) => [name, { type: read ? 'string' : 'boolean' }]),
  );
  // Not `strict`: the words of its refusals are those of Node.
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const given = {};
  for (const token of tokens) {
    if (token.kind !== 'option' || !token.rawName.startsWith('--'))
      throw new WrongFlag(`'${args[token.index]}' is not a flag`);
    given[token.name] = valueOf(token);
  }
  const entries = Object.keys(known).map((name) => [name, given[name] ?? known[name].otherwise]);
  const values = Object.fromEntries(
    entries.map(([name, value]) => [name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()), value]),
  );
  const ports = ['port', 'tls-port', 'nbd-port'].filter((name) => given[name] !== 0);
  refuseSame(ports.map((name) => [name, given[name] ?? known[name].otherwise]));
  return values;
}
