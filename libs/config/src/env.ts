/** The only reader of the environment: each process asks for its settings once, at its start, and refuses to start on a bad one. */
import 'reflect-metadata';
import { plainToInstance, Transform } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  validateSync,
  type ValidationOptions,
} from 'class-validator';
import { isIP } from 'node:net';

/** Every variable that any process of Xenplane reads, with what it is for. */
export const variables = {
  DATABASE_URL: 'Postgres, postgres://user:password@host:port/database',
  REDIS_URL: 'Redis, redis://host:port',
  XENPLANE_LISTEN: 'Address to listen on; loopback unless told otherwise',
  XENPLANE_PORT: 'API: port for plain HTTP',
  XENPLANE_TLS_PORT: 'API: port for TLS, 0 for none',
  XENPLANE_NBD_PORT: 'API: port for NBD, 0 for any that is free; none unless given',
  XENPLANE_HOST_NAMES:
    'API: names under which clients reach hosts, such as host-{n}.xen.example, with the port of TLS behind a colon when it is not 443; loopback addresses unless given',
  XENPLANE_PRIVILEGED_PORTS: 'API: true binds ports 80 and 443 at the addresses of hosts too',
  XENPLANE_SOCKET:
    'API: path of a unix socket where the user of this process is root without a password; empty for none',
  XENPLANE_BODIES_MB:
    'API: most memory, in MiB, for calls whose sender is not known yet; a single address has half of it',
  XENPLANE_HALF_OPEN:
    'API: most connections that have not sent a request yet; a single address has half of them',
  XENPLANE_METRICS:
    'API: who may read /metrics: login (every role), or loopback, which also lets connections of this machine in without one',
  XENPLANE_URL: 'API: how other control planes reach this one, when that is not its own address and port',
  XENPLANE_DATA: 'Folder for what this process keeps on disk',
  XENPLANE_ROOT_PASSWORD: 'API: the password of root; changes it when it differs',
  XENPLANE_REFUSED_LOGIN_MS: 'API: how long a wrong password waits for its answer',
  XENPLANE_TRUSTED_PROXIES:
    'API: addresses and networks, with commas between, of proxies whose X-Forwarded-For is believed',
  XENPLANE_LEASE_MS:
    'API: how long, in milliseconds, hosts run their VMs without hearing from the control plane; a lost host is fenced about so long after',
  XENPLANE_CALLS_AT_ONCE: 'API: how many calls that change something are at work at a time',
  XENPLANE_CALLS_WAITING: 'API: how many calls wait for their turn; what comes beyond is TOO_BUSY',
  XENPLANE_SEED: 'Seed of ids, names and times of what is simulated',
  XENPLANE_VMS: 'API: how many halted VMs to make besides the templates',
  XENPLANE_HOSTS: 'Agent: how many hosts this process simulates; API: how many to expect before it is ready',
  XENPLANE_HOSTS_WITHOUT_IOMMU:
    'Agent: numbers, with commas between, of simulated hosts that cannot pass PCI devices through to VMs',
  XENPLANE_SPEED: 'Agent: factor on simulated time, 0 for no waiting',
  XENPLANE_API_URL: 'Agent: any API replica, several with commas between them, or the proxy before them',
  XENPLANE_LEASES_PORT: 'Leases: port where agents renew the leases of their hosts',
  XENPLANE_LEASES_URL:
    'API: how agents reach the program that renews leases; without one the API alone renews them',
  XENPLANE_AGENT_URL: 'Agent: how the control plane reaches it, when that is not its own address and port',
  XENPLANE_AGENT_PORT: 'Agent: port for commands',
  XENPLANE_IMAGES_URL: 'Where the image server is',
  XENPLANE_IMAGES_PORT: 'Image server: its port',
  XENPLANE_IMAGES_SECRET:
    'Shared by image server, API and scheduler: the right to add and delete images and disk contents',
  XENPLANE_JOIN_KEY:
    'Shared by API and agents: from it follows the one-time secret with which each host joins',
  XENPLANE_SEALING_KEY:
    'Shared by API and scheduler: seals the passwords that the database keeps, such as that of a directory',
  XENPLANE_LOG_LEVEL: 'fatal, error, warn, info, debug or trace',
} as const;
export type Variable = keyof typeof variables;
type Environment = Readonly<Record<string, string | undefined>>;

const number = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && value.trim() !== '' ? Number(value) : value,
  );
const list = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? value.split(',').map((one) => one.trim()) : value,
  );
function isNetwork(value: unknown): boolean {
  const [address = '', bits, ...more] = String(value).split('/');
  const longest = isIP(address) === 6 ? 128 : 32;
  return (
    isIP(address) !== 0 &&
    more.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest))
  );
}
/** An address, or a network as `10.0.0.0/8`. */
const IsNetwork = (options: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isNetwork',
      validator: { validate: isNetwork, defaultMessage: () => 'each must be an address or a network' },
    },
    options,
  );
const port = 65_535;

