/** Commands that are one call each: a row says which call, and which words of the command line are its parameters. */
import { classNamed, isClassName, messages, zeroOf, type Type } from '@xenplane/model';
import { decodeTaskResult } from '@xenplane/wire';
import { follow, isRef } from '../api';
import { bytes, decimal, keyed, optional, type Arguments } from './arguments';
import { inWords, SeveralFailed } from './failure';
import { cellsOf } from './printer';
import { selectHosts, selectVms } from './select';
import { shownAs } from './tables/words';
import type { Surroundings } from './surroundings';
import { asValue } from './values';

export type Command = (args: Arguments, around: Surroundings) => Promise<void>;
/**
 * A parameter of a call: `name` of the command line, `name=what it is unless given`, `name:` for all `name:key=value`,
 * `@pool` for the pool of `uuid=` or the only one, `@` for what was selected, or a value.
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
const words: Readonly<Record<string, string>> = {
  bond_mode: 'bond_mode',
  placement_policy: 'vm_placement_policy',
};

async function valueOf(
  source: Source,
  type: Type | undefined,
  args: Arguments,
  around: Surroundings,
  on: string,
): Promise<unknown> {
  const { objects } = around;
  if (typeof source === 'object')
    return 'is' in source ? source.is : objects.byUuid(source.cls, optional(args, source.of) ?? '');
  if (source === '@') return on;
  if (source === '@pool') return objects.pool(optional(args, 'uuid'));
  const [, name = '', otherwise] = /^([^=]*)(?:=(.*))?$/.exec(source) ?? [];
  if (name.endsWith(':') || mapType(type)) return Object.fromEntries(keyed(args, name.replace(/:$/, '')));
  const text = optional(args, name) ?? otherwise;
  if (text === undefined) return type ? (type.default ?? zeroOf(type)) : '';
  if (type?.kind === 'int' && sizes.has(name)) return bytes(name, text);
  if (type?.kind === 'float') return decimal(name, text);
  return asValue(objects, type, [name, text], words[type?.name ?? '']);
}

/** Calls; what is long work runs as a task, whose progress is shown. */
export async function perform(
  { objects, onProgress }: Surroundings,
  method: string,
  ...params: readonly unknown[]
): Promise<unknown> {
  const message = messages.get(method);
  if (message?.runs !== 'operation' || !message.async) return objects.api.call(method, ...params);
  const text = await follow(objects.api, method, params, onProgress);
  return message.result ? decodeTaskResult(message.result, text) : undefined;
}

async function parametersOf(
  method: string,
  sources: readonly Source[],
  args: Arguments,
  around: Surroundings,
  on: string,
): Promise<unknown[]> {
  const params = messages.get(method)?.params;
  const values: unknown[] = [];
  for (const [i, source] of sources.entries())
    values.push(await valueOf(source, params?.[i]?.type, args, around, on));
  return values;
}

/** The result of a call, as its command prints it: objects by their uuids, a map as a record. */
export async function report(around: Surroundings, method: string, result: unknown): Promise<void> {
  const type = messages.get(method)?.result;
  if (type?.kind === 'map' && typeof result === 'object' && result !== null) {
    const entries = Object.entries(result).map(
      async ([k, v]) => [await word(around, k, type.key), await word(around, v, type.of)] as const,
    );
    return around.printer.table([cellsOf(Object.fromEntries(await Promise.all(entries)))]);
  }
  const texts = await wordsFor(around, type, result);
  if (texts !== undefined) around.printer.list(texts);
}
async function word({ objects }: Surroundings, value: unknown, of: Type | undefined): Promise<string> {
  if (of?.kind === 'ref' && isRef(value)) return objects.uuidOf(of.cls ?? '', value);
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'object' && value !== null
    ? JSON.stringify(value)
    : (shownAs[of?.name ?? '']?.[String(value)] ?? String(value));
}
async function wordsFor(
  around: Surroundings,
  type: Type | undefined,
  result: unknown,
): Promise<string[] | undefined> {
  if (result === undefined || result === null || (type === undefined && result === '')) return undefined;
  return Array.isArray(result)
    ? Promise.all(result.map((v) => word(around, v, type?.of)))
    : [await word(around, result, type)];
}

/** One call, its result printed. */
export const row =
  (method: string, ...sources: readonly Source[]): Command =>
  async (args, around) =>
    report(
      around,
      method,
      await perform(around, method, ...(await parametersOf(method, sources, args, around, ''))),
    );

/** One call, whose result is for people only. */
export const saying =
  (method: string, ...sources: readonly Source[]): Command =>
  async (args, around) =>
    around.printer.message(
      await word(
        around,
        await perform(around, method, ...(await parametersOf(method, sources, args, around, ''))),
        messages.get(method)?.result,
      ),
    );

type Selection = (
  args: Arguments,
  around: Surroundings,
  own: readonly string[],
  one: boolean,
) => Promise<readonly string[]>;
/** The same call for everything that was selected, or for the one that it has to be. */
const each =
  (select: Selection, cls: string, single = false) =>
  (method: string, ...sources: readonly Source[]): Command =>
  async (args, around) => {
    const own = sources.flatMap((s) =>
      typeof s === 'string' ? [s.replace(/[=:].*$/, '')] : 'of' in s ? [s.of] : [],
    );
    const all = sources.some((s) => s === '@') ? sources : ['@', ...sources];
    await onEach(around, cls, await select(args, around, own, single), async (on) =>
      report(
        around,
        method,
        await perform(around, method, ...(await parametersOf(method, all, args, around, on))),
      ),
    );
  };
export const vms = each(selectVms, 'VM');
export const hosts = each(selectHosts, 'host');
export const oneHost = each(selectHosts, 'host', true);

/** All are tried; errors of some of several are printed at the end. */
export async function onEach(
  around: Surroundings,
  cls: string,
  refs: readonly string[],
  work: (ref: string) => Promise<void>,
): Promise<void> {
  const [only] = refs;
  if (only !== undefined && refs.length === 1) return watched(around, cls, only, work);
  const failures: { uuid: string; text: string }[] = [];
  for (const ref of refs)
    await watched(around, cls, ref, work).catch(async (error: unknown) =>
      failures.unshift({
        uuid: await around.objects.uuidOf(cls, ref),
        text: await inWords(error, around.objects),
      }),
    );
  if (failures.length > 0) throw new SeveralFailed(failures);
}
interface Notice {
  readonly name: string;
  readonly priority: number;
  readonly timestamp: string;
}
/** The messages about a VM that are printed while a command works on it, as far as they are urgent enough. */
async function watched(
  around: Surroundings,
  cls: string,
  ref: string,
  work: (ref: string) => Promise<void>,
): Promise<void> {
  const { objects, printer } = around;
  const uuid = cls === 'VM' ? await objects.uuidOf(cls, ref).catch(() => undefined) : undefined;
  const since = `${new Date().toISOString().slice(0, 19).replaceAll('-', '')}Z`;
  await work(ref);
  if (uuid === undefined) return;
  const notices = await objects.api
    .call<Record<string, Notice>>('message.get', 'VM', uuid, since)
    .catch(() => ({}));
  for (const { name, priority, timestamp } of Object.values<Notice>(notices))
    if (priority < around.urgency)
      printer.note(`Message: time=${timestamp} priority=${priority} name='${name}'\n`);
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
    around.printer.list([
      await around.objects.uuidOf(cls, String(await perform(around, `${cls}.create`, record))),
    ]);
  };
