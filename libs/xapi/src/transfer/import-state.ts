/** The objects that an import has made so far, by their names in the archive. */
import {
  asRef,
  classNamed,
  isNullRef,
  messages,
  storedFields,
  XenError,
  type ClassName,
  type Ref,
  type StoredRecord,
} from '@xenplane/model';
import type { Ova, OvaObject } from '@xenplane/wire';
import type { Context } from '../core/context';
import { assertGivenKeys } from '../people/roles';

export interface ImportOptions {
  /** Where new disks go; without one only records are imported, and disks are looked for. */
  readonly sr?: Ref<'SR'> | undefined;
  /** Keeps uuids and MAC addresses, and replaces an older VM with the same uuid. */
  readonly restore: boolean;
  readonly force: boolean;
  /** A guest that is not halted must find all here that it has seen of a CPU. */
  readonly checkCpu?: boolean;
  /** The memory passes through: it is loaded at once, and takes no space. */
  readonly live?: boolean;
  /** Disks that are here already, by their uuid in the archive: they are looked for, and no contents of them follow. */
  readonly vdis?: ReadonlyMap<string, string>;
}

/** A disk whose contents follow in the archive; without a reference they are passed over. */
export interface MadeDisk {
  readonly id: string;
  readonly size: number;
  readonly ref: Ref<'VDI'> | null;
  readonly readOnly: boolean;
  /** The contents are the saved memory of this VM. */
  readonly memoryOf?: Ref<'VM'>;
}
/** Plain values: the journal of an operation keeps them. */
export interface Made {
  readonly vms: Ref<'VM'>[];
  readonly snapshots: Ref<'VM'>[];
  readonly disks: MadeDisk[];
  readonly networks: Ref<'network'>[];
  /** VMs that a new one takes the place of when all has come. */
  readonly replaced: { readonly old: Ref<'VM'>; readonly by: Ref<'VM'>; readonly uuid: string }[];
}

type Snapshot = Readonly<Record<string, unknown>>;

export class ImportState {
  readonly made: Made = { vms: [], snapshots: [], disks: [], networks: [], replaced: [] };
  private readonly refs = new Map<string, string>();

  constructor(
    readonly context: Context,
    readonly ova: Ova,
    readonly options: ImportOptions,
  ) {}

  know<N extends ClassName>(cls: N, id: string, ref: Ref<N>): void {
    this.refs.set(`${cls} ${id}`, ref);
  }
  /** Null where the archive names nothing, or what we have nothing for. */
  find<N extends ClassName>(cls: N, id: unknown): Ref<N> | undefined {
    const found = this.refs.get(`${cls} ${String(id)}`);
    return found === undefined ? undefined : asRef<N>(found);
  }
  orNull<N extends ClassName>(cls: N, id: unknown): Ref<N> {
    return this.find(cls, id) ?? asRef<N>('OpaqueRef:NULL');
  }
  needed<N extends ClassName>(cls: N, id: unknown): Ref<N> {
    const found = this.find(cls, id);
    if (!found) throw new XenError('IMPORT_ERROR_FAILED_TO_FIND_OBJECT', String(id));
    return found;
  }
  /** The archive's record of an object. */
  described<N extends ClassName>(cls: N, id: unknown): StoredRecord<N> | undefined {
    const object = this.ova.objects.find((o) => o.class === cls && o.id === id);
    return object && recordIn<N>(object.snapshot);
  }

  newRef<N extends ClassName>(_cls: N): { uuid: string; ref: Ref<N> } {
    const uuid = this.context.plane.ids.uuid();
    return { uuid, ref: asRef<N>(`OpaqueRef:${uuid}`) };
  }

  /** Keys of maps that the caller may not set may not come by an archive either. */
  assertMay({ class: cls, snapshot }: OvaObject): void {
    const message = messages.get('VM.import');
    if (message) assertGivenKeys(this.context.session, message, classNamed(cls), snapshot);
  }

  /** The fields that are stored, without references: those name objects of another pool. */
  fields<N extends ClassName>(cls: N, snapshot: Snapshot): Partial<StoredRecord<N>> {
    const { fields } = classNamed(cls);
    const names = storedFields(classNamed(cls)).filter(
      (name) => fields[name]?.type.kind !== 'ref' && fields[name]?.type.of?.kind !== 'ref',
    );
    return Object.fromEntries(
      names.flatMap((name) => (snapshot[name] === undefined ? [] : [[name, snapshot[name]]])),
    ) as Partial<StoredRecord<N>>;
  }
}

/** The archive's reader has decoded each record by the type of its class. */
export const recordIn = <N extends ClassName>(snapshot: Snapshot): StoredRecord<N> =>
  snapshot as StoredRecord<N>;
export const named = (id: unknown): boolean => typeof id === 'string' && id !== '' && !isNullRef(asRef(id));
