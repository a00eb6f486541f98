/** `<class>-list` and `<class>-param-*` for every class, from its table. */
import { messages } from '@xenplane/model';
import { Misuse, optional, required, type Arguments } from './arguments';
import { lines, minimal, selected, tableNamed, type Cell, type Objects, type Shown } from './objects';
import type { ClassTable, FieldRow } from './tables/fields';

export interface Output {
  print(text: string): void;
}
const reserved = new Set(['params', 'multiple', 'force', 'minimal', 'all']);

async function matches(objects: Objects, table: ClassTable, shown: Shown, filters: readonly (readonly [string, string])[]): Promise<boolean> {
  for (const [name, wanted] of filters) if (!(await holds(objects, table, shown, name, wanted))) return false;
  return true;
}
async function holds(objects: Objects, table: ClassTable, shown: Shown, name: string, wanted: string): Promise<boolean> {
  const [base = '', key] = name.split(':');
  const field = table.fields.find(([n]) => n === name) ?? table.fields.find(([n]) => n === base) ?? mapField(table, name);
  if (!field) throw new Misuse(`Unknown field '${name}'`);
  const value = await objects.text(field, shown);
  if (key === 'contains') return value.split('; ').includes(wanted);
  const inMap = key ?? (field[0] === name ? undefined : name.slice(field[0].length + 1));
  return inMap === undefined ? value === wanted : value.split('; ').includes(`${inMap}: ${wanted}`);
}
/** `other-config-key` for `other-config:key`. */
const mapField = (table: ClassTable, name: string): FieldRow | undefined =>
  table.fields.find(([n, , access]) => access.startsWith('M') && name.startsWith(`${n}-`));

export async function find(objects: Objects, table: ClassTable, filters: readonly (readonly [string, string])[]): Promise<Shown[]> {
  const all = await objects.list(table);
  const kept = await Promise.all(all.map((shown) => matches(objects, table, shown, filters)));
  return all.filter((_, i) => kept[i]);
}

const cellsOf = (objects: Objects, fields: readonly FieldRow[], shown: Shown): Promise<Cell[]> =>
  Promise.all(fields.map(async (field) => ({ name: field[0], access: field[2], value: await objects.text(field, shown) })));

async function list(objects: Objects, table: ClassTable, args: Arguments, out: Output): Promise<void> {
  const given = args.pairs.filter(([n]) => !reserved.has(n));
  const own = table.filters.filter(([n]) => !given.some(([g]) => g === n));
  const params = optional(args, 'params');
  const fields = selected(table, params === 'all' ? 'all' : (params?.split(',') ?? table.list));
  const rows = await Promise.all((await find(objects, table, [...given, ...own])).map((shown) => cellsOf(objects, fields, shown)));
  if (args.switches.has('minimal')) out.print(minimal(rows.map(([first]) => first?.value ?? '')));
  else for (const cells of rows) out.print(`${lines(cells)}\n\n`);
}

async function one(objects: Objects, table: ClassTable, args: Arguments): Promise<Shown> {
  const uuid = required(args, 'uuid');
  const ref = await objects.api.call<string>(`${table.cls}.get_by_uuid`, uuid);
  return { ref, record: await objects.api.call<Readonly<Record<string, unknown>>>(`${table.cls}.get_record`, ref) };
}
function fieldNamed(table: ClassTable, name: string): FieldRow {
  const field = table.fields.find(([n]) => n === name);
  if (!field) throw new Misuse(`Unknown field '${name}'`);
  return field;
}

async function paramGet(objects: Objects, table: ClassTable, args: Arguments, out: Output): Promise<void> {
  const shown = await one(objects, table, args);
  const value = await objects.text(fieldNamed(table, required(args, 'param-name')), shown);
  const key = optional(args, 'param-key');
  if (key === undefined) return out.print(value);
  const entry = value.split('; ').find((e) => e.startsWith(`${key}: `));
  if (entry === undefined) throw new Misuse(`Key ${key} not found in map`);
  out.print(entry.slice(key.length + 2));
}

