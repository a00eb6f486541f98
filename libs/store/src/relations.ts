/** The computed sets of every class, kept as indexes: who points at whom through which field. */
import { classes, type ClassDef, type ClassName } from '@xenplane/model';
import { tables, type SqlRow } from './tables';

interface Relation {
  readonly field: string;
  readonly targets: readonly ClassName[];
}

const all: Readonly<Record<string, ClassDef>> = classes;
/** For each class, its fields that others' computed sets are made from, and the classes that have those sets. */
const sources = new Map<ClassName, Relation[]>();
for (const cls of tables.keys()) {
  const found = new Map<string, ClassName[]>();
  for (const other of tables.keys())
    for (const field of Object.values(all[other]?.fields ?? {})) {
      const [source, name = ''] = (field.inverse ?? '').split('.');
      if (source === cls) found.set(name, [...(found.get(name) ?? []), other]);
    }
  sources.set(
    cls,
    [...found].map(([field, targets]) => ({ field, targets })),
  );
}
/** Fields that nobody's set is computed from, yet whose other end must be found. */
for (const [cls, field] of [
  ['VM', 'guest_metrics'],
  ['host', 'metrics'],
] as const)
  sources.get(cls)?.push({ field, targets: [] });

const refsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? (value as string[]) : typeof value === 'string' && value !== 'OpaqueRef:NULL' ? [value] : [];

export class Relations {
  /** `Class.field` to target to those that point at it, in the order in which they came. */
  private readonly indexes = new Map<string, Map<string, Set<string>>>();

  /** Moves the row's references from what they were to what they are; answers the objects whose sets or derived fields may differ now. */
  move(cls: ClassName, ref: string, before: SqlRow | undefined, after: SqlRow | undefined): [ClassName, string][] {
    const touched: [ClassName, string][] = [];
    for (const { field, targets } of sources.get(cls) ?? []) {
      const old = refsIn(before?.[field]),
        now = refsIn(after?.[field]);
      for (const target of old) if (!now.includes(target)) this.index(cls, field).get(target)?.delete(ref);
      for (const target of now) if (!old.includes(target)) this.add(cls, field, target, ref);
      for (const target of new Set([...old, ...now])) for (const owner of targets) touched.push([owner, target]);
    }
    return touched;
  }

  /** Those of `source`'s class that point at the target through the field; `source` is `Class.field`. */
  pointingAt(source: string, target: string): readonly string[] {
    return [...(this.indexes.get(source)?.get(target) ?? [])];
  }

  private index(cls: ClassName, field: string): Map<string, Set<string>> {
    const key = `${cls}.${field}`;
    const index = this.indexes.get(key) ?? new Map<string, Set<string>>();
    this.indexes.set(key, index);
    return index;
  }
  private add(cls: ClassName, field: string, target: string, ref: string): void {
    const index = this.index(cls, field);
    const set = index.get(target) ?? new Set<string>();
    set.add(ref);
    index.set(target, set);
  }
}
