export * from './api';
export * from './xe/run';
export type { Terminal } from './xe/terminal';
export { parse, type Arguments } from './xe/arguments';
export { lines, minimal, type Cell } from './xe/objects';
export { commands } from './xe/commands';
export { commandNames, described } from './xe/help';
export { commandFacts } from './xe/tables/commands';
export { tables } from './xe/tables/fields';
