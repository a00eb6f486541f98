/** Which objects a command is for: `vm=<name or uuid>`, or any filter of the list; more than one only with --multiple. */
import { flagged, Misuse, optional, type Arguments } from './arguments';
import { find, given, type Pair } from './filters';
import { tableNamed, type Shown } from './objects';
import { commandFacts } from './tables/commands';
import type { Surroundings } from './surroundings';

type Selectable = 'vm' | 'host' | 'sr';
interface Kind {
  /** Fields that a name may be in. */
  readonly names: readonly string[];
  readonly none: string;
  readonly several: string;
  readonly one: string;
}
const kinds: Readonly<Record<Selectable, Kind>> = {
  vm: {
    names: ['uuid', 'name-label'],
    none: 'No matching VMs found',
    several: 'Multiple matches VMs found.',
    one: 'VM',
  },
  host: {
    names: ['uuid', 'hostname', 'name-label'],
    none: 'No matching hosts found',
    several: 'Multiple matching hosts found.',
    one: 'host',
  },
  // A storage that is not found has the error of a host, as in xapi.
  sr: {
    names: ['uuid', 'name-label'],
    none: 'No matching hosts found',
    several: 'Multiple matching SRs found.',
    one: 'SR',
  },
};
/** These take a control domain as well, and those a template; the others never do. */
const alsoControlDomains = new Set([
  ...[
    'vm-start',
    'vm-migrate',
    'console',
    'vm-compute-memory-overhead',
    'vm-memory-target-set',
    'vm-memory-target-wait',
    'vm-memory-balloon',
  ],
  ...['vm-data-source-list', 'vm-data-source-record', 'vm-data-source-query', 'vm-data-source-forget'],
  ...['vm-memory-dynamic-range-set', 'vm-memory-static-range-set', 'vm-memory-limits-set', 'vm-memory-set'],
]);
const alsoTemplates = new Set([
  ...[
    'vm-memory-dynamic-range-set',
    'vm-memory-static-range-set',
    'vm-memory-limits-set',
    'vm-memory-set',
    'vm-memory-balloon',
  ],
  ...['vm-clone', 'vm-copy'],
]);
function usual(cli: Selectable, command: string): Pair[] {
  if (cli !== 'vm') return [];
  return [
    ...(alsoTemplates.has(command) ? [] : [['is-a-template', 'false'] as const]),
    ...(alsoControlDomains.has(command) ? [] : [['is-control-domain', 'false'] as const]),
  ];
}

/** Own words of a command are no filters, whether they are for its call or its facts; a uuid is one, unless the call wants it. */
function filtersOf(args: Arguments, cli: Selectable, own: readonly string[]): Pair[] {
  const facts = commandFacts[args.command];
  const declared = [...(facts?.required ?? []), ...(facts?.optional ?? [])].filter((name) => name !== 'uuid');
  const known = [...own, cli, 'progress', ...declared].map((name) => name.replace(/:$/, ''));
  return given(args).filter(([name]) => !known.includes(name.split(':')[0] ?? ''));
}
async function found(
  args: Arguments,
  { objects }: Surroundings,
  cli: Selectable,
  own: readonly string[],
): Promise<Shown[]> {
  const table = tableNamed(cli);
  const name = optional(args, cli);
  const filters = [...usual(cli, args.command), ...filtersOf(args, cli, own)];
  const uuid = filters.find(([n]) => n === 'uuid')?.[1];
  if (uuid === undefined || name !== undefined) return named(await find(objects, table, filters), cli, name);
  // One object by its uuid is looked up alone.
  const ref = await objects.byUuid(table.cls, uuid).catch(() => undefined);
  const record = ref === undefined ? undefined : await objects.one(table.cls, ref);
  return ref !== undefined && record ? find(objects, table, filters, [{ ref, record }]) : [];
}
const named = (all: readonly Shown[], cli: Selectable, name: string | undefined): Shown[] =>
  all.filter(
    ({ record }) =>
      name === undefined || kinds[cli].names.some((field) => record[field.replace('-', '_')] === name),
  );

export async function select(
  cli: Selectable,
  args: Arguments,
  around: Surroundings,
  { own = [], single = false }: { readonly own?: readonly string[]; readonly single?: boolean } = {},
): Promise<Shown[]> {
  const { none, several, one } = kinds[cli];
  const these = await found(args, around, cli, own);
  if (these.length === 0) throw new Misuse(none);
  if (these.length === 1) return these;
  if (single) throw new Misuse(`${several} Operation can only be performed on one ${one} at a time`);
  if (!flagged(args, 'multiple'))
    throw new Misuse(`${several} --multiple required to complete the operation`);
  return these;
}
const refsOf =
  (cli: Selectable) =>
  async (
    args: Arguments,
    around: Surroundings,
    own: readonly string[],
    single: boolean,
  ): Promise<readonly string[]> =>
    (await select(cli, args, around, { own, single })).map(({ ref }) => ref);
export const selectVms = refsOf('vm');
export const selectHosts = refsOf('host');
export const selectStorages = refsOf('sr');
