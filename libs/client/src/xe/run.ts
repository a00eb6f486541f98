/** One `xe` command from its words to its exit code. No process, no files, no terminal: those are given. */
import { errorDoc, isErrorCode, XenError } from '@xenplane/model';
import { connect, isRef, logOut, Unreachable, type Api, type Login } from '../api';
import { Misuse, parse } from './arguments';
import { commands, type Surroundings } from './commands';
import { genericCommand } from './generic';
import { Objects } from './objects';
import { tables } from './tables/fields';

export interface Terminal extends Pick<Surroundings, 'out' | 'onProgress'> {
  error(text: string): void;
  upload(api: Api, file: string, path: string): Promise<unknown>;
}

const generic = Object.values(tables).flatMap((t) => t.commands);
function help(): string {
  const names = [...new Set([...Object.keys(commands), ...generic])].sort();
  return `Usage: xe <command> [-s server] [-p port] [-u username] [-pw password | -pwf file] [name=value ...] [--minimal] [--force] [--multiple]\n\nCommands:\n  ${names.join(', ')}`;
}

/** What an error of the API means: its sentence, then each parameter with its name, objects by uuid and name. */
async function explain(error: XenError, objects: Objects | undefined): Promise<string> {
  const known = isErrorCode(error.code) ? errorDoc(error.code) : undefined;
  const names: readonly string[] = known?.params ?? [];
  const texts = await Promise.all(error.params.map(async (p, i) => `${names[i] ?? '<extra>'}: ${isRef(p) && objects ? await nameOf(p, objects) : p}`));
  const missing = names.slice(error.params.length).map((n) => `${n}: <unknown>`);
  return [known?.doc ?? `Error code: ${error.code}`, ...texts, ...missing].join('\n');
}
async function nameOf(ref: string, objects: Objects): Promise<string> {
  for (const cls of ['VM', 'host', 'VDI', 'SR', 'network']) {
    const found = (await objects.all(cls).catch(() => ({}) as Record<string, Readonly<Record<string, unknown>>>))[ref];
    if (found) return `${String(found['uuid'])} (${String(found['name_label'])})`;
  }
  return ref;
}

export async function runXe(words: readonly string[], login: Login, terminal: Terminal): Promise<number> {
  const args = parse(words);
  if (args.command === 'help') {
    terminal.out.print(help());
    return 0;
  }
  const own = commands[args.command],
    all = genericCommand(args.command);
  if (!own && !all) return fail(terminal, `Unknown command: ${args.command}\nFor usage run: 'xe help'`);
  let objects: Objects | undefined;
  try {
    const api = await connect({ ...login, originator: 'xe' });
    objects = new Objects(api);
    const around: Surroundings = {
      objects,
      out: terminal.out,
      onProgress: (f) => terminal.onProgress(f),
      upload: (file, path) => terminal.upload(api, file, path),
    };
    await (own ? own(args, around) : all?.(objects, args, terminal.out));
    return 0;
  } catch (error) {
    return fail(terminal, await textOf(error, objects));
  } finally {
    if (objects) await logOut(objects.api);
  }
}
function fail(terminal: Terminal, text: string): number {
  terminal.error(text);
  return 1;
}
async function textOf(error: unknown, objects: Objects | undefined): Promise<string> {
  if (error instanceof Misuse) return error.message.startsWith('Required parameter') ? error.message : `Error: ${error.message}`;
  if (error instanceof XenError) return error.code === 'SESSION_AUTHENTICATION_FAILED' ? 'Authentication failed' : explain(error, objects);
  if (error instanceof Unreachable) return error.message;
  throw error;
}
