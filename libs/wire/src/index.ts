import { messages, set, string } from '@xenplane/model';

export * from './malformed';
export * from './untyped';
export * from './xmlrpc';
export * from './jsonrpc';
export * from './decode';
export * from './encode';
export * from './arguments';
export * from './filter';
export * from './task-result';

/** What system.listMethods answers. */
export const methodNames = (): string[] => [...messages.values()].filter((m) => !m.hidden).flatMap((m) => (m.async ? [m.name, `Async.${m.name}`] : [m.name]));
export const methodNamesType = set(string);
