/** `xe help`: what there is, and what one command needs. */
import { messages } from '@xenplane/model';
import { flagged, type Arguments } from './arguments';
import { commands } from './commands';
import { own } from './own';
import { genericCommand } from './generic';
import type { Cell } from './objects';
import type { Printer } from './printer';
import { commandFacts, type CommandFacts } from './tables/commands';
import { descriptions } from './tables/descriptions';
import { tables } from './tables/fields';

export interface Described {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly doc: string;
}
const selectors: Readonly<Record<'vm' | 'host' | 'sr', string>> = {
  vm: '<vm-selectors>',
  host: '<host-selectors>',
  sr: '<sr-selectors>',
};

function docOf(name: string, facts: CommandFacts): string {
  return descriptions[name] ?? facts.calls.map((c) => messages.get(c)?.doc).find(Boolean) ?? name;
}
/** The parameters and effect of a command; undefined when there is none of that name. */
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
  [
    ...new Set([
      ...Object.keys(commands).filter((c) => !commandFacts[c]?.hidden),
      ...Object.keys(own),
      ...genericNames,
      'help',
    ]),
  ].sort();
const standardNames = (): string[] =>
  [
    ...Object.keys(commandFacts).filter((c) => commandFacts[c]?.standard && !commandFacts[c].hidden),
    ...['vm-list', 'network-list', 'sr-list'],
  ].sort();

const usage = `Usage:
  xe <command>
    [ -s <server> ]            XenServer host
    [ -p <port> ]              XenServer port number
    [ -u <username> -pw <password> | -pwf <password file> ]
                               User authentication (password or file)
    [ --nossl ]                Disable SSL/TLS
    [ --debug ]                Enable debug output
    [ --debug-on-fail ]        Enable debug output on failure only
    [ --traceparent <traceparent> ]
                               Distributed tracing context
    [ --minimal ]              Print values only, joined by commas
    [ <other arguments> ... ]

To get help on a specific command:
  xe help <command>

`;
const widest = 74;
/** Names in lines that are not too long. */
function inLines(names: readonly string[]): string[] {
  const lines: string[] = [];
  let line = '';
  for (const name of names)
    if (line === '') line = `    ${name}`;
    else if (line.length + name.length <= widest) line += `, ${name}`;
    else {
      lines.push(line);
      line = `    ${name}`;
    }
  return [...lines, line];
}
function full(printer: Printer): void {
  const all = commandNames();
  const of = (prefix: string): string[] => all.filter((name) => name.startsWith(prefix));
  printer.list([`${usage}Full command list\n-----------------\n`]);
  printer.list(inLines(of('host-')));
  printer.list(['    ']);
  printer.list(inLines(of('vm-')));
  printer.list(['    ']);
  printer.list(inLines(all.filter((name) => !/^(host|vm)-/.test(name))));
}
function common(printer: Printer): void {
  printer.list([
    `${usage}To get a full listing of commands:\n  xe help --all\n\nCommon command list\n-------------------\n`,
  ]);
  printer.list(inLines(standardNames()));
}

const cell = (name: string, value: string): Cell => ({ name, value });
const record = (name: string, { required, optional, doc }: Described): Cell[] => [
  cell('command name        ', name),
  cell('reqd params     ', required.join(', ')),
  cell('optional params ', optional.join(', ')),
  cell('description     ', doc),
];

const connection = new Set(['server', 'username', 'password', 'port', 'minimal', 'all']);
export function help(args: Arguments, printer: Printer): void {
  const wanted = args.pairs.map(([n]) => n).filter((n) => !connection.has(n));
  for (const name of wanted) {
    const found = described(name);
    if (found) printer.table([record(name, found)]);
    else printer.list([`Unknown command '${name}'`]);
  }
  if (wanted.length > 0) return;
  const all = flagged(args, 'all');
  if (flagged(args, 'minimal')) printer.list(all ? commandNames() : standardNames());
  else if (all) full(printer);
  else common(printer);
}
