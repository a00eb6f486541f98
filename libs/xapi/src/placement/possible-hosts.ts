/** Questions about hosts for one VM, answered without a change: where it could start, and whether it could be on a certain host. */
import { placeIn, platform, type PlacementSnapshot } from '@xenplane/domain';
import { asRef, type Ref } from '@xenplane/model';
import type { Replica, Tx } from '@xenplane/store';
import type { Context } from '../core/context';
import { devicesOf } from './guests';
import { assertPossible, refusalOf, unknownPci, type PlacementRequest } from './placement';
import { snapshotFromReplica, storedOf } from './snapshot-from-replica';
import { snapshotWith } from './snapshot-from-tx';

/** A replica that has all that was committed before the question, by any process. */
export async function freshReplica({ plane }: Pick<Context, 'plane'>): Promise<Replica> {
  await plane.replica.fresh();
  return plane.replica;
}

/** Where the VM could start now, best first. One that runs is looked at as if it were to start. */
export async function possibleHosts(context: Pick<Context, 'plane'>, vm: Ref<'VM'>): Promise<Ref<'host'>[]> {
  const view = await freshReplica(context);
  if (platform.refuseBasics(storedOf(view, 'VM', vm))) return [];
  const { ranked } = placeIn(await snapshotFromReplica(view, [vm], 'start'), vm);
  return ranked.map(({ host }) => asRef<'host'>(host.ref));
}

export async function assertCanBootHere(
  context: Pick<Context, 'plane'>,
  vm: Ref<'VM'>,
  host: Ref<'host'>,
): Promise<void> {
  const view = await freshReplica(context);
  const record = storedOf(view, 'VM', vm);
  storedOf(view, 'host', host);
  assertFits(await snapshotFromReplica(view, [vm], 'start'), host, { vm, record });
}

/** A VM that runs must be able to go on, on the host as it is at this moment, with these devices. */
export async function assertCanMove(
  tx: Tx,
  host: Ref<'host'>,
  { vm, record, attached }: Pick<PlacementRequest, 'vm' | 'record' | 'attached'>,
): Promise<void> {
  await tx.get('host', host);
  const guest = { vm, record, devices: devicesOf(attached) };
  assertFits(await snapshotWith(tx, guest, 'move'), host, { vm, record });
}

function assertFits(
  snapshot: PlacementSnapshot,
  host: Ref<'host'>,
  { vm, record }: Pick<PlacementRequest, 'vm' | 'record'>,
): void {
  assertPossible(record);
  const { hosts, guests } = snapshot;
  const placement = placeIn(snapshot, vm, host),
    guest = guests.get(vm);
  if (placement.ranked.length === 0)
    throw (guest && unknownPci(record, guest, hosts)) ?? refusalOf(placement, host);
}
