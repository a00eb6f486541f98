/** The objects that the host of a pool takes along into another: VMs at rest with their snapshots, templates of its own, the disks of its local storage. */
import { XenError, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { isDemoTemplate } from '../images/demo-templates';
import { assertCanLeave } from '../migration/within-pool/disk-migration';

/** Plain values: the journal of an operation keeps them. */
export interface JoiningObjects {
  readonly vms: readonly Ref<'VM'>[];
  /** Of no VM that goes along. */
  readonly disks: readonly Ref<'VDI'>[];
  /** The repositories in which its disks lie. */
  readonly srs: readonly Ref<'SR'>[];
}

/** Templates that stand on an image stay with the image server, and those that every pool gets stay where they are. */
const vmsThatGo = `SELECT v.ref FROM vm v WHERE NOT v.is_control_domain AND NOT v.is_a_snapshot AND NOT v.is_default_template
  AND NOT (v.is_a_template AND (${isDemoTemplate('v.ref')}
    OR EXISTS (SELECT 1 FROM vbd b JOIN vdi d ON d.ref = b."VDI" JOIN sr s ON s.ref = d."SR" WHERE b."VM" = v.ref AND s.type = 'image')))`;
const withSnapshots = `WITH going AS (${vmsThatGo}), whole AS (SELECT ref FROM vm WHERE ref IN (SELECT ref FROM going) OR snapshot_of IN (SELECT ref FROM going))`;
const local = 'SELECT s.ref FROM sr s JOIN pbd p ON p."SR" = s.ref WHERE NOT s.shared';

async function refsOf<N extends 'VM' | 'VDI' | 'SR'>(tx: Tx, sql: string): Promise<Ref<N>[]> {
  return (await tx.query<{ ref: Ref<N> }>(`${sql} ORDER BY ref`, [])).map((row) => row.ref);
}
const disksOfVms = `${withSnapshots} SELECT DISTINCT d.ref FROM vdi d JOIN vbd b ON b."VDI" = d.ref JOIN whole w ON w.ref = b."VM" WHERE b.type = 'Disk'`;
const disksApart = `${withSnapshots} SELECT d.ref FROM vdi d WHERE d.managed AND d."SR" IN (${local})
  AND NOT EXISTS (SELECT 1 FROM vbd b JOIN whole w ON w.ref = b."VM" WHERE b."VDI" = d.ref)
  AND NOT EXISTS (SELECT 1 FROM vbd b JOIN vm v ON v.ref = b."VM" WHERE b."VDI" = d.ref AND v.is_a_template AND ${isDemoTemplate('v.ref')})`;

/** Throws for the first disk that cannot be copied. */
export async function joiningObjectsOf(tx: Tx): Promise<JoiningObjects> {
  const [vms, ofVms, disks] = [
    await refsOf<'VM'>(tx, vmsThatGo),
    await refsOf<'VDI'>(tx, disksOfVms),
    await refsOf<'VDI'>(tx, disksApart),
  ];
  const rows = await tx.getMany('VDI', [...ofVms, ...disks]);
  for (const vdi of rows) await assertCanLeave(tx, vdi);
  return { vms, disks, srs: [...new Set(rows.map((vdi) => vdi.SR))] };
}

/** Objects made while the rest was on its way would be lost. */
export async function assertNothingElse(tx: Tx, copied: JoiningObjects): Promise<void> {
  const now = await joiningObjectsOf(tx);
  const late =
    now.vms.some((vm) => !copied.vms.includes(vm)) || now.disks.some((disk) => !copied.disks.includes(disk));
  if (late) throw new XenError('OPERATION_NOT_ALLOWED', 'A VM or a disk was made while the pool was joined');
}
