/** `<class>-param-*`: the fields of one object, read and written. */
import { biosStringKeys, messages } from '@xenplane/model';
import { Misuse, optional, required, UnknownField, type Arguments } from './arguments';
import { given, isMap, isSet, meaningOf, type Pair } from './filters';
import { fieldCells, selected, type Objects, type Shown } from './objects';
import type { ClassTable, FieldRow } from './tables/fields';
import type { Surroundings } from './surroundings';
import { asValue, truth } from './values';

async function one({ objects }: Surroundings, table: ClassTable, args: Arguments): Promise<Shown> {
  const ref = await objects.byUuid(table.cls, required(args, 'uuid'));
  return {
    ref,
    record: await objects.api.call<Readonly<Record<string, unknown>>>(`${table.cls}.get_record`, ref),
  };
}
function fieldNamed(table: ClassTable, name: string): FieldRow {
  const field = table.fields.find(([n]) => n === name);
  if (!field) throw new UnknownField(name);
  return field;
}

export async function paramList(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  around.printer.table([
    await fieldCells(around.objects, table, selected(table, 'all'), await one(around, table, args), false),
  ]);
}

export async function paramGet(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const shown = await one(around, table, args);
  const field = fieldNamed(table, required(args, 'param-name'));
  const { text, entries } = await around.objects.rendered(field, shown, table);
  const key = optional(args, 'param-key');
  if (key === undefined || !isMap(field)) return around.printer.list([text]);
  const entry = entries.find(([k]) => k === key);
  if (!entry) throw new Misuse(`Key ${key} not found in map`);
  around.printer.list([entry[1]]);
}

const verbOf = {
  set: 'set',
  addTo: 'add_to',
  removeFrom: 'remove_from',
  add: 'add',
  remove: 'remove',
} as const;
/** The call that writes a field; its name follows from the field's, unless the table has another. */
function callTo(field: FieldRow, verb: keyof typeof verbOf): string {
  const [, api, , notes] = field;
  return notes?.[verb] ?? api.replace('.', `.${verbOf[verb]}_`);
}
const isWritten = ([, , access]: FieldRow): boolean => access.endsWith('RW');
/** By a value for the whole field; of sets only some can, of maps none. */
export const isSetWhole = (field: FieldRow): boolean =>
  field[3]?.set !== undefined || (isWritten(field) && !isMap(field) && !isSet(field));
/** A key of a map by itself, or all those that are given. */
export const isSetByKey = (field: FieldRow): boolean =>
  isMap(field) && (isWritten(field) || field[3]?.setIn !== undefined || field[3]?.setMap !== undefined);
/** Some maps are written by key or as a whole only. */
const isAddedTo = (field: FieldRow): boolean =>
  isWritten(field) && (field[3]?.addTo !== undefined || (field[3]?.setIn ?? field[3]?.setMap) === undefined);
async function setOne({ objects }: Surroundings, field: FieldRow, ref: string, value: string): Promise<void> {
  const [name, , , notes] = field;
  const call = callTo(field, 'set');
  if (!isSetWhole(field) && isMap(field) && isAddedTo(field))
    throw new Misuse(`Field '${name}' is a map or set. use the 'name:key=value' syntax.`);
  if (!isSetWhole(field)) throw new Misuse(`Field '${name}' is read-only.`);
  const type = messages.get(call)?.params[1]?.type;
  await objects.api.call(
    call,
    ref,
    type?.kind === 'bool' ? truth([name, value]) : await asValue(objects, type, [name, value], notes?.shown),
  );
}
export async function paramSet(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const shown = await one(around, table, args);
  const whole = new Map<string, Record<string, string>>();
  for (const [name, value] of given(args, ['uuid'])) {
    const { field, kind, key } = meaningOf(table, name);
    if (kind === 'set') throw new Misuse('Cannot param-set on set fields');
    if (kind === 'field') await setOne(around, field, shown.ref, value);
    else if (field[3]?.setMap) whole.set(field[3].setMap, { ...whole.get(field[3].setMap), [key]: value });
    else await putKey(around, field, shown, table, [key, value]);
  }
  for (const [call, map] of whole) {
    if (call === 'VM.set_bios_strings') assertBiosStrings(Object.keys(map));
    await around.objects.api.call(call, shown.ref, map);
  }
}
function assertBiosStrings(keys: readonly string[]): void {
  const wrong = keys.find((key) => !biosStringKeys.includes(key));
  if (wrong !== undefined) throw new Misuse(`Unknown key '${wrong}': expecting ${biosStringKeys.join(', ')}`);
}
async function putKey(
  { objects }: Surroundings,
  field: FieldRow,
  shown: Shown,
  table: ClassTable,
  [key, value]: Pair,
): Promise<void> {
  const { api } = objects;
  if (field[3]?.setIn) return void (await api.call(field[3].setIn, shown.ref, key, value));
  if (!isWritten(field)) throw new Misuse(`Map field '${field[0]}' is read-only.`);
  const present = (await objects.rendered(field, shown, table)).entries.some(([k]) => k === key);
  if (present) await removeKey(objects, field, shown, key);
  await addKey(objects, field, shown, [key, value]);
}
/** A key of a map, or an element of a set, as the call has it. */
const keyOf = (objects: Objects, field: FieldRow, verb: keyof typeof verbOf, key: string): Promise<unknown> =>
  asValue(objects, messages.get(callTo(field, verb))?.params[1]?.type, ['param-key', key], field[3]?.shown);
