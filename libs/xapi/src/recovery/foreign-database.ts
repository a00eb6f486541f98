/** The database that was found on a disk, read like our own: what a session sees that opened it. */
import { XenError, type ClassName, type Ref, type XenRecord } from '@xenplane/model';
import { inSlices, Objects } from '@xenplane/store';
import { encodeJson, type Blocks } from '@xenplane/wire';
import type { Plane } from '../core/context';
import type { Readable } from '../core/implied-calls';
import type { Sessions } from '../api/sessions';
import { readDump, type Entry } from './dump';
import { openedDatabase } from '../tables/sessions/sessions';

export class ForeignDatabase implements Readable {
  private readonly objects = new Objects();
  /** Nothing changes here, so what is written once stays. */
  private readonly blocks = new Map<ClassName, Blocks>();

  constructor(entries: Iterable<Entry>) {
    for (const { cls, ref, record } of entries) this.objects.put(cls, { ...record, ref });
  }

  has(cls: ClassName, ref: string): boolean {
    return this.objects.has(cls, ref);
  }
  refs<N extends ClassName>(cls: N): IterableIterator<Ref<N>> {
    return this.objects.refs(cls);
  }
  byUuid<N extends ClassName>(cls: N, uuid: string): Ref<N> | undefined {
    return this.objects.byUuid(cls, uuid);
  }
  byNameLabel<N extends ClassName>(cls: N, label: string): readonly Ref<N>[] {
    return this.objects.byLabel(cls, label);
  }
  record<N extends ClassName>(cls: N, ref: Ref<N>): Readonly<XenRecord<N>> | undefined {
    return this.objects.related(cls, ref);
  }
  fragment<N extends ClassName>(cls: N, ref: Ref<N>): string {
    const record = this.record(cls, ref);
    return record ? encodeJson({ kind: 'record', cls }, record) : '';
  }
  async prepare(cls: ClassName): Promise<void> {
    if (this.blocks.has(cls)) return;
    const made: string[] = [];
    for await (const ref of inSlices(this.refs(cls)))
      made.push(`${JSON.stringify(ref)}:${this.fragment(cls, ref)}`);
    this.blocks.set(cls, made);
  }
  allRecords(cls: ClassName): Blocks {
    return this.blocks.get(cls) ?? [];
  }
}

/** So many are kept in memory at once; others are read again. */
const mostKept = 4;

interface Kept {
  readonly database: Promise<ForeignDatabase>;
  /** Not notified any more when the session ends. */
  readonly stop: () => void;
}

/** The databases that sessions have opened. The bytes are in Postgres, so that every process can answer every session. */
export class OpenedDatabases {
  private readonly kept = new Map<Ref<'session'>, Kept>();

  constructor(
    private readonly plane: Pick<Plane, 'store'>,
    private readonly sessions: Sessions,
  ) {}

  of(session: Ref<'session'>): Promise<ForeignDatabase> {
    const found = this.kept.get(session) ?? this.load(session);
    this.kept.delete(session);
    this.kept.set(session, found);
    const [oldest] = this.kept.size > mostKept ? this.kept.keys() : [];
    if (oldest) this.drop(oldest);
    return found.database;
  }

  private load(session: Ref<'session'>): Kept {
    const database = this.read(session);
    database.catch(() => this.drop(session));
    return { database, stop: this.sessions.onClose(session, () => this.drop(session)) };
  }
  private drop(session: Ref<'session'>): void {
    this.kept.get(session)?.stop();
    this.kept.delete(session);
  }
  private async read(session: Ref<'session'>): Promise<ForeignDatabase> {
    const dump = await openedDatabase(this.plane.store, session);
    if (!dump) throw new XenError('HANDLE_INVALID', 'session', session);
    return new ForeignDatabase(readDump(dump));
  }
}
