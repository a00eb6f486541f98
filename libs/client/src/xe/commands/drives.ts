/** The drives of a VM. */
import type { Shown } from '../objects';
import type { Surroundings } from '../surroundings';

export async function drivesOf({ objects }: Surroundings, vm: string, type: 'CD' | 'Disk'): Promise<Shown[]> {
  const refs = await objects.api.call<string[]>('VM.get_VBDs', vm);
  const all = await Promise.all(
    refs.map(async (ref) => ({ ref, record: (await objects.one('VBD', ref)) ?? {} })),
  );
  return all
    .filter(({ record }) => record['type'] === type)
    .sort((a, b) => Number(a.record['userdevice']) - Number(b.record['userdevice']));
}
