/** The whole model: every class by name, every message by its name on the wire. */
import { classes } from './classes';
import type { ClassDef, RecordOf, StoredOf } from './language';
import { messagesOf, type Message } from './messages';

export { classes };
export type ClassName = keyof typeof classes;
/** The record of the class of this name. */
export type XenRecord<N extends ClassName> = RecordOf<(typeof classes)[N]>;

/** The columns of the table of the class of this name. */
export type StoredRecord<N extends ClassName> = StoredOf<(typeof classes)[N]>;

export const classNames = Object.keys(classes) as ClassName[];
export const isClassName = (text: string): text is ClassName => Object.hasOwn(classes, text);
export const classNamed = (name: ClassName): ClassDef => classes[name];
/** Classes that have a table. */
export const storedClasses: readonly ClassDef[] = Object.values<ClassDef>(classes).filter(
  (c) => c.stored !== false,
);

export const messages: ReadonlyMap<string, Message> = new Map(
  Object.values<ClassDef>(classes).flatMap((c) => messagesOf(c).map((m): [string, Message] => [m.name, m])),
);
/** Fields that a table keeps: all but those computed from the other end of a relation. */
export const storedFields = (cls: ClassDef): readonly string[] =>
  Object.keys(cls.fields).filter((f) => !isComputed(cls, f));
export const isComputed = (cls: ClassDef, field: string): boolean => cls.fields[field]?.inverse !== undefined;
