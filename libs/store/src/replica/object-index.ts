/** The objects of all classes in memory, and the ways to find them. */
import {
  asRef,
  classNamed,
  isComputed,
  isNullRef,
  nullRefText,
  type ClassName,
  type Ref,
  type XenRecord,
} from '@xenplane/model';
import { MultiMap } from './multimap';
import { pointings, relationsFrom, relationsTo, type Pointing, type Relation } from '../schema/relations';
import { tables, type Row, type Table } from '../schema/tables';

type Loose = Readonly<Record<string, unknown>>;
export interface Pointer {
  readonly cls: ClassName;
  readonly ref: string;
}

/** One object. What follows the row belongs to its text. */
export interface Entry {
  readonly cls: ClassName;
  readonly ref: string;
  row: Loose;
  block: unknown;
  text: string | undefined;
  /** Where its text is in the block's bytes; -1 when it is not, or not the current one. */
  start: number;
  end: number;
}

class Shelf {
  readonly entries = new Map<string, Entry>();
  readonly byUuid = new Map<string, string>();
  readonly byLabel: MultiMap | undefined;
  /** The shape of a row: copies of one object share it, which keeps a row of 83 fields compact. */
  readonly shape: Loose;
  readonly pointing: readonly Pointing[];
  readonly relations: readonly Relation[];
  readonly computed: readonly Relation[];
  /** Every field that the model computes, also those few whose other end is nowhere stored. */
  readonly computedFields: readonly string[];

