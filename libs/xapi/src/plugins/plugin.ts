/** A plugin: functions by name, each answering text, as a script in Dom0 would print it. */
import { XenError } from '@xenplane/model';
import type { Row } from '@xenplane/store';
import type { Context } from '../core/context';

export type Arguments = Readonly<Record<string, string>>;
export interface PluginRequest extends Context {
  readonly host: Row<'host'>;
}
export type PluginFunction = (asked: PluginRequest, args: Arguments) => Promise<string> | string;
export type Plugin = Readonly<Record<string, PluginFunction>>;

/** As the scripts of xapi itself fail: the function, the kind of exception, its text. */
export const raised = (fn: string, kind: string, text: string): XenError =>
  new XenError('XENAPI_PLUGIN_FAILURE', fn, kind, text);

/** As the scripts of XCP-ng fail: a number, -1 where there is no other, then text, details and a trace, of which there is none. */
export const failure = (code: number, text: string, details = ''): XenError =>
  new XenError(`${code}`, text, details, '');

/** An argument that the function cannot do without. */
export function argument(args: Arguments, name: string): string {
  const value = args[name];
  if (value === undefined) throw failure(-1, `'${name}'`);
  return value;
}
export const json = (value: unknown): string => JSON.stringify(value);
