/** Data sources of a VM, a host or a storage: listed, recorded, queried, forgotten. */
import { required, type Arguments } from '../arguments';
import { measured, thousandths, type Cell } from '../objects';
import { cellsOf } from '../printer';
import type { Command } from '../row';
import { selectHosts, selectStorages, selectVms } from '../select';
import type { Surroundings } from '../surroundings';

const selections = { vm: selectVms, host: selectHosts, sr: selectStorages };
interface Source {
  readonly name_label: string;
  readonly name_description: string;
  readonly enabled: boolean;
  readonly standard: boolean;
  readonly min: number;
  readonly max: number;
  readonly units: string;
}
/** JSON knows no infinity: the largest number stands for it. */
const unbounded = (n: number): number => (Math.abs(n) === Number.MAX_VALUE ? n * 2 : n);
const cells = (s: Source): Cell[] =>
  cellsOf({
    name_label: s.name_label,
    name_description: s.name_description,
    enabled: String(s.enabled),
    standard: String(s.standard),
    min: thousandths(unbounded(s.min)),
    max: thousandths(unbounded(s.max)),
    units: s.units,
  });

export function dataSources(cli: 'vm' | 'host' | 'sr', cls: string): Readonly<Record<string, Command>> {
  const one = async (args: Arguments, around: Surroundings): Promise<string> =>
    (await selections[cli](args, around, ['data-source'], true))[0] ?? '';
  const list: Command = async (args, around) => {
    const sources = await around.objects.api.call<Source[]>(
      `${cls}.get_data_sources`,
      await one(args, around),
    );
    around.printer.table(sources.map(cells));
  };
  const on =
    (call: string): Command =>
    async (args, around) =>
      void (await around.objects.api.call(
        `${cls}.${call}`,
        await one(args, around),
        required(args, 'data-source'),
      ));
  const query: Command = async (args, around) => {
    const value = await measured(
      around.objects.api,
      cls,
      await one(args, around),
      required(args, 'data-source'),
    );
    around.printer.list([Number.isNaN(value) ? 'nan' : value.toFixed(6)]);
  };
  return {
    [`${cli}-data-source-list`]: list,
    [`${cli}-data-source-record`]: on('record_data_source'),
    [`${cli}-data-source-query`]: query,
    [`${cli}-data-source-forget`]: on('forget_data_source_archives'),
  };
}