  constructor(readonly table: Table) {
    const cls = classNamed(table.cls);
    this.computedFields = Object.keys(cls.fields).filter((field) => isComputed(cls, field));
    this.byLabel = table.column.has('name_label') ? new MultiMap() : undefined;
    const shape: unknown = JSON.parse(
      `{"ref":null,${table.columns.map((c) => `${JSON.stringify(c.name)}:null`).join()}}`,
    );
    this.shape = shape as Loose;
    this.pointing = pointings.filter((p) => p.cls === table.cls);
    this.relations = relationsFrom(table.cls);
    this.computed = relationsTo(table.cls);
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
function targets({ field, many }: Pick<Pointing, 'field' | 'many'>, row: Loose): readonly string[] {
  const value = row[field];
  if (many) return Array.isArray(value) ? value.map(String) : [];
  return isNullRef(text(value)) ? [] : [text(value)];
}

export class Objects {
  private readonly shelves = new Map<ClassName, Shelf>(tables.map((t) => [t.cls, new Shelf(t)]));
  /** By `Class.field`: who points where. */
  private readonly pointers = new Map<string, MultiMap>(pointings.map((p) => [p.key, new MultiMap()]));

  private shelf(cls: ClassName): Shelf | undefined {
    return this.shelves.get(cls);
  }

  /** A row from the driver, values in the order of the table's statement. */
  rowOf(cls: ClassName, values: readonly unknown[]): Loose {
    const shelf = this.shelf(cls);
    if (!shelf) throw new Error(`${cls} has no table`);
    const row: Record<string, unknown> = { ...shelf.shape };
    row['ref'] = values[0];
    const { columns } = shelf.table;
    for (let i = 0; i < columns.length; i += 1) {
      const column = columns[i],
        value = values[i + 1];
      if (column) row[column.name] = value === null && column.reference ? nullRefText : value;
    }
    return row;
  }

  /** Puts an object in, or its new row; answers the row before. */
  put(cls: ClassName, row: Loose): Loose | undefined {
    const shelf = this.shelf(cls),
      ref = text(row['ref']);
    if (!shelf) return undefined;
    const entry = shelf.entries.get(ref),
      before = entry?.row;
    if (before) this.unlink(shelf, ref, before, row);
    this.link(shelf, ref, row, before);
    if (entry) entry.row = row;
    else shelf.entries.set(ref, { cls, ref, row, block: undefined, text: undefined, start: -1, end: -1 });
    return before;
  }

  /** Takes an object out; answers what it was. */
  drop(cls: ClassName, ref: string): Entry | undefined {
    const shelf = this.shelf(cls),
      entry = shelf?.entries.get(ref);
    if (!shelf || !entry) return undefined;
    this.unlink(shelf, ref, entry.row, undefined);
    shelf.entries.delete(ref);
    return entry;
  }

  /** Keys that stay the same are left alone, so that an object keeps its place in the sets it is in. */
  private link(shelf: Shelf, ref: string, row: Loose, before: Loose | undefined): void {
    if (row['uuid'] !== before?.['uuid']) shelf.byUuid.set(text(row['uuid']), ref);
    if (row['name_label'] !== before?.['name_label']) shelf.byLabel?.add(text(row['name_label']), ref);
    for (const pointing of shelf.pointing) {
      if (pointing.many || row[pointing.field] !== before?.[pointing.field])
        for (const to of targets(pointing, row)) this.pointers.get(pointing.key)?.add(to, ref);
    }
  }
  private unlink(shelf: Shelf, ref: string, row: Loose, after: Loose | undefined): void {
    if (row['uuid'] !== after?.['uuid'] && shelf.byUuid.get(text(row['uuid'])) === ref)
      shelf.byUuid.delete(text(row['uuid']));
    if (row['name_label'] !== after?.['name_label']) shelf.byLabel?.delete(text(row['name_label']), ref);
    for (const pointing of shelf.pointing) {
      if (!pointing.many && row[pointing.field] === after?.[pointing.field]) continue;
      const kept = pointing.many && after ? targets(pointing, after) : [];
      for (const to of targets(pointing, row))
        if (!kept.includes(to)) this.pointers.get(pointing.key)?.delete(to, ref);
    }
  }

  entry(cls: ClassName, ref: string): Entry | undefined {
    return this.shelf(cls)?.entries.get(ref);
  }
  entries(cls: ClassName): IterableIterator<Entry> {
    return (this.shelf(cls)?.entries ?? new Map<string, Entry>()).values();
  }
  has(cls: ClassName, ref: string): boolean {
    return this.shelf(cls)?.entries.has(ref) ?? false;
  }
  count(cls: ClassName): number {
    return this.shelf(cls)?.entries.size ?? 0;
  }
  *refs<N extends ClassName>(cls: N): IterableIterator<Ref<N>> {
    for (const ref of this.shelf(cls)?.entries.keys() ?? []) yield asRef<N>(ref);
  }
  stored<N extends ClassName>(cls: N, ref: string): Readonly<Row<N>> | undefined {
    return this.entry(cls, ref)?.row as Readonly<Row<N>> | undefined;
  }
  byUuid<N extends ClassName>(cls: N, uuid: string): Ref<N> | undefined {
    const ref = this.shelf(cls)?.byUuid.get(uuid);
    return ref === undefined ? undefined : asRef<N>(ref);
  }
  byLabel<N extends ClassName>(cls: N, label: string): Ref<N>[] {
    return (this.shelf(cls)?.byLabel?.get(label) ?? []).map((ref) => asRef<N>(ref));
  }
  /** The objects that point at an object through a field, in the order in which they came; `source` is `Class.field`. */
  pointingAt(source: string, target: string): string[] {
    return this.pointers.get(source)?.get(target) ?? [];
  }
  /** The record with its computed sets; derived fields are as they are stored. */
  related<N extends ClassName>(cls: N, ref: string): XenRecord<N> | undefined {
    const entry = this.entry(cls, ref),
      shelf = this.shelf(cls);
    if (!entry || !shelf) return undefined;
    const { ref: _ref, ...row } = entry.row;
    const record: Record<string, unknown> = row;
    for (const field of shelf.computedFields) record[field] = [];
    for (const { computed, from, field } of shelf.computed)
      record[computed] = this.pointingAt(`${from}.${field}`, ref);
    return record as XenRecord<N>;
  }
  /** The objects that an object with this row points to through relations. */
  targets(cls: ClassName, row: Loose): Pointer[] {
    return (this.shelf(cls)?.relations ?? []).flatMap((relation) =>
      targets(relation, row).map((ref) => ({ cls: relation.to, ref })),
    );
  }
}
