/** The pool as placement sees it, from a transaction: for what is decided and committed there. */
import { ha, type graphics, type Guest, type PlacementSnapshot } from '@xenplane/domain';
import { nullRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { equipped } from '../graphics/device-assignment';
import {
  guestOf,
  requestedBy,
  reservationsOf,
  type GuestRecord,
  type KnownGuest,
  type Purpose,
  type Surroundings,
} from './guests';
import { hostsNow } from './hosts-view';
import { antiAffinityGroups, countingGroups } from './placement-groups';

type Vm = StoredRecord<'VM'>;
type Kept = Pick<
  Vm,
  'is_a_template' | 'is_control_domain' | 'ha_restart_priority' | 'ha_always_run' | 'power_state'
>;
interface GuestRow extends GuestRecord, Kept {
  readonly ref: string;
  readonly srs: string[];
  readonly unshared: string[];
  readonly networks: string[];
  readonly gpus: graphics.GpuRequest[] | null;
  readonly usbs: string[];
}

const guestsQuery = `SELECT v.ref, v.power_state, v.other_config, v.platform, v."VCPUs_at_startup", v."VCPUs_max", v.affinity, v.groups, v."last_boot_CPU_flags", v.resident_on, v.scheduled_to_be_resident_on,
    v.memory_static_min, v.memory_static_max, v.memory_dynamic_min, v.memory_dynamic_max, v."HVM_shadow_multiplier", v.domain_type, v."HVM_boot_policy",
    v.is_a_template, v.is_control_domain, v.ha_restart_priority, v.ha_always_run,
    ARRAY(SELECT DISTINCT d."SR" FROM vbd b JOIN vdi d ON d.ref = b."VDI" WHERE b."VM" = v.ref AND NOT b.empty AND b.type <> 'Floppy' AND (b.currently_attached OR $2)) AS srs,
    ARRAY(SELECT DISTINCT s.ref FROM vbd b JOIN vdi d ON d.ref = b."VDI" JOIN sr s ON s.ref = d."SR" AND NOT s.shared WHERE b."VM" = v.ref AND NOT b.empty AND b.type <> 'Floppy' AND (b.currently_attached OR $2)) AS unshared,
    ARRAY(SELECT DISTINCT i.network FROM vif i WHERE i."VM" = v.ref AND (i.currently_attached OR $2)) AS networks,
    (SELECT json_agg(json_build_object('vgpu', g.ref, 'group', g."GPU_group", 'type', g.type, 'passthrough', t.implementation = 'passthrough', 'packed', o.allocation_algorithm = 'depth_first') ORDER BY g.device)
     FROM vgpu g JOIN vgpu_type t ON t.ref = g.type JOIN gpu_group o ON o.ref = g."GPU_group" WHERE g."VM" = v.ref) AS gpus,
    ARRAY(SELECT u."USB_group" FROM vusb u WHERE u."VM" = v.ref) AS usbs
  FROM vm v WHERE v.ref = ANY($1)`;

/** These VMs, in one statement; `kept` adds those that may be in the plan of high availability. */
async function guestRows(
  tx: Tx,
  vms: readonly string[],
  as: Purpose,
  kept = false,
): Promise<readonly GuestRow[]> {
  const rows = await tx.query<GuestRow>(
    `${guestsQuery}${kept ? " OR v.ha_restart_priority = 'restart'" : ''} ORDER BY v.ref`,
    [vms, as === 'start'],
  );
  const refOrNull = <N extends string>(ref: Ref<N> | null): Ref<N> => ref ?? nullRef<N>();
  return rows.map((row) => ({
    ...row,
    affinity: refOrNull(row.affinity),
    resident_on: refOrNull(row.resident_on),
    scheduled_to_be_resident_on: refOrNull(row.scheduled_to_be_resident_on),
  }));
}
const knownGuest = (row: GuestRow): KnownGuest => ({
  vm: row.ref,
  record: row,
  devices: {
    srs: row.srs,
    unsharedSrs: row.unshared,
    networks: row.networks,
    gpus: row.gpus ?? [],
    usbGroups: row.usbs,
  },
});

/** These VMs and all hosts. */
export async function snapshotFromTx(
  tx: Tx,
  vms: readonly string[],
  as: Purpose,
): Promise<PlacementSnapshot> {
  const [pool, rows] = await Promise.all([hostsNow(tx), guestRows(tx, vms, as)]);
  return snapshotOf(tx, pool, rows.map(knownGuest), as);
}

/** The VMs that high availability is to keep running, and these besides; or, as a question, these instead. */
export async function haSnapshotFromTx(
  tx: Tx,
  { besides = [], instead }: ha.PlanQuestion = {},
): Promise<PlacementSnapshot> {
  const named = new Set(instead ?? besides);
  const [pool, rows] = await Promise.all([
    hostsNow(tx),
    guestRows(tx, [...named], 'start', instead === undefined),
  ]);
  const planned = rows.filter((row) => named.has(row.ref) || (!instead && ha.isPlanned(row)));
  return snapshotOf(tx, pool, planned.map(knownGuest), 'start');
}

/** One VM with devices that the caller has read or chosen. */
export const snapshotWith = async (tx: Tx, guest: KnownGuest, as: Purpose): Promise<PlacementSnapshot> =>
  snapshotOf(tx, await hostsNow(tx), [guest], as);

/** Reads of the hosts what these guests ask for; for most guests that is nothing. */
async function snapshotOf(
  tx: Tx,
  { hosts, policy }: Pick<PlacementSnapshot, 'hosts' | 'policy'>,
  known: readonly KnownGuest[],
  as: Purpose,
): Promise<PlacementSnapshot> {
  const groups = await antiAffinityGroups(
    tx,
    known.map(({ record }) => record),
  );
  const around: Surroundings = { hosts, antiAffinityGroups: groups };
  const guests = known.map((one) => guestOf(one, as, around));
  const counted = await countingGroups(tx, groups, await equipped(tx, requestedBy(guests), hosts));
  return {
    hosts: counted,
    guests: new Map(guests.map((guest): [string, Guest] => [guest.ref, guest])),
    reservations: known.flatMap(({ vm, record }) => reservationsOf(vm, record)),
    policy,
  };
}
