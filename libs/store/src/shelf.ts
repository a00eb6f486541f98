/** The objects of one class in memory: rows, the ways to look them up, and their ready-made texts. */
import type { ClassName } from '@xenplane/model';
import type { SqlRow } from './tables';

export class Shelf {
  readonly rows = new Map<string, SqlRow>();
  private readonly uuids = new Map<string, string>();
  private readonly labels = new Map<string, Set<string>>();
  private readonly fragments = new Map<string, string>();

  constructor(readonly cls: ClassName) {}

  put(ref: string, row: SqlRow): SqlRow | undefined {
    const before = this.rows.get(ref);
    if (before) this.unindex(ref, before);
    this.rows.set(ref, row);
    if (typeof row['uuid'] === 'string') this.uuids.set(row['uuid'], ref);
    if (typeof row['name_label'] === 'string') this.labelled(row['name_label']).add(ref);
    this.fragments.delete(ref);
    return before;
  }

  delete(ref: string): SqlRow | undefined {
    const before = this.rows.get(ref);
    if (!before) return undefined;
    this.unindex(ref, before);
    this.rows.delete(ref);
    this.fragments.delete(ref);
    return before;
  }

  byUuid(uuid: string): string | undefined {
    return this.uuids.get(uuid);
  }
  byLabel(label: string): readonly string[] {
    return [...(this.labels.get(label) ?? [])];
  }

  /** The text of the object, made when it is first asked for. */
  fragment(ref: string, make: () => string): string {
    const ready = this.fragments.get(ref);
    if (ready !== undefined) return ready;
    const made = make();
    this.fragments.set(ref, made);
    return made;
  }
  stale(ref: string): void {
    this.fragments.delete(ref);
  }

  private labelled(label: string): Set<string> {
    const set = this.labels.get(label) ?? new Set<string>();
    this.labels.set(label, set);
    return set;
  }
  private unindex(ref: string, row: SqlRow): void {
    if (typeof row['uuid'] === 'string') this.uuids.delete(row['uuid']);
    if (typeof row['name_label'] !== 'string') return;
    const set = this.labels.get(row['name_label']);
    set?.delete(ref);
    if (set?.size === 0) this.labels.delete(row['name_label']);
  }
}
