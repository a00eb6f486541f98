/** Checks of a model that no type can express; each complaint names its place. */
import type { ClassDef, Field } from './language';
import { messagesOf } from './messages';
import type { Type } from './types';

type Say = (place: string, complaint: string) => void;

function checkType(type: Type, place: string, names: ReadonlySet<string>, say: Say): void {
  if ((type.kind === 'ref' || type.kind === 'record') && !names.has(type.cls ?? ''))
    say(place, `there is no class ${type.cls}`);
  if (type.kind === 'enum' && new Set(type.values).size !== (type.values?.length ?? 0))
    say(place, `${type.name} has a value twice`);
  if (type.of) checkType(type.of, place, names, say);
  if (type.key) checkType(type.key, place, names, say);
}

function fits(type: Type, value: unknown): boolean {
  switch (type.kind) {
    case 'int':
      return Number.isInteger(value);
    case 'float':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    case 'enum':
      return type.values?.includes(String(value)) ?? false;
    case 'set':
      return Array.isArray(value) && value.every((v) => type.of !== undefined && fits(type.of, v));
    case 'map':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === 'string';
  }
}

/** The other end must exist, be stored, and hold references to this class. */
function checkInverse(
  cls: ClassDef,
  name: string,
  field: Field,
  byName: ReadonlyMap<string, ClassDef>,
  say: Say,
): void {
  const [otherName = '', otherField = ''] = (field.inverse ?? '').split('.');
  const place = `${cls.name}.${name}`;
  if (internalEnds.has(field.inverse ?? '')) return;
  const other = byName.get(otherName)?.fields[otherField];
  if (!other) return say(place, `its other end ${field.inverse} does not exist`);
  if (other.inverse) say(place, `neither it nor its other end ${field.inverse} is stored`);
  const target = other.type.kind === 'set' ? other.type.of : other.type;
  if (target?.kind !== 'ref' || target.cls !== cls.name)
    say(place, `its other end ${field.inverse} does not refer to ${cls.name}`);
}
/** Ends that xapi keeps to itself: the relation is known, its other end is no published field. */
const internalEnds = new Set([
  'task.session',
  'pool_patch.host_patches',
  'crashdump.VM',
  'VM.protection_policy',
]);

function checkParams(cls: ClassDef, say: Say): void {
  for (const message of messagesOf(cls)) {
    const firstDefault = message.params.findIndex((p) => 'default' in p.type);
    if (firstDefault >= 0 && message.params.slice(firstDefault).some((p) => !('default' in p.type)))
      say(message.name, 'a parameter without a default follows one with');
    for (const p of message.params)
      if ('default' in p.type && !fits(p.type, p.type.default))
        say(message.name, `the default of ${p.name} is not of its type`);
    if (message.doc.trim() === '') say(message.name, 'has no doc');
  }
}

/** The operations that objects of a class can show. */
function operationsOf(cls: ClassDef | undefined): readonly string[] {
  return cls?.fields['current_operations']?.type.of?.values ?? [];
}
function checkTargets(cls: ClassDef, byName: ReadonlyMap<string, ClassDef>, say: Say): void {
  for (const [name, { targets, params }] of Object.entries(cls.calls))
    for (const [param, target] of Object.entries(targets ?? {})) {
      const op = typeof target === 'string' ? target : target?.op;
      if (!operationsOf(byName.get(params[param]?.cls ?? '')).includes(op ?? ''))
        say(`${cls.name}.${name}`, `the object of ${param} cannot show ${op}`);
    }
}

export function check(model: readonly ClassDef[]): string[] {
  const complaints: string[] = [];
  const say: Say = (place, complaint) => void complaints.push(`${place}: ${complaint}`);
  const byName = new Map(model.map((c) => [c.name, c]));
  const names = new Set(byName.keys());
  if (names.size !== model.length) say('model', 'two classes have one name');
  for (const cls of model) {
    const calls = messagesOf(cls).map((m) => m.name);
    if (new Set(calls).size !== calls.length) say(cls.name, 'two messages have one name');
    for (const message of messagesOf(cls))
      for (const type of [...message.params.map((p) => p.type), ...(message.result ? [message.result] : [])])
        checkType(type, message.name, names, say);
    for (const [name, field] of Object.entries(cls.fields)) {
      checkType(field.type, `${cls.name}.${name}`, names, say);
      if (field.doc.trim() === '') say(`${cls.name}.${name}`, 'has no doc');
      if (field.default !== undefined && !fits(field.type, field.default))
        say(`${cls.name}.${name}`, 'its default is not of its type');
      if (field.inverse) checkInverse(cls, name, field, byName, say);
    }
    checkParams(cls, say);
    checkTargets(cls, byName, say);
  }
  return complaints;
}
