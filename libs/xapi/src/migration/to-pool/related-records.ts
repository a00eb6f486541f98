/** A VM and all that can be reached from it, as exports read it. */
import { asRef, isNullRef, type ClassName, type Ref, type StoredRecord } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import type { Entry } from '../../recovery/dump';
import { ForeignDatabase } from '../../recovery/foreign-database';

type OfVm = 'VBD' | 'VIF' | 'VGPU' | 'VTPM';

export async function relatedRecords(tx: Tx, vms: readonly Ref<'VM'>[]): Promise<ForeignDatabase> {
  const found: Entry[] = [];
  const add = <N extends ClassName>(cls: N, rows: readonly Row<N>[]): readonly Row<N>[] => {
    for (const { ref, ...record } of rows) found.push({ cls, ref, record: record as Entry['record'] });
    return rows;
  };
  const named = async <N extends ClassName>(cls: N, refs: readonly Ref<N>[]): Promise<readonly Row<N>[]> =>
    add(cls, await tx.getMany(cls, [...new Set(refs)].filter((ref) => !isNullRef(ref)).toSorted()));
  const devices = async <N extends OfVm>(cls: N): Promise<readonly Row<N>[]> => {
    const rows: Row<N>[] = [];
    for (const VM of vms) rows.push(...(await tx.find(cls, { VM } as Partial<StoredRecord<N>>)));
    return add(cls, rows);
  };
  const machines = await named('VM', vms);
  const vbds = await devices('VBD'),
    vifs = await devices('VIF'),
    vgpus = await devices('VGPU');
  await devices('VTPM');
  const disks = await named('VDI', [...vbds.map((b) => b.VDI), ...machines.map((m) => m.suspend_VDI)]);
  await named(
    'SR',
    disks.map((d) => d.SR),
  );
  await named(
    'network',
    vifs.map((v) => v.network),
  );
  await named(
    'VGPU_type',
    vgpus.map((g) => g.type),
  );
  await named(
    'GPU_group',
    vgpus.map((g) => g.GPU_group),
  );
  await named(
    'VM_metrics',
    machines.map((m) => asRef<'VM_metrics'>(m.metrics)),
  );
  await named(
    'VM_guest_metrics',
    machines.map((m) => asRef<'VM_guest_metrics'>(m.guest_metrics)),
  );
  return new ForeignDatabase(found);
}
