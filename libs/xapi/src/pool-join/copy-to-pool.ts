/** A host's VMs and disks come into the pool that it has joined, as copies: until the join is concluded they are here as well, where nothing can run them any more. */
import { asRef, isNullRef, nullRef, XenError, type Ref } from '@xenplane/model';
import { reading, type Row, type Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import type { Plane } from '../core/context';
import { blockedUntilGiven, sendDisks, sendVm, type MigrationTag } from '../migration/to-pool/send';
import {
  removeRemote,
  nameDisks,
  releaseRemote,
  type SentDisk,
  type SendingContext,
} from '../migration/to-pool/remote-records';
import { readRemote, type RemoteSide } from '../migration/to-pool/remote-choices';
import { planMigration, type MigrationPlan, type MigratedDisk } from '../migration/to-pool/migration-plan';
import { revealSecrets } from '../storage/device-secrets';
import type { MigrateSendParams } from '../migration/within-pool/disk-migration';
import type { BusyMark } from '../begin/busy-marks';
import { markBusy, unmarkBusy } from '../begin/busy-marks';
import { RemotePool } from '../pool/remote-pool';
import type { JoiningObjects } from './joining-objects';

/** Plain values: where in the other pool what is here belongs, by reference. */
interface Places {
  readonly host: Ref<'host'>;
  readonly srs: Readonly<Record<string, Ref<'SR'>>>;
  readonly networks: Readonly<Record<string, Ref<'network'>>>;
}
export interface CopiedObjects {
  readonly sending: SendingContext;
  readonly vm: Ref<'VM'>;
}
export interface Destination {
  /** With its scheme. */
  readonly url: string;
  readonly session: string;
  /** The uuid of the host that has joined. */
  readonly host: string;
}

export async function copyToPool(
  plane: Plane,
  run: Run<Tx>,
  to: Destination,
  joiningObjects: JoiningObjects,
): Promise<CopiedObjects[]> {
  if (joiningObjects.vms.length + joiningObjects.disks.length === 0) return [];
  const remote = await RemotePool.at(plane.store, to.url, to.session);
  const places = await run.step('places', () => placesIn(plane, remote, to.host, joiningObjects));
  const dest = { host: places.host, session_id: to.session, master: to.url };
  const whole = joiningObjects.vms.length + 1;
  await copyUnattachedDisks({ plane, run, remote, places, dest, part: 1 / whole }, joiningObjects.disks);
  const copied: CopiedObjects[] = [];
  for (const [i, vm] of joiningObjects.vms.entries())
    copied.push(await copyVm({ plane, run, remote, places, dest, part: (i + 2) / whole }, vm, i));
  return copied;
}

/** From now on they are the other pool's like any other. */
export async function releaseAll(copied: readonly CopiedObjects[]): Promise<void> {
  for (const { sending, vm } of copied) await releaseRemote(sending, vm);
}

interface Copying {
  readonly plane: Plane;
  readonly run: Run<Tx>;
  readonly remote: RemotePool;
  readonly places: Places;
  readonly dest: MigrateSendParams['dest'];
  readonly part: number;
}
const markOf = (run: Run<Tx>, what: string): string => `join ${run.ref.replace('OpaqueRef:', '')} ${what}`;

async function copyVm(
  { plane, run, remote, places, dest, part }: Copying,
  vm: Ref<'VM'>,
  i: number,
): Promise<CopiedObjects> {
  const tag: MigrationTag = ` of VM ${i}`;
  const sent: MigrateSendParams = {
    vm,
    dest,
    live: false,
    options: {},
    ...(await reading(plane.store, (tx) => mapsOf(tx, vm, places))),
  };
  const remoteSide = await run.step(`read remote${tag}`, async () =>
    readRemote(plane.store, sent, (await reading(plane.store, (tx) => tx.get('VM', vm))).uuid),
  );
  const migration = await run.commit(
    `plan${tag}`,
    (tx) => planned(plane, tx, run, { sent, remoteSide }),
    (tx, made) => unmarkBusy(tx, asRef(run.ref), marksOf(made)),
  );
  const sending: SendingContext = { plane, remote, remoteSide, migration, mark: markOf(run, String(i)) };
  const disks: SentDisk[] = [];
  run.undo(`remove remote records${tag}`, () => removeRemote(sending, disks));
  await sendDisks(run, sending, disks, { part, tag });
  return {
    sending,
    vm: await sendVm(run, sending, disks, { saved: undefined, blocked: blockedUntilGiven }, tag),
  };
}

const marksOf = ({ vm, disks }: MigrationPlan): BusyMark[] => [
  { cls: 'VM', ref: vm, op: 'migrate_send' },
  ...disks.map(({ vdi }): BusyMark => ({ cls: 'VDI', ref: vdi, op: 'mirror' })),
];
async function planned(
  plane: Plane,
  tx: Tx,
  run: Run<Tx>,
  { sent, remoteSide }: { sent: MigrateSendParams; remoteSide: RemoteSide },
): Promise<MigrationPlan> {
  const migration = await planMigration(plane, tx, sent, remoteSide);
  await markBusy(tx, asRef(run.ref), marksOf(migration));
  return migration;
}

/** Every disk and interface of the VM and of its snapshots. */
async function mapsOf(
  tx: Tx,
  vm: Ref<'VM'>,
  { srs, networks }: Places,
): Promise<Pick<MigrateSendParams, 'vdi_map' | 'vif_map'>> {
  const vms = [vm, ...(await tx.find('VM', { snapshot_of: vm })).map((snapshot) => snapshot.ref)];
  const vdi_map: Record<string, Ref<'SR'>> = {},
    vif_map: Record<string, Ref<'network'>> = {};
  for (const VM of vms) {
    const vbds = (await tx.find('VBD', { VM })).filter((vbd) => vbd.type !== 'CD' && !isNullRef(vbd.VDI));
    const disks = await tx.getMany(
      'VDI',
      vbds.map((vbd) => vbd.VDI),
    );
    for (const { ref, SR } of disks) vdi_map[ref] = placeOf(srs, SR);
    for (const { ref, network } of await tx.find('VIF', { VM })) vif_map[ref] = placeOf(networks, network);
  }
  return { vdi_map, vif_map };
}
function placeOf<R extends Ref>(places: Readonly<Record<string, R>>, ref: string): R {
  const place = places[ref];
  if (place === undefined) throw new XenError('INTERNAL_ERROR', `${ref} has no place in the other pool`);
  return place;
}

/** Disks that no VM has travel like those of one. */
async function copyUnattachedDisks(
  { plane, run, remote, places, part }: Copying,
  refs: readonly Ref<'VDI'>[],
): Promise<void> {
  if (refs.length === 0) return;
  const rows = await reading(plane.store, (tx) => tx.getMany('VDI', refs));
  const disks = rows.map(({ ref, uuid, SR }): MigratedDisk => ({
    vdi: ref,
    uuid,
    sr: placeOf(places.srs, SR),
  }));
  const migration: MigrationPlan = {
    vm: nullRef(),
    uuid: '',
    copy: false,
    running: false,
    snapshots: [],
    disks,
    nics: {},
    memorySr: '',
    blocked: {},
  };
  const remoteSide: RemoteSide = {
    host: places.host,
    cpu_info: {},
    freeBytes: 0,
    srs: [],
    features: {},
    memorySr: '',
    networks: {},
    present: false,
  };
  const sending: SendingContext = { plane, remote, remoteSide, migration, mark: markOf(run, 'disks') };
  const tag: MigrationTag = ' apart';
  const marks = disks.map(({ vdi }): BusyMark => ({ cls: 'VDI', ref: vdi, op: 'mirror' }));
  await run.commit(
    `plan${tag}`,
    (tx) => markBusy(tx, asRef(run.ref), marks),
    (tx) => unmarkBusy(tx, asRef(run.ref), marks),
  );
  const sent: SentDisk[] = [];
  run.undo(`remove remote records${tag}`, () => removeRemote(sending, sent));
  await sendDisks(run, sending, sent, { part, tag });
  await run.step(`names${tag}`, () => nameDisks(sending, sent));
}

interface RemoteNetwork {
  readonly name_label: string;
  readonly bridge: string;
}
/** Objects that are not there yet are made, and found again by their names. */
async function placesIn(
  plane: Plane,
  remote: RemotePool,
  uuid: string,
  { vms, srs }: JoiningObjects,
): Promise<Places> {
  const host = await remote.call<Ref<'host'>>('host.get_by_uuid', uuid);
  const [rows, nets] = await reading(
    plane.store,
    async (tx) => [await tx.getMany('SR', srs), await networksOf(tx, vms)] as const,
  );
  const known = Object.entries(await remote.call<Record<string, RemoteNetwork>>('network.get_all_records'));
  const networks: Record<string, Ref<'network'>> = {};
  for (const net of nets) {
    const same =
      known.find(([, { name_label }]) => name_label === net.name_label) ??
      known.find(([, { bridge }]) => bridge === net.bridge);
    const { name_label, name_description, other_config, MTU, tags } = net;
    networks[net.ref] = asRef(
      same?.[0] ??
        (await remote.call<string>('network.create', {
          name_label,
          name_description,
          other_config,
          MTU,
          tags,
        })),
    );
  }
  return {
    host,
    srs: Object.fromEntries(
      await Promise.all(
        rows.map(async (sr) => [sr.ref, await storageThere(plane, remote, host, sr)] as const),
      ),
    ),
    networks,
  };
}
const networksOf = async (tx: Tx, vms: readonly Ref<'VM'>[]): Promise<readonly Row<'network'>[]> =>
  tx.getMany(
    'network',
    (
      await tx.query<{ ref: Ref<'network'> }>(
        'SELECT DISTINCT network AS ref FROM vif WHERE "VM" IN (SELECT ref FROM vm WHERE ref = ANY($1) OR snapshot_of = ANY($1)) ORDER BY ref',
        [vms],
      )
    ).map((row) => row.ref),
  );

/** The host has its first repository there by its uuid; another one is made on the same device. */
async function storageThere(
  plane: Plane,
  remote: RemotePool,
  host: Ref<'host'>,
  sr: Row<'SR'>,
): Promise<Ref<'SR'>> {
  const { uuid, name_label, name_description, type, content_type, physical_size } = sr;
  const same = await remote.call<Ref<'SR'>>('SR.get_by_uuid', uuid).catch((error: unknown) => {
    if (error instanceof XenError && error.code === 'UUID_INVALID') return undefined;
    throw error;
  });
  if (same) return same;
  for (const ref of await remote.call<Ref<'SR'>[]>('SR.get_by_name_label', name_label))
    for (const pbd of await remote.call<string[]>('SR.get_PBDs', ref))
      if ((await remote.call<string>('PBD.get_host', pbd)) === host) return ref;
  const config = await reading(plane.store, async (tx) => {
    const [pbd] = await tx.find('PBD', { SR: sr.ref });
    return revealSecrets(tx, pbd?.device_config ?? {});
  });
  return remote.call<Ref<'SR'>>(
    'SR.create',
    host,
    config,
    physical_size,
    name_label,
    name_description,
    type,
    content_type,
    false,
    {},
  );
}
