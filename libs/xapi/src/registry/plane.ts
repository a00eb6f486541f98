/** Opens what a process of the control plane needs: the database, migrated; the doorbell; in the API the replica. */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulated, usualLeaseMs } from '@xenplane/hypervisor';
import { makeLog } from '@xenplane/process';
import { Doorbell } from '@xenplane/work';
import { migrate, Replica, Store } from '@xenplane/store';
import { encodeJson } from '@xenplane/wire';
import type { Addressing } from '../core/addressing';
import { Agents } from '../core/agents';
import { atEntrance, type Entrance } from '../core/console-location';
import type { Clock, Ids, Plane } from '../core/context';
import { derivations } from '../api/computed-fields';
import { FailedLoginCounter } from '../core/failed-logins';
import { HostsByAddress } from '../core/hosts-by-address';

export interface PlaneOptions {
  readonly name: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly logLevel: string;
  /** True if this process answers reads. */
  readonly replica: boolean;
  readonly addressing?: () => Addressing | undefined;
  /** Where consoles are reached; undefined as long as that is not known. */
  readonly entrance?: () => Entrance | undefined;
  readonly joinKey?: string | undefined;
  readonly url?: () => string;
  readonly leasesUrl?: string | undefined;
  readonly nbdPort?: () => number | undefined;
  readonly imagesUrl?: string;
  readonly imagesSecret?: string | undefined;
  readonly sealingKey?: string | undefined;
  readonly wrongPasswordMs?: number;
  readonly callsAtOnce?: number;
  readonly callsWaiting?: number;
  readonly leaseMs?: number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  wait: async (ms, signal) => {
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  },
};
const randomIds: Ids = { uuid: () => randomUUID() };

/** Two databases on one Redis must not hear one another's rings. */
export const queuePrefix = (databaseUrl: string): string =>
  `xenplane-${createHash('sha256').update(new URL(databaseUrl).pathname).digest('hex').slice(0, 12)}`;

export async function openPlane(options: PlaneOptions): Promise<Plane & { close(): Promise<void> }> {
  const store = await Store.connect({ url: options.databaseUrl });
  await migrate(store);
  const replica = await Replica.start(store, {
    derivations: { ...derivations, console: atEntrance(options.entrance) },
    encode: (cls, record) => encodeJson({ kind: 'record', cls }, record),
    idle: !options.replica,
  });
  const doorbell = new Doorbell(options.redisUrl, queuePrefix(options.databaseUrl));
  const plane: Plane = {
    store,
    replica,
    doorbell,
    clock: systemClock,
    ids: randomIds,
    log: makeLog(options.name, options.logLevel),
    failedLogins: new FailedLoginCounter(),
    addresses: new HostsByAddress(replica),
    metrics: simulated.metrics,
    agents: new Agents(store, systemClock),
    settings: {
      url: options.url ?? (() => ''),
      leasesUrl: options.leasesUrl,
      nbdPort: options.nbdPort ?? (() => undefined),
      addressing: () => options.addressing?.() ?? { kind: 'own', own: '127.0.0.1' },
      joinKey: options.joinKey,
      imagesUrl: options.imagesUrl ?? '',
      imagesSecret: options.imagesSecret,
      sealingKey: options.sealingKey,
      callsAtOnce: options.callsAtOnce ?? 16,
      callsWaiting: options.callsWaiting ?? 4_000,
      wrongPasswordMs: options.wrongPasswordMs ?? 5_000,
      leaseMs: options.leaseMs ?? usualLeaseMs,
    },
  };
  const close = async (): Promise<void> => {
    await replica.stop();
    await doorbell.close();
    await store.close();
  };
  return Object.assign(plane, { close });
}
