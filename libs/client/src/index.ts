export * from './api';
export * from './xe/run';
export { parse, type Arguments } from './xe/arguments';
export { lines, minimal, type Cell } from './xe/objects';
export { commands } from './xe/commands';
export { tables } from './xe/tables/fields';
