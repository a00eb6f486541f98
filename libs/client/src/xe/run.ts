/** One `xe` command from its words to its exit code. No process, no files, no sockets: those are given. */
import { connect, type Api, type Login } from '../api';
import { Misuse, Missing, Unusable, flagged, optional, parse, required, type Arguments } from './arguments';
import { commands } from './commands';
import { reportFailure } from './failure';
import { genericCommand } from './generic';
import { commandNames, described, help } from './help';
import { Objects } from './objects';
import { bashCompletion } from './own';
import { printerFor } from './printer';
import { progressOf } from './progress';
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
  const query = new URLSearchParams({
    session_id: api.session,
    name_label: optional(args, 'name-label') ?? file,
  });
  const answer = await terminal.upload(file, `/images?${query.toString()}`);
  terminal.print(String((answer as { template?: string }).template ?? ''));
};

function commandNamed(name: string): Command | undefined {
  if (name === 'image-import') return imageImport;
  return Object.hasOwn(commands, name) ? commands[name] : genericCommand(name)?.run;
}
const usualUrgency = 5;
function assertComplete(args: Arguments): void {
  for (const name of described(args.command)?.required ?? [])
    if (optional(args, name) === undefined) throw new Missing(name);
}

const abroadBy =
  (terminal: Terminal) =>
  async (login: Login): Promise<Api> => {
    const { sendCall: send } = terminal;
    const url = (await terminal.originOf(login.url)) ?? login.url;
    return connect({ ...login, url, originator: 'xe', ...(send ? { send } : {}) });
  };

export async function runXe(
  words: readonly string[],
  open: () => Promise<Opened>,
  terminal: Terminal,
): Promise<number> {
  let opened: Opened | undefined, objects: Objects | undefined;
  try {
    const args = parse(words);
    const printer = printerFor(terminal, flagged(args, 'minimal'));
    const command = commandNamed(args.command);
    if (args.command === 'help' || args.command === '--help') help(args, printer);
    else if (args.command === 'completion') terminal.print(bashCompletion(commandNames()));
    else if (!command) throw new Unusable(`Unknown command: ${args.command}`);
    else {
      assertComplete(args);
      opened = await open();
      objects = new Objects(opened.api);
      const urgency = Number(optional(args, 'message-priority') ?? usualUrgency);
      const onProgress = progressOf(args, printer, terminal);
      await command(args, {
        objects,
        terminal,
        printer,
        onProgress,
        minimal: flagged(args, 'minimal'),
        urgency,
        abroad: abroadBy(terminal),
      });
    }
    printer.flush();
    return 0;
  } catch (error) {
    return await reportFailure(error, objects, terminal);
  } finally {
    await opened?.close();
  }
}