async function addKey(objects: Objects, field: FieldRow, { ref }: Shown, [key, value]: Pair): Promise<void> {
  if (field[0] === 'VCPUs-params' && !['weight', 'cap', 'mask'].includes(key))
    throw new Misuse(`Failed to add parameter '${key}': expecting 'weight','cap' or 'mask'`);
  const call = callTo(field, 'addTo');
  if (isWhole(call))
    return void (await objects.api.call(call, ref, {
      [key]: value,
      ...(await present<Record<string, string>>(objects, field, ref)),
    }));
  await objects.api.call(call, ref, await keyOf(objects, field, 'addTo', key), value);
}
async function removeKey(objects: Objects, field: FieldRow, { ref }: Shown, key: string): Promise<void> {
  const call = callTo(field, 'removeFrom');
  if (!isWhole(call))
    return void (await objects.api.call(call, ref, await keyOf(objects, field, 'removeFrom', key)));
  const kept = Object.entries(await present<Record<string, string>>(objects, field, ref)).filter(
    ([k]) => k !== key,
  );
  await objects.api.call(call, ref, Object.fromEntries(kept));
}
/** An element into a set, or out of it. */
async function changeSet(
  objects: Objects,
  field: FieldRow,
  { ref }: Shown,
  verb: 'add' | 'remove',
  element: string,
): Promise<void> {
  const call = callTo(field, verb),
    value = await keyOf(objects, field, verb, element);
  if (!isWhole(call)) return void (await objects.api.call(call, ref, value));
  const [one] = value as readonly string[],
    others = (await present<string[]>(objects, field, ref)).filter((other) => other !== one);
  await objects.api.call(call, ref, verb === 'add' ? [one, ...others] : others);
}
/** A call that writes the field as a whole, for want of one for a single key or element. */
const isWhole = (call: string): boolean => call.includes('.set_');
const present = <T>({ api }: Objects, [, field]: FieldRow, ref: string): Promise<T> =>
  api.call<T>(field.replace('.', '.get_'), ref);
export async function paramAdd(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const { objects } = around;
  const shown = await one(around, table, args);
  const field = fieldNamed(table, required(args, 'param-name'));
  if (!isSet(field) && !isMap(field)) throw new Misuse('Can only add to parameters of type Set or Map');
  if (!isAddedTo(field)) throw new Misuse('Parameter is read-only');
  const key = optional(args, 'param-key');
  if (isMap(field))
    for (const pair of given(args, ['uuid', 'param-name', 'param-key']))
      await addKey(objects, field, shown, pair);
  else if (key === undefined)
    throw new Misuse(
      'When adding a key to a set, use the syntax: *-param-add param-name=<name> param-key=<key>',
    );
  else await changeSet(objects, field, shown, 'add', key);
}
export async function paramRemove(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const { objects } = around;
  const shown = await one(around, table, args);
  const field = fieldNamed(table, required(args, 'param-name'));
  const key = required(args, 'param-key');
  if (!isSet(field) && !isMap(field)) throw new Misuse('Can only remove from parameters of type Set or Map');
  if (!isAddedTo(field)) throw new Misuse('Cannot remove parameters from read-only map');
  const { items, entries } = await objects.rendered(field, shown, table);
  if (isSet(field) && !items.includes(key)) throw new Misuse(`Key ${key} is not in the set`);
  if (isMap(field) && !entries.some(([k]) => k === key)) throw new Misuse(`Key ${key} is not in map`);
  if (isMap(field)) return removeKey(objects, field, shown, key);
  await changeSet(objects, field, shown, 'remove', key);
}
export async function paramClear(around: Surroundings, table: ClassTable, args: Arguments): Promise<void> {
  const { objects } = around;
  const shown = await one(around, table, args);
  const field = fieldNamed(table, required(args, 'param-name'));
  const { items, entries } = await objects.rendered(field, shown, table);
  const atOnce = field[3]?.clear ?? field[3]?.setMap;
  if (atOnce !== undefined) return void (await objects.api.call(atOnce, shown.ref, {}));
  if (isSet(field) && isAddedTo(field) && !isWhole(callTo(field, 'remove')))
    for (const item of items) await changeSet(objects, field, shown, 'remove', item);
  else if (isMap(field) && isAddedTo(field))
    for (const [key] of entries) await removeKey(objects, field, shown, key);
  else if (isSetWhole(field))
    await setOne(around, field, shown.ref, '').catch(() => {
      throw new Misuse('Cannot clear this parameter');
    });
  else throw new Misuse('Can only clear RW parameters');
}
