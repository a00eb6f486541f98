/** `<class>-list` and `<class>-param-*` for every class, from its table. */
import { messages, type Type } from '@xenplane/model';
import { isTrue, Misuse, optional, required, type Arguments } from './arguments';
import { lines, minimal, selected, tableNamed, type Cell, type Objects, type Shown } from './objects';
import { tables, type ClassTable, type FieldRow } from './tables/fields';
import { shownAs } from './tables/words';
import type { Surroundings } from './terminal';

/** Words that mean the same to every command, and are no filters. */
export const reserved: ReadonlySet<string> = new Set([
  ...['params', 'multiple', 'force', 'minimal', 'all', 'trace', 'message-priority'],
  ...['server', 'password', 'port', 'username', 'live', 'internal', 'debug', 'help'],
]);
const given = (args: Arguments): (readonly [string, string])[] => args.pairs.filter(([n]) => !reserved.has(n) && !n.startsWith('database:'));

async function matches(objects: Objects, table: ClassTable, shown: Shown, filters: readonly (readonly [string, string])[]): Promise<boolean> {
  for (const [name, wanted] of filters) if (!(await holds(objects, table, shown, [name, wanted]))) return false;
  return true;
}
function fieldOfFilter(table: ClassTable, name: string): FieldRow {
  const [base = ''] = name.split(':');
  const field = table.fields.find(([n]) => n === name) ?? table.fields.find(([n]) => n === base) ?? mapField(table, name);
  if (!field) throw new Misuse(`Unknown field '${name}'`);
  return field;
}
async function holds(objects: Objects, table: ClassTable, shown: Shown, [name, wanted]: readonly [string, string]): Promise<boolean> {
  const field = fieldOfFilter(table, name);
  const value = await objects.text(field, shown, table);
  const key = name.includes(':') ? name.slice(name.indexOf(':') + 1) : undefined;
  if (key === 'contains') return value.split(/[;,] /).includes(wanted);
  const inMap = key ?? (field[0] === name ? undefined : name.slice(field[0].length + 1));
  if (inMap !== undefined) return value.split('; ').includes(`${inMap}: ${wanted}`);
  return field[3]?.anyCase ? value.toLowerCase() === wanted.toLowerCase() : value === wanted;
}
/** `other-config-key` for `other-config:key`. */
const mapField = (table: ClassTable, name: string): FieldRow | undefined =>
  table.fields.find(([n, , access]) => access.startsWith('M') && name.startsWith(`${n}-`));

export async function find(objects: Objects, table: ClassTable, filters: readonly (readonly [string, string])[]): Promise<Shown[]> {
  for (const [name] of filters) fieldOfFilter(table, name);
  const all = await objects.list(table);
  const kept = await Promise.all(all.map((shown) => matches(objects, table, shown, filters)));
  return all.filter((_, i) => kept[i]);
}

/** A field too dear to work out for all objects says so, unless it was asked for by name. */
async function cellsOf(objects: Objects, table: ClassTable, fields: readonly FieldRow[], shown: Shown, spare = false): Promise<Cell[]> {
  return Promise.all(
    fields.map(async (field) => ({
      name: field[0],
      access: field[3]?.printed ?? field[2],
      deprecated: field[3]?.deprecated ?? false,
      value: spare && field[3]?.expensive ? '<expensive field>' : await objects.text(field, shown, table),
    })),
  );
}
/** Prints objects with the fields of these names, or those that were asked for. */
export async function show(
  around: Surroundings,
  table: ClassTable,
  found: readonly Shown[],
  params: string | undefined,
  usual: readonly string[],
): Promise<void> {
  const { objects, terminal } = around;
  const fields = selected(table, params === 'all' ? 'all' : (params?.split(',') ?? usual.filter((name) => table.fields.some(([n]) => n === name))));
  const shown = around.minimal ? fields.slice(0, 1) : fields;
  const rows = await Promise.all(found.map((one) => cellsOf(objects, table, shown, one, params === 'all')));
  if (around.minimal) terminal.print(minimal(rows.map(([first]) => first?.value ?? '')));
  else for (const cells of rows) terminal.print(`${lines(cells)}\n\n`);
}

async function list(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const filters = given(args);
  const own = table.filters.filter(([n]) => !filters.some(([g]) => g === n));
  const usual = table.list.length > 0 ? table.list : table.fields.filter(([, , , n]) => !n?.hidden).map(([n]) => n);
  await show(around, table, await find(around.objects, table, [...filters, ...own]), optional(args, 'params'), usual);
}