class Common {
  @IsString() XENPLANE_LISTEN = '127.0.0.1';
  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace']) XENPLANE_LOG_LEVEL = 'info';
}
class LeasesVariables extends Common {
  @Matches(/^postgres(ql)?:\/\//) DATABASE_URL = '';
  @number() @IsInt() @Min(0) @Max(port) XENPLANE_LEASES_PORT = 8083;
}
class Services extends Common {
  @Matches(/^postgres(ql)?:\/\//) DATABASE_URL = '';
  @Matches(/^rediss?:\/\//) REDIS_URL = '';
}
class SchedulerVariables extends Services {
  @IsOptional() @MinLength(16) XENPLANE_SEALING_KEY?: string;
  @IsUrl({ require_tld: false }) XENPLANE_IMAGES_URL = 'http://127.0.0.1:8081';
  @IsOptional() @MinLength(8) XENPLANE_IMAGES_SECRET?: string;
}
class ApiVariables extends SchedulerVariables {
  @number() @IsInt() @Min(0) @Max(port) XENPLANE_PORT = 8080;
  @number() @IsInt() @Min(0) @Max(port) XENPLANE_TLS_PORT = 0;
  @IsOptional() @number() @IsInt() @Min(0) @Max(port) XENPLANE_NBD_PORT?: number;
  @IsOptional() @IsUrl({ require_tld: false }) XENPLANE_URL?: string;
  @IsOptional() @IsUrl({ require_tld: false }) XENPLANE_LEASES_URL?: string;
  @IsOptional()
  @Matches(/^(?=[^:]{1,253}(:|$))[a-z0-9{}.-]*\{n\}[a-z0-9{}.-]*(:\d{1,5})?$/)
  XENPLANE_HOST_NAMES?: string;
  @IsIn(['true', 'false']) XENPLANE_PRIVILEGED_PORTS = 'false';
  // The longest path that every system takes for a socket.
  @IsOptional() @MaxLength(100) XENPLANE_SOCKET?: string;
  @number() @IsInt() @Min(4) @Max(65_536) XENPLANE_BODIES_MB = 64;
  @number() @IsInt() @Min(2) @Max(1_000_000) XENPLANE_HALF_OPEN = 2_000;
  @IsIn(['login', 'loopback']) XENPLANE_METRICS: 'login' | 'loopback' = 'login';
  @IsString() XENPLANE_DATA = '.xenplane/api';
  @IsOptional() @MinLength(1) XENPLANE_ROOT_PASSWORD?: string;
  @number() @IsInt() @Min(0) @Max(60_000) XENPLANE_REFUSED_LOGIN_MS = 5_000;
  @list() @IsNetwork({ each: true }) XENPLANE_TRUSTED_PROXIES: string[] = [];
  @number() @IsInt() @Min(1_000) @Max(600_000) XENPLANE_LEASE_MS = 10_000;
  @number() @IsInt() @Min(1) @Max(1000) XENPLANE_CALLS_AT_ONCE = 16;
  @number() @IsInt() @Min(0) @Max(100_000) XENPLANE_CALLS_WAITING = 4000;
  @number() @IsInt() XENPLANE_SEED = 1;
  @number() @IsInt() @Min(0) @Max(1_000_000) XENPLANE_VMS = 0;
  @number() @IsInt() @Min(0) @Max(100_000) XENPLANE_HOSTS = 0;
  @IsOptional() @MinLength(16) XENPLANE_JOIN_KEY?: string;
}
class AgentVariables extends Common {
  @number() @IsInt() @Min(0) @Max(port) XENPLANE_AGENT_PORT = 0;
  @IsOptional() @IsUrl({ require_tld: false }) XENPLANE_AGENT_URL?: string;
  @number() @IsInt() @Min(1) @Max(10_000) XENPLANE_HOSTS = 1;
  @number() @IsInt() XENPLANE_SEED = 1;
  @list() @Matches(/^[1-9]\d{0,4}$/, { each: true }) XENPLANE_HOSTS_WITHOUT_IOMMU: string[] = [];
  @number() @IsNumber() @Min(0) XENPLANE_SPEED = 1;
  @Matches(/^https?:\/\/[^,\s]+(,\s*https?:\/\/[^,\s]+)*$/) XENPLANE_API_URL = 'http://127.0.0.1:8080';
  @IsUrl({ require_tld: false }) XENPLANE_IMAGES_URL = 'http://127.0.0.1:8081';
  @MinLength(16) XENPLANE_JOIN_KEY = '';
  @IsString() XENPLANE_DATA = '.xenplane/agent';
}
class ImagesVariables extends Common {
  @number() @IsInt() @Min(0) @Max(port) XENPLANE_IMAGES_PORT = 8081;
  @IsString() XENPLANE_DATA = '.xenplane/images';
  @MinLength(8) XENPLANE_IMAGES_SECRET = '';
}

/** A variable that is missing or makes no sense; the message names each. */
export class BadEnvironment extends Error {
  constructor(problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((p) => `  ${p}`).join('\n')}`);
    this.name = 'BadEnvironment';
  }
}

function read<T extends object>(shape: new () => T, environment: Environment): T {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => name in variables && value !== ''),
  );
  const settings = plainToInstance(shape, given, { exposeDefaultValues: true });
  const problems = validateSync(settings).flatMap((e) =>
    Object.values(e.constraints ?? {}).map(
      (text) => `${e.property}: ${text} (${variables[e.property as Variable]})`,
    ),
  );
  if (problems.length > 0) throw new BadEnvironment(problems);
  return settings;
}

const common = (v: Common) => ({ listen: v.XENPLANE_LISTEN, logLevel: v.XENPLANE_LOG_LEVEL });

export function apiSettings(environment: Environment = process.env) {
  const v = read(ApiVariables, environment);
  return {
    ...common(v),
    databaseUrl: v.DATABASE_URL,
    redisUrl: v.REDIS_URL,
    port: v.XENPLANE_PORT,
    tlsPort: v.XENPLANE_TLS_PORT,
    nbdPort: v.XENPLANE_NBD_PORT,
    url: v.XENPLANE_URL,
    leasesUrl: v.XENPLANE_LEASES_URL,
    hostNames: v.XENPLANE_HOST_NAMES,
    privilegedPorts: v.XENPLANE_PRIVILEGED_PORTS === 'true',
    socket: v.XENPLANE_SOCKET,
    data: v.XENPLANE_DATA,
    rootPassword: v.XENPLANE_ROOT_PASSWORD,
    bodyMebibytes: v.XENPLANE_BODIES_MB,
    halfOpen: v.XENPLANE_HALF_OPEN,
    metrics: v.XENPLANE_METRICS,
    trustedProxies: v.XENPLANE_TRUSTED_PROXIES,
    leaseMs: v.XENPLANE_LEASE_MS,
    callsAtOnce: v.XENPLANE_CALLS_AT_ONCE,
    callsWaiting: v.XENPLANE_CALLS_WAITING,
    wrongPasswordMs: v.XENPLANE_REFUSED_LOGIN_MS,
    seed: v.XENPLANE_SEED,
    vms: v.XENPLANE_VMS,
    hosts: v.XENPLANE_HOSTS,
    imagesUrl: v.XENPLANE_IMAGES_URL,
    imagesSecret: v.XENPLANE_IMAGES_SECRET,
    sealingKey: v.XENPLANE_SEALING_KEY,
    joinKey: v.XENPLANE_JOIN_KEY,
  };
}
export type ApiSettings = ReturnType<typeof apiSettings>;

export function schedulerSettings(environment: Environment = process.env) {
  const v = read(SchedulerVariables, environment);
  return {
    ...common(v),
    databaseUrl: v.DATABASE_URL,
    redisUrl: v.REDIS_URL,
    imagesUrl: v.XENPLANE_IMAGES_URL,
    imagesSecret: v.XENPLANE_IMAGES_SECRET,
    sealingKey: v.XENPLANE_SEALING_KEY,
  };
}
export type SchedulerSettings = ReturnType<typeof schedulerSettings>;

export function agentSettings(environment: Environment = process.env) {
  const v = read(AgentVariables, environment);
  return {
    ...common(v),
    port: v.XENPLANE_AGENT_PORT,
    url: v.XENPLANE_AGENT_URL,
    hosts: v.XENPLANE_HOSTS,
    seed: v.XENPLANE_SEED,
    withoutIommu: new Set(v.XENPLANE_HOSTS_WITHOUT_IOMMU.map(Number)),
    speed: v.XENPLANE_SPEED,
    apiUrl: v.XENPLANE_API_URL,
    imagesUrl: v.XENPLANE_IMAGES_URL,
    joinKey: v.XENPLANE_JOIN_KEY,
    data: v.XENPLANE_DATA,
  };
}
export type AgentSettings = ReturnType<typeof agentSettings>;

export function imagesSettings(environment: Environment = process.env) {
  const v = read(ImagesVariables, environment);
  return {
    ...common(v),
    port: v.XENPLANE_IMAGES_PORT,
    data: v.XENPLANE_DATA,
    secret: v.XENPLANE_IMAGES_SECRET,
  };
}
export type ImagesSettings = ReturnType<typeof imagesSettings>;

export function leasesSettings(environment: Environment = process.env) {
  const v = read(LeasesVariables, environment);
  return { ...common(v), databaseUrl: v.DATABASE_URL, port: v.XENPLANE_LEASES_PORT };
}
export type LeasesSettings = ReturnType<typeof leasesSettings>;

/** Settings of the `xe` command from the environment. */
export function cliEnvironment(environment: Environment = process.env) {
  return { extraArgs: environment['XE_EXTRA_ARGS'] ?? '', home: environment['HOME'] ?? '' };
}
/** Databases for tests: given by `npm test`. */
export function testServices(environment: Environment = process.env) {
  const v = read(Services, environment);
  return { databaseUrl: v.DATABASE_URL, redisUrl: v.REDIS_URL };
}
