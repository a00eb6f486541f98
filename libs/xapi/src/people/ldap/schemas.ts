/** The kinds of directories that can be joined. */
import { activeDirectory } from './active-directory';
import { posix } from './posix';
import type { Schema } from './schema';

export const schemas = { ad: activeDirectory, posix } as const satisfies Readonly<Record<string, Schema>>;
export type SchemaName = keyof typeof schemas;
export const isSchemaName = (name: string): name is SchemaName => Object.hasOwn(schemas, name);