async function one({ objects }: Surroundings, table: ClassTable, args: Arguments): Promise<Shown> {
  const ref = await objects.byUuid(table.cls, required(args, 'uuid'));
  return { ref, record: await objects.api.call<Readonly<Record<string, unknown>>>(`${table.cls}.get_record`, ref) };
}
function fieldNamed(table: ClassTable, name: string): FieldRow {
  const field = table.fields.find(([n]) => n === name);
  if (!field) throw new Misuse(`Unknown field '${name}'`);
  return field;
}

async function paramGet(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const field = fieldNamed(table, required(args, 'param-name'));
  const value = await around.objects.text(field, await one(around, table, args), table);
  const key = optional(args, 'param-key');
  if (key === undefined) return around.terminal.print(value);
  const entry = value.split('; ').find((e) => e.startsWith(`${key}: `));
  if (entry === undefined) throw new Misuse(`Key ${key} not found in map`);
  around.terminal.print(entry.slice(key.length + 2));
}

const verbOf = { set: 'set', addTo: 'add_to', removeFrom: 'remove_from', add: 'add', remove: 'remove' } as const;
/** The call that writes a field; its name follows from the field's, unless the table has another. */
function callTo(field: FieldRow, verb: keyof typeof verbOf): string {
  const [, api, , notes] = field;
  return notes?.[verb] ?? api.replace('.', `.${verbOf[verb]}_`);
}
function assertWritable([name, , access]: FieldRow): void {
  if (access.endsWith('RO')) throw new Misuse(`Field '${name}' is read-only`);
}
async function setOne({ objects }: Surroundings, field: FieldRow, ref: string, value: string): Promise<void> {
  assertWritable(field);
  const call = callTo(field, 'set');
  await objects.api.call(call, ref, await asValue(objects, messages.get(call)?.params[1]?.type, [field[0], value], field[3]?.shown));
}
/** As the API has it: a number, a truth, an object by its uuid, a word of an enum, or text. */
export async function asValue(objects: Objects, type: Type | undefined, [name, text]: readonly [string, string], shown?: string): Promise<unknown> {
  if (type?.kind === 'int' || type?.kind === 'float') return numeric(name, text);
  if (type?.kind === 'bool') return isTrue(text, name);
  if (type?.kind === 'ref') return text === '' || text === 'OpaqueRef:NULL' ? 'OpaqueRef:NULL' : objects.byUuid(type.cls ?? '', text);
  if (type?.kind === 'set')
    return Promise.all(
      text
        .split(',')
        .filter(Boolean)
        .map((t) => asValue(objects, type.of, [name, t], shown)),
    );
  if (type?.kind === 'enum') return wordOf(type, text, shown);
  return text;
}
function numeric(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new Misuse(`Failed to parse parameter '${name}': expecting a number`);
  return value;
}
const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
/** An enum is understood in the words of the API and in those of the command line, whatever their case. */
function wordOf(type: Type, text: string, shown: string | undefined): string {
  const words = shownAs[shown ?? ''] ?? {};
  return type.values?.find((v) => v === text || bare(v) === bare(text) || words[v] === text) ?? text;
}

