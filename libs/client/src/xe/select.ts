/** Which objects a command is for: `vm=<name or uuid>`, or any filter of the list; more than one only with --multiple. */
import { flagged, Misuse, optional, type Arguments } from './arguments';
import { find, reserved } from './generic';
import { tableNamed, type Shown } from './objects';
import { commandFacts } from './tables/commands';
import type { Surroundings } from './terminal';

interface Kind {
  readonly cli: 'vm' | 'host' | 'sr';
  readonly what: string;
  /** Fields that a name may be in. */
  readonly names: readonly string[];
  /** What is never meant, unless a filter says so. */
  readonly filters: readonly (readonly [string, string])[];
}
const kinds: Readonly<Record<'vm' | 'host' | 'sr', Kind>> = {
  vm: {
    cli: 'vm',
    what: 'VM',
    names: ['uuid', 'name-label'],
    filters: [
      ['is-a-template', 'false'],
      ['is-control-domain', 'false'],
    ],
  },
  host: { cli: 'host', what: 'host', names: ['uuid', 'name-label', 'hostname'], filters: [] },
  sr: { cli: 'sr', what: 'SR', names: ['uuid', 'name-label'], filters: [] },
};

/** Own words of a command are no filters, whether they are for its call or its facts. */
function filtersOf(args: Arguments, kind: Kind, own: readonly string[]): (readonly [string, string])[] {
  const facts = commandFacts[args.command];
  const known = [...own, ...(facts?.required ?? []), ...(facts?.optional ?? [])];
  const isOwn = (name: string): boolean => known.some((k) => (k.endsWith(':') ? name.startsWith(k) : k === name));
  return args.pairs.filter(([n]) => n !== kind.cli && !reserved.has(n) && !isOwn(n) && !n.startsWith('database:'));
}
async function found(args: Arguments, { objects }: Surroundings, kind: Kind, own: readonly string[]): Promise<Shown[]> {
  const table = tableNamed(kind.cli);
  const name = optional(args, kind.cli);
  const filters = filtersOf(args, kind, own);
  const usual = kind.filters.filter(([n]) => !filters.some(([f]) => f === n));
  const uuid = filters.length === 1 && filters[0]?.[0] === 'uuid' ? filters[0][1] : undefined;
  if (name === undefined && uuid !== undefined) return byUuid(args, { objects }, kind, uuid);
  if (name === undefined) return find(objects, table, [...filters, ...usual]);
  for (const field of kind.names) {
    const these = await find(objects, table, [[field, name], ...filters, ...usual]);
    if (these.length > 0) return these;
  }
  return [];
}
/** One object by its uuid is looked up alone. */
async function byUuid(_args: Arguments, { objects }: Pick<Surroundings, 'objects'>, kind: Kind, uuid: string): Promise<Shown[]> {
  const table = tableNamed(kind.cli);
  const ref = await objects.byUuid(table.cls, uuid).catch(() => undefined);
  const record = ref === undefined ? undefined : await objects.one(table.cls, ref);
  return ref !== undefined && record && record['is_a_template'] !== true && record['is_control_domain'] !== true ? [{ ref, record }] : [];
}

export async function select(
  cli: 'vm' | 'host' | 'sr',
  args: Arguments,
  around: Surroundings,
  { own = [], single = false }: { readonly own?: readonly string[]; readonly single?: boolean } = {},
): Promise<Shown[]> {
  const kind = kinds[cli];
  const these = await found(args, around, kind, own);
  if (these.length === 0) throw new Misuse(`No matching ${kind.what}s found`);
  if (these.length === 1) return these;
  const matches = kind.what === 'VM' ? 'Multiple matches VMs found.' : 'Multiple matches found.';
  if (single) throw new Misuse(`${matches} Operation can only be performed on one ${kind.what} at a time`);
  if (!flagged(args, 'multiple')) throw new Misuse(`${matches} --multiple required to complete the operation`);
  return these;
}
const refsOf =
  (cli: 'vm' | 'host' | 'sr') =>
  async (args: Arguments, around: Surroundings, own: readonly string[], single: boolean): Promise<readonly string[]> =>
    (await select(cli, args, around, { own, single })).map(({ ref }) => ref);
export const selectVms = refsOf('vm');
export const selectHosts = refsOf('host');
export const selectStorages = refsOf('sr');
