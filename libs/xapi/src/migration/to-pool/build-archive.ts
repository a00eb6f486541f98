/** The archive that describes a VM to another pool: the contents of its disks are there before it, its memory comes with it. */
import { classNamed, nullRef, zeroOf, type ClassName } from '@xenplane/model';
import type { SavedImage } from '@xenplane/hypervisor';
import { reading, type Tx } from '@xenplane/store';
import { writeOva, type OvaObject } from '@xenplane/wire';
import { seededMac } from '../../core/seeded';
import type { Plane } from '../../core/context';
import { memoryDiskBytes } from '../../vm/suspend-disk';
import { writeArchive, type NamedDisk } from '../../transfer/archive';
import { exportRecords, type Exported } from '../../transfer/export-records';
import { versionBy } from '../../transfer/export-version';
import { memoryOf, readMemory } from '../../transfer/memory';
import { relatedRecords } from './related-records';
import type { RemoteSide } from './remote-choices';
import type { MigrationPlan } from './migration-plan';

export interface Guest {
  /** The saved memory of a running VM. */
  readonly saved: SavedImage | undefined;
  /** Operations that are blocked there as long as the VM may still go on here. */
  readonly blocked: Readonly<Record<string, string>>;
}
interface Facts {
  readonly exported: Exported;
  readonly vm: { readonly uuid: string; readonly memoryBytes: number };
  /** Networks of the other pool, by the interface's uuid. */
  readonly networks: ReadonlyMap<string, string>;
  readonly version: ReturnType<typeof versionBy>;
}

export async function buildArchive(
  plane: Plane,
  migration: MigrationPlan,
  remoteSide: RemoteSide,
  guest: Guest,
): Promise<Buffer> {
  const facts = await reading(plane.store, (tx) => factsOf(plane, tx, migration));
  const memories = memoriesOf(plane, facts.exported);
  const objects = facts.exported.objects.flatMap((object) =>
    addressed(object, facts, { migration, remoteSide, guest }),
  );
  if (guest.saved) {
    const { saved } = guest;
    const virtual_size = facts.vm.memoryBytes;
    objects.push({
      class: 'VDI',
      id: ownMemory,
      snapshot: { ...blank('VDI'), type: 'suspend', virtual_size },
    });
    memories.push({ id: ownMemory, open: async () => memoryOf(saved, virtual_size) });
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of writeArchive(
    writeOva(facts.version, objects),
    memories.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  ))
    pieces.push(piece);
  return Buffer.concat(pieces);
}
const ownMemory = 'Ref:memory';

async function factsOf(
  { clock }: Plane,
  tx: Tx,
  { vm: ref, snapshots, copy, nics }: MigrationPlan,
): Promise<Facts> {
  const database = await relatedRecords(tx, [ref, ...snapshots]);
  const vm = await tx.get('VM', ref);
  const vifs = await tx.getMany('VIF', Object.keys(nics));
  const [host] = await tx.query<Parameters<typeof versionBy>[0] & Record<string, unknown>>(
    'SELECT hostname, software_version, "API_version_major", "API_version_minor" FROM host LIMIT 1',
  );
  return {
    exported: exportRecords(database, [ref], { preservePowerState: true, snapshots: !copy }),
    vm: { uuid: vm.uuid, memoryBytes: memoryDiskBytes(vm) },
    networks: new Map(vifs.map((vif) => [vif.uuid, nics[vif.ref] ?? ''])),
    version: versionBy(host, clock.now()),
  };
}

/** Of the VM when it is suspended, and of its checkpoints. */
const memoriesOf = (plane: Plane, { objects, disks }: Exported): NamedDisk[] =>
  disks.flatMap(({ id, memoryOf: owner }) => {
    const size = Number(objects.find((o) => o.id === id)?.snapshot['virtual_size'] ?? 0);
    return owner ? [{ id, open: () => readMemory(plane, owner, size) }] : [];
  });

interface Way {
  readonly migration: MigrationPlan;
  readonly remoteSide: RemoteSide;
  readonly guest: Guest;
}

/** An object as the other pool is to take it; an interface brings the network along that it is to be on. */
function addressed(
  object: OvaObject,
  { vm, networks }: Facts,
  { migration, remoteSide, guest }: Way,
): OvaObject[] {
  const { class: cls, id, snapshot } = object;
  if (cls === 'network') return [];
  if (cls === 'VM' && snapshot['uuid'] === vm.uuid)
    return [{ ...object, snapshot: { ...snapshot, ...identity(snapshot, migration, guest) } }];
  if (cls !== 'VIF') return [object];
  const network = remoteSide.networks[networks.get(String(snapshot['uuid'])) ?? ''];
  const named = {
    ...blank('network'),
    ...network,
    VIFs: [],
    PIFs: [],
    blobs: {},
    current_operations: {},
    allowed_operations: [],
    assigned_ips: {},
  };
  const MAC = migration.copy ? seededMac(migration.uuid, String(snapshot['device'])) : snapshot['MAC'];
  return [
    { class: 'network', id: `network of ${id}`, snapshot: named },
    { ...object, snapshot: { ...snapshot, MAC, network: `network of ${id}` } },
  ];
}

function identity(
  snapshot: OvaObject['snapshot'],
  { uuid, copy }: MigrationPlan,
  { saved, blocked }: Guest,
): Record<string, unknown> {
  const other_config = {
    ...(snapshot['other_config'] as Record<string, string>),
    ...(copy ? { mac_seed: uuid } : {}),
  };
  const blocked_operations = { ...(snapshot['blocked_operations'] as Record<string, string>), ...blocked };
  return {
    uuid,
    other_config,
    blocked_operations,
    ...(saved ? { power_state: 'Suspended', suspend_VDI: ownMemory } : {}),
  };
}

/** A whole record of which nothing is known. */
const blank = (cls: ClassName): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(classNamed(cls).fields).map(([name, { type }]) => [
      name,
      type.kind === 'ref' ? nullRef<ClassName>() : zeroOf(type),
    ]),
  );
