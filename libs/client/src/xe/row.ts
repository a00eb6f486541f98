/** Commands that are one call each: a row says which call, and which words of the command line are its parameters. */
import { classNamed, isClassName, messages, zeroOf, type Type } from '@xenplane/model';
import { decodeTaskResult } from '@xenplane/wire';
import { follow, isRef } from '../api';
import { bytes, keyed, optional, type Arguments } from './arguments';
import { asValue } from './generic';
import { selectHosts, selectStorages, selectVms } from './select';
import { shownAs } from './tables/words';
import type { Surroundings } from './terminal';

export type Command = (args: Arguments, around: Surroundings) => Promise<void>;
/**
 * A parameter of a call: `name` of the command line, `name=what it is unless given`, `name:` for all `name:key=value`,
 * `@pool` for the pool, `@` for what was selected, or a value.
 */
export type Source = string | { readonly is: unknown } | { readonly of: string; readonly cls: string };

const mapType = (type: Type | undefined): boolean => type?.kind === 'map';
const sizes = new Set([
  'virtual-size',
  'disk-size',
  'physical-size',
  'size',
  'initial-allocation',
  'allocation-quantum',
  'memory',
  'min',
  'max',
  'target',
  'total',
  'static-min',
  'static-max',
  'dynamic-min',
  'dynamic-max',
]);
/** Words that the command line has for values of an enum. */
const words: Readonly<Record<string, string>> = { bond_mode: 'bond_mode', placement_policy: 'vm_placement_policy' };

async function valueOf(source: Source, type: Type | undefined, args: Arguments, around: Surroundings, on: string): Promise<unknown> {
  const { objects } = around;
  if (typeof source === 'object') return 'is' in source ? source.is : objects.byUuid(source.cls, optional(args, source.of) ?? '');
  if (source === '@') return on;
  if (source === '@pool') return objects.pool();
  const [, name = '', otherwise] = /^([^=]*)(?:=(.*))?$/.exec(source) ?? [];
  if (name.endsWith(':') || mapType(type)) return Object.fromEntries(keyed(args, name.replace(/:$/, '')));
  const text = optional(args, name) ?? (args.switches.has(name) ? 'true' : otherwise);
  if (text === undefined) return type ? (type.default ?? zeroOf(type)) : '';
  if (type?.kind === 'int' && sizes.has(name)) return bytes(name, text);
  return asValue(objects, type, [name, text], words[type?.name ?? '']);
}

/** Calls; what is long work runs as a task, whose progress is shown. */
export async function perform({ objects, terminal }: Surroundings, method: string, ...params: readonly unknown[]): Promise<unknown> {
  const message = messages.get(method);
  if (message?.runs !== 'operation' || !message.async) return objects.api.call(method, ...params);
  const text = await follow(objects.api, method, params, (f) => terminal.onProgress(f));
  return message.result ? decodeTaskResult(message.result, text) : undefined;
}

async function parametersOf(method: string, sources: readonly Source[], args: Arguments, around: Surroundings, on: string): Promise<unknown[]> {
  const params = messages.get(method)?.params;
  const values: unknown[] = [];
  for (const [i, source] of sources.entries()) values.push(await valueOf(source, params?.[i]?.type, args, around, on));
  return values;
}

/** What a call answers, as its command prints it: objects by their uuids. */
export async function report(around: Surroundings, method: string, result: unknown): Promise<void> {
  const type = messages.get(method)?.result;
  const { terminal } = around;
  const texts = await wordsFor(around, type, result);
  if (texts === undefined) return;
  if (around.minimal) terminal.print(texts.join(','));
  else for (const text of texts) terminal.print(text);
}
async function wordsFor({ objects }: Surroundings, type: Type | undefined, result: unknown): Promise<string[] | undefined> {
  if (result === undefined || result === null || (type === undefined && result === '')) return undefined;
  const one = async (value: unknown, of: Type | undefined): Promise<string> => {
    if (of?.kind === 'ref' && isRef(value)) return objects.uuidOf(of.cls ?? '', value);
    if (Array.isArray(value)) return value.join(' ');
    if (typeof value === 'number' && of?.kind === 'float') return value.toFixed(6);
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : (shownAs[of?.name ?? '']?.[String(value)] ?? String(value));
  };
  if (Array.isArray(result)) return Promise.all(result.map((v) => one(v, type?.of)));
  if (typeof result === 'object') return Promise.all(Object.entries(result).map(async ([k, v]) => `${await one(k, type?.key)}: ${await one(v, type?.of)}`));
  return [await one(result, type)];
}

/** One call, its result printed. */
export const row =
  (method: string, ...sources: readonly Source[]): Command =>
  async (args, around) =>
    report(around, method, await perform(around, method, ...(await parametersOf(method, sources, args, around, ''))));

type Selection = (args: Arguments, around: Surroundings, own: readonly string[], one: boolean) => Promise<readonly string[]>;
/** The same call for everything that was selected. */
const each =
  (select: Selection, cls: string) =>
  (method: string, ...sources: readonly Source[]): Command =>
  async (args, around) => {
    const own = sources.flatMap((s) => (typeof s === 'string' ? [s.replace(/[=:].*$/, '')] : 'of' in s ? [s.of] : []));
    const all = sources.some((s) => s === '@') ? sources : ['@', ...sources];
    await onEach(around, cls, await select(args, around, own, false), async (on) =>
      report(around, method, await perform(around, method, ...(await parametersOf(method, all, args, around, on)))),
    );
  };
export const vms = each(selectVms, 'VM');
export const hosts = each(selectHosts, 'host');
export const storages = each(selectStorages, 'SR');

/** One failure among several is told and the rest goes on; a single one ends the command. */
export async function onEach(around: Surroundings, cls: string, refs: readonly string[], work: (ref: string) => Promise<void>): Promise<void> {
  if (refs.length <= 1) {
    for (const ref of refs) await work(ref);
    return;
  }
  for (const ref of refs)
    await work(ref).catch(async (error: unknown) =>
      around.terminal.print(`operation failed on ${await around.objects.uuidOf(cls, ref)}: ${error instanceof Error ? error.message : String(error)}`),
    );
}

/** A new object from the words of the command line, its uuid printed. What is not said is as the class has it. */
export const make =
  (cls: string, fields: Readonly<Record<string, Source>>): Command =>
  async (args, around) => {
    const record: Record<string, unknown> = {};
    for (const [name, source] of Object.entries(fields)) {
      const type = isClassName(cls) ? classNamed(cls).fields[name]?.type : undefined;
      record[name] = await valueOf(source, type, args, around, '');
    }
    around.terminal.print(await around.objects.uuidOf(cls, String(await perform(around, `${cls}.create`, record))));
  };
