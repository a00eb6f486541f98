/** The relations of the model, as tables see them: a stored field of references and the computed set at its other end. */
import {
  classNamed,
  isClassName,
  storedClasses,
  type ClassDef,
  type ClassName,
  type Field,
} from '@xenplane/model';
import { foreignKeys } from './foreign-keys';

export interface Relation {
  /** The class whose table holds the references. */
  readonly from: ClassName;
  readonly field: string;
  /** True if the field holds many references. */
  readonly many: boolean;
  /** The class that is pointed at, and its computed set of those that point. */
  readonly to: ClassName;
  readonly computed: string;
}

export const nameOf = (cls: ClassDef): ClassName => {
  if (!isClassName(cls.name)) throw new Error(`the model has no class ${cls.name}`);
  return cls.name;
};

/** A few ends are known to xapi alone: there is no field to compute the set from, so it stays empty. */
function relationOf(cls: ClassDef, computed: string, { inverse = '' }: Field): Relation[] {
  const [from = '', field = ''] = inverse.split('.');
  const stored = isClassName(from) ? classNamed(from).fields[field] : undefined;
  return stored && isClassName(from)
    ? [{ from, field, many: stored.type.kind === 'set', to: nameOf(cls), computed }]
    : [];
}

export const relations: readonly Relation[] = storedClasses.flatMap((cls) =>
  Object.entries(cls.fields).flatMap(([name, field]) =>
    field.inverse === undefined ? [] : relationOf(cls, name, field),
  ),
);
/** A field whose references are also found from their other end: those of relations, and those that may not dangle. */
export interface Pointing {
  readonly cls: ClassName;
  readonly field: string;
  readonly many: boolean;
  /** `Class.field`. */ readonly key: string;
}
const pointing = new Map<string, Pointing>();
for (const { from, field, many } of [...relations, ...foreignKeys.map((k) => ({ ...k, many: false }))])
  pointing.set(`${from}.${field}`, { cls: from, field, many, key: `${from}.${field}` });
export const pointings: readonly Pointing[] = [...pointing.values()];

const none: readonly Relation[] = [];
const grouped = (key: (r: Relation) => ClassName): ReadonlyMap<ClassName, readonly Relation[]> => {
  const groups = new Map<ClassName, Relation[]>();
  for (const relation of relations)
    groups.set(key(relation), [...(groups.get(key(relation)) ?? []), relation]);
  return groups;
};
const byFrom = grouped((r) => r.from),
  byTo = grouped((r) => r.to);
/** Relations whose references are in the table of this class. */
export const relationsFrom = (cls: ClassName): readonly Relation[] => byFrom.get(cls) ?? none;
/** Relations whose computed set is a field of this class. */
export const relationsTo = (cls: ClassName): readonly Relation[] => byTo.get(cls) ?? none;
