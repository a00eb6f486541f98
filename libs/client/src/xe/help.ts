/** `xe help`: what there is, and what one command needs. */
import { messages } from '@xenplane/model';
import { flagged, type Arguments } from './arguments';
import { commands } from './commands';
import { own } from './own';
import { genericCommand } from './generic';
import { commandFacts, type CommandFacts } from './tables/commands';
import { descriptions } from './tables/descriptions';
import { tables } from './tables/fields';
import type { Terminal } from './terminal';

export interface Described {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly doc: string;
}
const selectors: Readonly<Record<'vm' | 'host' | 'sr', string>> = { vm: '<vm-selectors>', host: '<host-selectors>', sr: '<sr-selectors>' };

function docOf(name: string, facts: CommandFacts): string {
  return descriptions[name] ?? facts.calls.map((c) => messages.get(c)?.doc).find(Boolean) ?? name;
}
/** What a command needs, takes and does; undefined when there is none of that name. */
export function described(name: string): Described | undefined {
  const ours = own[name];
  if (ours) return ours;
  const facts = commandFacts[name];
  if (!facts || !(name in commands)) return genericCommand(name);
  const optional = facts.selects ? [...facts.optional, selectors[facts.selects]] : facts.optional;
  return { required: facts.required, optional, doc: docOf(name, facts) };
}

const genericNames = Object.values(tables).flatMap((t) => t.commands);
export const commandNames = (): string[] =>
  [...new Set([...Object.keys(commands).filter((c) => !commandFacts[c]?.hidden), ...Object.keys(own), ...genericNames, 'help'])].sort();
const standardNames = (): string[] =>
  [
    ...Object.keys(commandFacts).filter((c) => commandFacts[c]?.standard && !commandFacts[c].hidden),
    'vm-list',
    'vm-param-get',
    'vm-param-set',
    'vm-param-list',
    'vm-param-add',
    'vm-param-remove',
    'vm-param-clear',
    'template-list',
    'snapshot-list',
    'task-list',
    'vdi-list',
    'host-list',
    'sr-list',
    'network-list',
  ].sort();

const general = (): string => `Usage:
    xe <command>
        [ -s <server> ]            XenServer host
        [ -p <port> ]              XenServer port number
        [ -u <username> -pw <password> | -pwf <password file> ]
                                   User authentication (password or file)
        [ --nossl ]                Disable SSL/TLS
        [ --debug ]                Enable debug output
        [ --minimal ]              Print values only, joined by commas
        [ <other arguments> ... ]

To get help on a specific command:
    xe help <command>

To get a full listing of commands:
    xe help --all

Common command list
-------------------
    ${standardNames().join(', ')}`;

const one = (name: string, { required, optional, doc }: Described): string => `command name        : ${name}
	reqd params     : ${required.join(', ')}
	optional params : ${optional.join(', ')}
	description     : ${doc}`;

export function help(args: Arguments, terminal: Terminal): boolean {
  const minimal = flagged(args, 'minimal');
  const wanted = args.pairs.filter(([n]) => n !== 'minimal' && n !== 'all').map(([n]) => n);
  if (wanted.length === 0) {
    if (minimal) terminal.print(commandNames().join(','));
    else terminal.print(flagged(args, 'all') ? `${general()}\n\nFull command list\n-----------------\n    ${commandNames().join(', ')}` : general());
    return true;
  }
  for (const name of wanted) {
    const found = described(name);
    if (!found) terminal.printError(`No help found for this command: ${name}\n`);
    else terminal.print(minimal ? [...found.required, ...found.optional].join(',') : one(name, found));
  }
  return wanted.every((name) => described(name) !== undefined);
}
