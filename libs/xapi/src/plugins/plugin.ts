/** What a plugin is here: functions by name, each answering text, as a script in Dom0 would print it. */
import { XenError } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import type { Plane } from '../context';

export type Arguments = Readonly<Record<string, string>>;
export interface Asked {
  readonly tx: Tx;
  readonly plane: Plane;
  readonly host: Row<'host'>;
}
export type PluginFunction = (asked: Asked, args: Arguments) => Promise<string> | string;
export type Plugin = Readonly<Record<string, PluginFunction>>;

/** As a script that raised: the function, the kind of exception, its text. */
export const failure = (fn: string, kind: string, text: string): XenError => new XenError('XENAPI_PLUGIN_FAILURE', fn, kind, text);

/** An argument that the function cannot do without. */
export function argument(fn: string, args: Arguments, name: string): string {
  const value = args[name];
  if (value === undefined) throw failure(fn, 'KeyError', `'${name}'`);
  return value;
}
export const json = (value: unknown): string => JSON.stringify(value);
