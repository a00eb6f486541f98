/** What is measured of a VM, a host or a storage: listed, recorded, asked for, forgotten. */
import { required } from '../arguments';
import { lines, type Cell } from '../objects';
import { onEach, type Command } from '../row';
import { selectHosts, selectStorages, selectVms } from '../select';

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
const cell = (name: string, value: string): Cell => ({ name, access: 'RO', deprecated: false, value });
const cells = (s: Source): Cell[] => [
  cell('name_label', s.name_label),
  cell('name_description', s.name_description),
  cell('enabled', String(s.enabled)),
  cell('standard', String(s.standard)),
  cell('min', s.min.toFixed(6)),
  cell('max', s.max.toFixed(6)),
  cell('units', s.units),
];

export function dataSources(cli: 'vm' | 'host' | 'sr', cls: string): Readonly<Record<string, Command>> {
  const select = selections[cli];
  const list: Command = async (args, around) => {
    const [ref = ''] = await select(args, around, [], true);
    const sources = await around.objects.api.call<Source[]>(`${cls}.get_data_sources`, ref);
    if (around.minimal) return around.terminal.print(sources.map((s) => s.name_label).join(','));
    for (const source of sources) around.terminal.print(`${lines(cells(source))}\n\n`);
  };
  const on =
    (call: string): Command =>
    async (args, around) =>
      onEach(around, cls, await select(args, around, ['data-source'], false), async (ref) => {
        const answer = await around.objects.api.call(`${cls}.${call}`, ref, required(args, 'data-source'));
        if (typeof answer === 'number') around.terminal.print(answer.toFixed(6));
      });
  return {
    [`${cli}-data-source-list`]: list,
    [`${cli}-data-source-record`]: on('record_data_source'),
    [`${cli}-data-source-query`]: on('query_data_source'),
    [`${cli}-data-source-forget`]: on('forget_data_source_archives'),
  };
}
