/** Runs operations and reconcilers. Any number of schedulers share the work; each may die at any moment. */
import { randomUUID } from 'node:crypto';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { SchedulerSettings } from '@xenplane/config';
import { OperationWorker, serve, Sweeper } from '@xenplane/work';
import {
  abandonedTransfers,
  closeSsh,
  collectLayers,
  copyDatabase,
  describeError,
  endSessionsOfMember,
  errorOf,
  foldLayers,
  followPlan,
  followSnapshotSchedules,
  HostsLiveness,
  housekeep,
  isDatabaseOutage,
  openPlane,
  operationsOf,
  PostgresOperations,
  queuePrefix,
  restartProtected,
  revalidateSessions,
  updateHostMemory,
  alertGroups,
  warnOfCertificates,
  type Plane,
  type RunningProcess,
} from '@xenplane/xapi';
import { every } from './timers';

/** How many operations one process runs at once; most of that time they wait for agents. */
const concurrency = 128;

@Module({})
class SchedulerModule {
  static of(plane: Plane): DynamicModule {
    return { module: SchedulerModule, providers: [{ provide: 'plane', useValue: plane }] };
  }
}

export async function startScheduler(settings: SchedulerSettings): Promise<RunningProcess> {
  const plane = await openPlane({ ...settings, name: 'scheduler', replica: false });
  const app = await NestFactory.createApplicationContext(SchedulerModule.of(plane), {
    logger: false,
    abortOnError: false,
  });
  const store = new PostgresOperations(plane);
  const worker = new OperationWorker({
    owner: randomUUID(),
    store,
    operations: operationsOf(plane),
    describe: describeError,
    isOutage: isDatabaseOutage,
    describeLast: (error) => errorOf(error).description,
    onError: (ref, error) => plane.log.warn({ ref, error }, 'operation not finished'),
  });
  worker.start();
  const serving = serve(settings.redisUrl, queuePrefix(settings.databaseUrl), concurrency, (ref) =>
    worker.run(ref),
  );
  const timers = reconcilers(plane, store);
  return {
    stop: async () => {
      timers.forEach((stop) => stop());
      await serving.close();
      await worker.stop();
      await app.close();
      await plane.close();
    },
  };
}

function reconcilers(plane: Plane, store: PostgresOperations): (() => void)[] {
  const now = (): number => plane.clock.monotonic();
  const sweeper = new Sweeper({ store, ring: (rings) => plane.doorbell.ring(rings), now });
  const transfers = new Sweeper({ store: abandonedTransfers(plane), ring: async () => undefined, now });
  const liveness = new HostsLiveness(plane);
  const failed = (name: string) => (error: unknown) => plane.log.warn({ name, error }, 'reconciler failed');
  return [
    every(2_000, () => sweeper.sweep(), failed('operations')),
    every(2_000, () => transfers.sweep(), failed('transfers')),
    every(500, () => liveness.reconcile(), failed('hosts')),
    every(5_000, () => updateHostMemory(plane), failed('host metrics')),
    every(2_000, () => endSessionsOfMember(plane), failed('sessions of a slave')),
    every(5_000, () => closeSsh(plane), failed('ssh')),
    every(10_000, () => collectLayers(plane), failed('layers')),
    every(10_000, () => foldLayers(plane), failed('layer folds')),
    every(2_000, () => copyDatabase(plane), failed('database copies')),
    every(60_000, () => revalidateSessions(plane), failed('sessions of the directory')),
    every(60_000, () => housekeep(plane), failed('housekeeping')),
    every(10_000, () => followSnapshotSchedules(plane), failed('snapshot schedules')),
    every(2_000, () => restartProtected(plane), failed('protected VMs')),
    every(10_000, () => followPlan(plane), failed('failover plan')),
    every(10_000, () => alertGroups(plane), failed('VM groups')),
    every(3_600_000, () => warnOfCertificates(plane), failed('certificates')),
  ];
}
