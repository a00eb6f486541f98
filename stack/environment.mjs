// The environment of each program. libs/config alone reads it.
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { isFree, keptPort } from './ports.mjs';
import { makeFolder, readState, writeState } from './state.mjs';

const secret = (bytes = 24) => randomBytes(bytes).toString('base64url');

/** Made once and kept, readable by us only; a password given is kept as well, so that the next start knows it. */
export function keptSecrets(folder, password) {
  const file = path.join(folder, 'secrets.json');
  const kept = readState(file);
  const secrets = {
    rootPassword: password ?? kept.rootPassword ?? secret(12),
    imagesSecret: kept.imagesSecret ?? secret(),
    joinKey: kept.joinKey ?? secret(),
    sealingKey: kept.sealingKey ?? secret(),
  };
  writeState(file, secrets, 0o600);
  return secrets;
}

/** The seed of data folders that were made before seeds were kept. */
const earlierSeed = 1;
const largestSeed = 999_999_999;

/**
 * Identifiers follow from the seed, those of the pool and its hosts too, and two pools must not share one: so it is fresh
 * unless given, and stays with the folder.
 */
export function keptSeed(folder, given) {
  const file = path.join(folder, 'seed.json');
  const kept = readState(file).seed;
  if (kept !== undefined && given !== undefined && given !== kept) {
    throw new Error(
      `${folder} was made with --seed ${kept}, and its identifiers cannot be changed; leave --seed out, or choose another --data folder`,
    );
  }
  const isOld = existsSync(path.join(folder, 'secrets.json'));
  const seed = kept ?? given ?? (isOld ? earlierSeed : randomInt(1, largestSeed + 1));
  if (kept === undefined) writeState(file, { seed });
  return seed;
}

export async function keptPorts(folder, { port, tlsPort, nbdPort }) {
  const file = path.join(folder, 'ports.json');
  const images = await keptPort(file, 'images');
  const agent = await keptPort(file, 'agent');
  const leases = await keptPort(file, 'leases');
  const usual = ![port, tlsPort].includes(wellKnownNbd) && (await isFree(wellKnownNbd));
  return { images, agent, leases, nbd: nbdPort ?? (usual ? wellKnownNbd : await keptPort(file, 'nbd')) };
}
/** VDI.get_nbd_info returns the port with each disk, so that a second control plane on the machine may use another. */
const wellKnownNbd = 10_809;

const everyone = ['XENPLANE_LISTEN', 'XENPLANE_LOG_LEVEL'];
const stores = ['DATABASE_URL', 'REDIS_URL'];

/** Each program is given the variables that it reads and no others: an agent must not hold the stores' credentials. */
export const variablesOf = {
  images: [...everyone, 'XENPLANE_IMAGES_PORT', 'XENPLANE_IMAGES_SECRET', 'XENPLANE_DATA'],
  leases: [...everyone, 'DATABASE_URL', 'XENPLANE_LEASES_PORT'],
  api: [
    ...everyone,
    ...stores,
    'XENPLANE_PORT',
    'XENPLANE_TLS_PORT',
    'XENPLANE_NBD_PORT',
    'XENPLANE_BODIES_MB',
    'XENPLANE_HALF_OPEN',
    'XENPLANE_METRICS',
    'XENPLANE_URL',
    'XENPLANE_LEASES_URL',
    'XENPLANE_HOST_NAMES',
    'XENPLANE_PRIVILEGED_PORTS',
    'XENPLANE_SOCKET',
    'XENPLANE_DATA',
    'XENPLANE_ROOT_PASSWORD',
    'XENPLANE_REFUSED_LOGIN_MS',
    'XENPLANE_TRUSTED_PROXIES',
    'XENPLANE_LEASE_MS',
    'XENPLANE_CALLS_AT_ONCE',
    'XENPLANE_CALLS_WAITING',
    'XENPLANE_SEED',
    'XENPLANE_VMS',
    'XENPLANE_HOSTS',
    'XENPLANE_IMAGES_URL',
    'XENPLANE_IMAGES_SECRET',
    'XENPLANE_JOIN_KEY',
    'XENPLANE_SEALING_KEY',
  ],
  scheduler: [
    ...everyone,
    ...stores,
    'XENPLANE_IMAGES_URL',
    'XENPLANE_IMAGES_SECRET',
    'XENPLANE_SEALING_KEY',
  ],
  agent: [
    ...everyone,
    'XENPLANE_AGENT_PORT',
    'XENPLANE_AGENT_URL',
    'XENPLANE_HOSTS',
    'XENPLANE_SEED',
    'XENPLANE_SPEED',
    'XENPLANE_HOSTS_WITHOUT_IOMMU',
    'XENPLANE_API_URL',
    'XENPLANE_IMAGES_URL',
    'XENPLANE_JOIN_KEY',
    'XENPLANE_DATA',
  ],
};

