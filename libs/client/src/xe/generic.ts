/** `<class>-list` and `<class>-param-*` for every class, from its table. */
import { flagged, optional, type Arguments } from './arguments';
import { inDatabase } from './database';
import { find, given, isSet } from './filters';
import { fieldCells, Objects, selected, tableNamed, type Cell, type Shown } from './objects';
import {
  isSetByKey,
  isSetWhole,
  paramAdd,
  paramClear,
  paramGet,
  paramList,
  paramRemove,
  paramSet,
} from './params';
import { tables, type ClassTable, type FieldRow } from './tables/fields';
import type { Surroundings } from './surroundings';

/** The fields that `params=` asks for, or else the usual ones of an object. */
export async function chosen(
  { objects }: Surroundings,
  table: ClassTable,
  shown: Shown,
  params: string | undefined,
  usual: readonly string[],
): Promise<Cell[]> {
  return fieldCells(objects, table, selected(table, wantedOf(params, usual)), shown, false);
}
const wantedOf = (params: string | undefined, usual: readonly string[]): readonly string[] | 'all' => {
  const wanted = params?.split(',') ?? usual;
  return params === 'all' || wanted.length === 0 ? 'all' : wanted;
};

async function list(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const filters = [...table.filters, ...given(args, ['params'])];
  const found = flagged(args, 'all')
    ? await around.objects.list(table)
    : await find(around.objects, table, filters);
  const fields = selected(table, wantedOf(optional(args, 'params'), table.list));
  const needed = around.minimal ? fields.slice(0, 1) : fields;
  around.printer.table(
    await Promise.all(found.map((one) => fieldCells(around.objects, table, needed, one, true))),
  );
}

type Verb = (around: Surroundings, table: ClassTable, args: Arguments) => Promise<void>;
interface VerbFacts {
  readonly run: Verb;
  readonly required: readonly string[];
  readonly optional: (visible: readonly FieldRow[]) => readonly string[];
  readonly says: (cli: string) => string;
}
const names = (fields: readonly FieldRow[]): string[] => fields.map(([name]) => name);
const settable = (fields: readonly FieldRow[]): string[] => [
  ...names(fields.filter(isSetWhole)),
  ...names(fields.filter(isSetByKey)).map((name) => `${name}:`),
];
/** Commands that only read may read another database. */
const reading =
  (run: Verb): Verb =>
  (around, table, args) =>
    inDatabase(args, around.objects, (api) =>
      run(api === around.objects.api ? around : { ...around, objects: new Objects(api) }, table, args),
    );
const verbs: Readonly<Record<string, VerbFacts>> = {
  list: {
    run: reading(list),
    required: [],
    optional: (fields) => [
      'params',
      'database:',
      ...names(fields),
      ...names(fields.filter(isSet)).map((name) => `${name}:contains`),
    ],
    says: (c) =>
      `Shows every ${c}, or those that the given fields are true of; params= chooses the fields, params=all shows them all`,
  },
  'param-list': {
    run: reading(paramList),
    required: ['uuid'],
    optional: () => ['database:'],
    says: (c) => `Shows all parameters of one ${c}`,
  },
  'param-get': {
    run: reading(paramGet),
    required: ['uuid', 'param-name'],
    optional: () => ['param-key', 'database:'],
    says: (c) => `Shows one parameter of a ${c}, or one key of a map`,
  },
  'param-set': {
    run: paramSet,
    required: ['uuid'],
    optional: settable,
    says: (c) => `Sets parameters of a ${c}: name=value, map:key=value`,
  },
  'param-add': {
    run: paramAdd,
    required: ['uuid', 'param-name'],
    optional: () => ['param-key'],
    says: (c) => `Adds to a parameter of a ${c} that is a set (param-key=) or a map (key=value)`,
  },
  'param-remove': {
    run: paramRemove,
    required: ['uuid', 'param-name', 'param-key'],
    optional: () => [],
    says: (c) => `Takes an element out of a set or a key out of a map of a ${c}`,
  },
  'param-clear': {
    run: paramClear,
    required: ['uuid', 'param-name'],
    optional: () => [],
    says: (c) => `Empties a parameter of a ${c}`,
  },
};

export interface Generic {
  readonly table: ClassTable;
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly doc: string;
  run(args: Arguments, around: Surroundings): Promise<void>;
}
/** The generic command of this name, or undefined when there is none. */
export function genericCommand(name: string): Generic | undefined {
  const [, cli = '', verb = ''] =
    /^(.+?)-(list|param-list|param-get|param-set|param-add|param-remove|param-clear)$/.exec(name) ?? [];
  const facts = verbs[verb];
  if (!facts || !Object.hasOwn(tables, cli) || !tableNamed(cli).commands.includes(name)) return undefined;
  const table = tableNamed(cli);
  const optional = facts.optional(table.fields.filter(([, , , notes]) => !notes?.hidden));
  return {
    table,
    required: facts.required,
    optional,
    doc: facts.says(cli),
    run: (args, around) => facts.run(around, table, args),
  };
}