async function paramSet(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const { ref } = await one(around, table, args);
  for (const [name, value] of given(args).filter(([n]) => n !== 'uuid')) {
    const field = table.fields.find(([n]) => n === name);
    if (field) await setOne(around, field, ref, value);
    else await putKey(around, fieldOfFilter(table, name), ref, [name, value]);
  }
}
async function putKey({ objects: { api } }: Surroundings, field: FieldRow, ref: string, [name, value]: readonly [string, string]): Promise<void> {
  const key = name.slice(field[0].length + 1);
  if (field[3]?.setIn) return void (await api.call(field[3].setIn, ref, key, value));
  assertWritable(field);
  await api.call(callTo(field, 'removeFrom'), ref, key);
  await api.call(callTo(field, 'addTo'), ref, key, value);
}
async function paramAdd(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const { ref } = await one(around, table, args);
  const { api } = around.objects;
  const field = fieldNamed(table, required(args, 'param-name'));
  assertWritable(field);
  if (field[2].startsWith('S')) {
    const call = callTo(field, 'add');
    const value = await asValue(around.objects, messages.get(call)?.params[1]?.type, ['param-key', required(args, 'param-key')]);
    return void (await api.call(call, ref, value));
  }
  if (!field[2].startsWith('M')) throw new Misuse('Can only add to parameters of type Set or Map');
  for (const [key, value] of given(args).filter(([n]) => !['uuid', 'param-name', 'param-key'].includes(n)))
    await api.call(callTo(field, 'addTo'), ref, key, value);
}
async function paramRemove(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const field = fieldNamed(table, required(args, 'param-name'));
  const shown = await one(around, table, args);
  const key = required(args, 'param-key');
  assertWritable(field);
  const isSet = field[2].startsWith('S');
  if (!isSet && !field[2].startsWith('M')) throw new Misuse('Can only remove from parameters of type Set or Map');
  const present = (await around.objects.text(field, shown, table)).split(/[;,] /).some((e) => (isSet ? e === key : e.startsWith(`${key}: `)));
  if (!present) throw new Misuse(`Key ${key} is not in ${isSet ? 'set' : 'map'}`);
  const call = callTo(field, isSet ? 'remove' : 'removeFrom');
  await around.objects.api.call(call, shown.ref, await asValue(around.objects, messages.get(call)?.params[1]?.type, ['param-key', key]));
}
async function paramClear({ objects }: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const ref = await objects.byUuid(table.cls, required(args, 'uuid'));
  const field = fieldNamed(table, required(args, 'param-name'));
  assertWritable(field);
  const empty = field[2].startsWith('M') ? {} : field[2].startsWith('S') ? [] : '';
  const call = field[3]?.clear ?? callTo(field, 'set');
  const isText = empty !== '' || messages.get(call)?.params[1]?.type.kind === 'string';
  if (!isText) throw new Misuse(`Cannot clear field '${field[0]}'`);
  await objects.api.call(call, ref, empty);
}
async function paramList(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const cells = await cellsOf(around.objects, table, selected(table, 'all'), await one(around, table, args));
  around.terminal.print(around.minimal ? minimal(cells.slice(0, 1).map((c) => c.value)) : `${lines(cells)}\n\n`);
}

type Verb = (around: Surroundings, table: ClassTable, args: Arguments) => Promise<void>;
interface VerbFacts {
  readonly run: Verb;
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly says: (cli: string) => string;
}
const verbs: Readonly<Record<string, VerbFacts>> = {
  list: {
    run: list,
    required: [],
    optional: ['params', 'database:'],
    says: (c) => `Shows every ${c}, or those that the given fields are true of; params= chooses the fields, params=all shows them all`,
  },
  'param-list': { run: paramList, required: ['uuid'], optional: ['database:'], says: (c) => `Shows all parameters of one ${c}` },
  'param-get': {
    run: paramGet,
    required: ['uuid', 'param-name'],
    optional: ['param-key', 'database:'],
    says: (c) => `Shows one parameter of a ${c}, or one key of a map`,
  },
  'param-set': { run: paramSet, required: ['uuid'], optional: [], says: (c) => `Sets parameters of a ${c}: name=value, map:key=value` },
  'param-add': {
    run: paramAdd,
    required: ['uuid', 'param-name'],
    optional: ['param-key'],
    says: (c) => `Adds to a parameter of a ${c} that is a set (param-key=) or a map (key=value)`,
  },
  'param-remove': {
    run: paramRemove,
    required: ['uuid', 'param-name', 'param-key'],
    optional: [],
    says: (c) => `Takes an element out of a set or a key out of a map of a ${c}`,
  },
  'param-clear': { run: paramClear, required: ['uuid', 'param-name'], optional: [], says: (c) => `Empties a parameter of a ${c}` },
};

export interface Generic extends Omit<VerbFacts, 'run' | 'says'> {
  readonly table: ClassTable;
  readonly doc: string;
  run(args: Arguments, around: Surroundings): Promise<void>;
}
/** The generic command of this name, or undefined when there is none. */
export function genericCommand(name: string): Generic | undefined {
  const [, cli = '', verb = ''] = /^(.+?)-(list|param-list|param-get|param-set|param-add|param-remove|param-clear)$/.exec(name) ?? [];
  const facts = verbs[verb];
  if (!facts || !Object.hasOwn(tables, cli) || !tableNamed(cli).commands.includes(name)) return undefined;
  const table = tableNamed(cli);
  return { table, required: facts.required, optional: facts.optional, doc: facts.says(cli), run: (args, around) => facts.run(around, table, args) };
}