/** The API's setter for a field; the name of the call follows from the field's. */
const setter = (verb: string, api: string): string => api.replace('.', `.${verb}_`);
async function setOne(objects: Objects, table: ClassTable, ref: string, name: string, value: string): Promise<void> {
  const [, api, access] = fieldNamed(table, name);
  if (access.endsWith('RO')) throw new Misuse(`Field '${name}' is read-only`);
  await objects.api.call(setter('set', api), ref, await asValue(objects, api, value));
}
/** As the API has it: a number, a truth, an object by its uuid, or text. */
async function asValue(objects: Objects, api: string, text: string): Promise<unknown> {
  const type = messages.get(setter('set', api))?.params[1]?.type;
  if (type?.kind === 'int') return Number(text);
  if (type?.kind === 'float') return Number(text);
  if (type?.kind === 'bool') return text === 'true';
  if (type?.kind === 'ref') return objects.api.call(`${type.cls}.get_by_uuid`, text);
  return text;
}

async function paramSet(objects: Objects, table: ClassTable, args: Arguments): Promise<void> {
  const { ref } = await one(objects, table, args);
  for (const [name, value] of args.pairs.filter(([n]) => n !== 'uuid' && !reserved.has(n))) {
    const [base = '', key] = name.split(':');
    if (key === undefined) await setOne(objects, table, ref, name, value);
    else await putKey(objects, table, ref, [base, key, value]);
  }
}
async function putKey(objects: Objects, table: ClassTable, ref: string, [name, key, value]: readonly [string, string, string]): Promise<void> {
  const [, api] = fieldNamed(table, name);
  await objects.api.call(setter('remove_from', api), ref, key);
  await objects.api.call(setter('add_to', api), ref, key, value);
}
async function paramAdd(objects: Objects, table: ClassTable, args: Arguments): Promise<void> {
  const { ref } = await one(objects, table, args);
  const name = required(args, 'param-name');
  const [, api, access] = fieldNamed(table, name);
  if (access.startsWith('S')) return void (await objects.api.call(setter('add', api), ref, required(args, 'param-key')));
  for (const [key, value] of args.pairs.filter(([n]) => !['uuid', 'param-name', 'param-key'].includes(n)))
    await objects.api.call(setter('add_to', api), ref, key, value);
}
async function paramRemove(objects: Objects, table: ClassTable, args: Arguments): Promise<void> {
  const shown = await one(objects, table, args);
  const field = fieldNamed(table, required(args, 'param-name'));
  const key = required(args, 'param-key');
  const isSet = field[2].startsWith('S');
  const present = (await objects.text(field, shown)).split('; ').some((e) => (isSet ? e === key : e.startsWith(`${key}: `)));
  if (!present) throw new Misuse(`Key ${key} is not in ${isSet ? 'set' : 'map'}`);
  await objects.api.call(setter(isSet ? 'remove' : 'remove_from', field[1]), shown.ref, key);
}
async function paramClear(objects: Objects, table: ClassTable, args: Arguments): Promise<void> {
  const { ref } = await one(objects, table, args);
  const [, api, access] = fieldNamed(table, required(args, 'param-name'));
  await objects.api.call(setter('set', api), ref, access.startsWith('M') ? {} : access.startsWith('S') ? [] : '');
}
async function paramList(objects: Objects, table: ClassTable, args: Arguments, out: Output): Promise<void> {
  out.print(`${lines(await cellsOf(objects, table.fields, await one(objects, table, args)))}\n\n`);
}

const verbs: Readonly<Record<string, (objects: Objects, table: ClassTable, args: Arguments, out: Output) => Promise<void>>> = {
  list,
  'param-list': paramList,
  'param-get': paramGet,
  'param-set': paramSet,
  'param-add': paramAdd,
  'param-remove': paramRemove,
  'param-clear': paramClear,
};

/** The generic command of this name, or undefined when there is none. */
export function genericCommand(name: string): ((objects: Objects, args: Arguments, out: Output) => Promise<void>) | undefined {
  const match = /^(.+?)-(list|param-list|param-get|param-set|param-add|param-remove|param-clear)$/.exec(name);
  const verb = verbs[match?.[2] ?? ''];
  const cli = match?.[1] ?? '';
  if (!verb) return undefined;
  try {
    const table = tableNamed(cli);
    return table.commands.includes(name) ? (objects, args, out) => verb(objects, table, args, out) : undefined;
  } catch {
    return undefined;
  }
}