/** Variables that an operator may set for the programs; where nothing is set, their own defaults count. */
const passedOn = [
  'XENPLANE_BODIES_MB',
  'XENPLANE_HALF_OPEN',
  'XENPLANE_METRICS',
  'XENPLANE_TRUSTED_PROXIES',
  'XENPLANE_LEASE_MS',
  'XENPLANE_CALLS_AT_ONCE',
  'XENPLANE_CALLS_WAITING',
  'XENPLANE_HOSTS_WITHOUT_IOMMU',
];

function allValues({ flags, secrets, ports, services }) {
  return {
    ...Object.fromEntries(passedOn.map((name) => [name, process.env[name] ?? ''])),
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    XENPLANE_LISTEN: '127.0.0.1',
    XENPLANE_LOG_LEVEL: process.env.XENPLANE_LOG_LEVEL ?? (flags.quiet ? 'warn' : 'info'),
    XENPLANE_PORT: flags.port,
    XENPLANE_TLS_PORT: flags.tlsPort,
    XENPLANE_NBD_PORT: ports.nbd || '',
    XENPLANE_URL: process.env.XENPLANE_URL ?? '',
    XENPLANE_LEASES_PORT: ports.leases,
    XENPLANE_LEASES_URL: `http://127.0.0.1:${ports.leases}`,
    XENPLANE_HOST_NAMES: process.env.XENPLANE_HOST_NAMES ?? '',
    XENPLANE_PRIVILEGED_PORTS: flags.privilegedPorts,
    XENPLANE_ROOT_PASSWORD: secrets.rootPassword,
    XENPLANE_REFUSED_LOGIN_MS: process.env.XENPLANE_REFUSED_LOGIN_MS ?? 5000,
    XENPLANE_SEED: flags.seed,
    XENPLANE_VMS: flags.vms,
    XENPLANE_HOSTS: flags.hosts,
    XENPLANE_SPEED: flags.speed,
    XENPLANE_API_URL: `http://127.0.0.1:${flags.port}`,
    XENPLANE_IMAGES_URL: `http://127.0.0.1:${ports.images}`,
    XENPLANE_IMAGES_PORT: ports.images,
    XENPLANE_IMAGES_SECRET: secrets.imagesSecret,
    XENPLANE_JOIN_KEY: secrets.joinKey,
    XENPLANE_SEALING_KEY: secrets.sealingKey,
    XENPLANE_AGENT_PORT: ports.agent,
    XENPLANE_AGENT_URL: `http://127.0.0.1:${ports.agent}`,
  };
}

const longestSocket = 100; // bytes of a path that every system takes
/** None where the folder lies too deep for one. */
function socketIn(folder) {
  const file = path.join(folder, 'xapi.socket');
  return Buffer.byteLength(file) > longestSocket ? '' : file;
}

/** Two heaps of the C library are enough for one event loop; eight a core keep freed blocks of streams for ever. */
const memory = { MALLOC_ARENA_MAX: '2' };

const ours = /^(XENPLANE_.*|DATABASE_URL|REDIS_URL)$/;

/** Variables of the user's shell that have our names by accident reach no program. */
export function programEnvironment({ folder, ...sources }) {
  const rest = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  return (name) => {
    const own = makeFolder(path.join(folder, name), 0o700);
    const values = { ...allValues(sources), XENPLANE_DATA: own, XENPLANE_SOCKET: socketIn(own) };
    const told = variablesOf[name].map((variable) => [variable, String(values[variable])]);
    return { ...memory, ...rest, NODE_ENV: 'production', ...Object.fromEntries(told) };
  };
}
