/** One `xe` command from its words to its exit code. No process, no files, no sockets: those are given. */
import { connect, type Api, type Login } from '../api';
import { Misuse, Missing, flagged, optional, parse, required, type Arguments } from './arguments';
import { commands } from './commands';
import { tell, unknownCommand } from './failure';
import { genericCommand } from './generic';
import { commandNames, described, help } from './help';
import { Objects } from './objects';
import { bashCompletion } from './own';
import type { Command } from './row';
import type { Terminal } from './terminal';

/** A session for one command. */
export interface Opened {
  readonly api: Api;
  close(): Promise<unknown>;
}

const imageImport: Command = async (args, { objects: { api }, terminal }) => {
  if (!terminal.upload) throw new Misuse('image-import is a command of the client of this server only');
  const file = required(args, 'filename');
  const query = new URLSearchParams({ session_id: api.session, name_label: optional(args, 'name-label') ?? file });
  const answer = await terminal.upload(file, `/images?${query.toString()}`);
  terminal.print(String((answer as { template?: string }).template ?? ''));
};

function commandNamed(name: string): Command | undefined {
  if (name === 'image-import') return imageImport;
  return Object.hasOwn(commands, name) ? commands[name] : genericCommand(name)?.run;
}
function assertComplete(args: Arguments): void {
  for (const name of described(args.command)?.required ?? []) if (optional(args, name) === undefined) throw new Missing(name);
}

export async function runXe(words: readonly string[], open: () => Promise<Opened>, terminal: Terminal): Promise<number> {
  const args = parse(words);
  if (args.command === 'help' || args.command === '--help') return help(args, terminal) ? 0 : 1;
  if (args.command === 'completion') {
    terminal.print(bashCompletion(commandNames()));
    return 0;
  }
  const command = commandNamed(args.command);
  if (!command) {
    terminal.printError(unknownCommand(args.command));
    return 1;
  }
  return perform(command, args, open, terminal);
}
async function perform(command: Command, args: Arguments, open: () => Promise<Opened>, terminal: Terminal): Promise<number> {
  let opened: Opened | undefined, objects: Objects | undefined;
  try {
    opened = await open();
    objects = new Objects(opened.api);
    assertComplete(args);
    const { sendCall: send } = terminal;
    const abroad = (login: Login): Promise<Api> => connect({ ...login, originator: 'xe', ...(send ? { send } : {}) });
    await command(args, { objects, terminal, minimal: flagged(args, 'minimal'), abroad });
    return 0;
  } catch (error) {
    await tell(error, objects, terminal);
    return 1;
  } finally {
    await opened?.close();
  }
}
