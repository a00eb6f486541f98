/** The metrics of one object: those there are, and those that are in its archives. */
import { rrd } from '@xenplane/domain';
import { asRef, isNullRef, type Ref } from '@xenplane/model';
import type { Replica } from '@xenplane/store';
import type { Plane } from '../core/context';
import { allChoices, type Choices, type RrdClass } from './choices';
import { Figures, secondsOf } from './facts';

/** The column's name in the legend of an answer. */
export const ownerNames = { host: 'host', VM: 'vm', SR: 'sr' } as const;

export interface RecordedRrd {
  readonly cls: RrdClass;
  readonly uuid: string;
  readonly sources: readonly rrd.Source[];
  /** Of an object that is not there to be measured: when it last was. */
  readonly until?: number;
}

/** All metrics of an object, recorded or not. Repositories have none of their own: hosts report their I/O. */
export function possibleSources(figures: Figures, cls: RrdClass, ref: string): readonly rrd.Source[] {
  if (cls === 'SR') return [];
  if (cls === 'host') return figures.host(asRef(ref))?.sources() ?? [];
  return figures.vm(asRef(ref)) ?? [];
}

export const isRecorded = (source: rrd.Source, choices: Choices): boolean =>
  choices[source.name]?.recorded ?? source.standard;

export function recordedOf(sources: readonly rrd.Source[], choices: Choices): rrd.Source[] {
  return sources
    .filter((s) => isRecorded(s, choices))
    .map((s) => {
      const since = choices[s.name]?.since;
      return since === undefined ? s : { ...s, figure: () => later(s.figure(), since) };
    });
}
const later = (figure: rrd.Figure, since: number): rrd.Figure => ({
  terms: figure.terms,
  since: Math.max(figure.since ?? -Infinity, rrd.firstSlot(since)),
});

/** Reads the archives of many objects for one answer. */
export class Archives {
  private constructor(
    private readonly view: Replica,
    private readonly figures: Figures,
    private readonly choices: (cls: RrdClass, uuid: string) => Choices,
  ) {}

  static async open({ replica, store, metrics }: Plane): Promise<Archives> {
    const [choices] = await Promise.all([allChoices(store), replica.fresh()]);
    return new Archives(replica, new Figures(replica, metrics), choices);
  }

  of(cls: RrdClass, ref: string): RecordedRrd | undefined {
    const uuid = this.view.stored(cls, ref)?.uuid;
    return uuid === undefined
      ? undefined
      : { cls, uuid, sources: recordedOf(possibleSources(this.figures, cls, ref), this.choices(cls, uuid)) };
  }
  byUuid(cls: RrdClass, uuid: string): RecordedRrd | undefined {
    const ref = this.view.byUuid(cls, uuid);
    return ref === undefined ? undefined : this.of(cls, ref);
  }
  residents(host: Ref<'host'>): readonly string[] {
    return this.view.pointingAt('VM.resident_on', host);
  }
}

/** When a VM that does not run was last up; 0 for never. */
export async function lastUp({ store, replica }: Plane, ref: Ref<'VM'>): Promise<number | undefined> {
  const vm = replica.stored('VM', ref);
  if (!vm || !isNullRef(vm.resident_on)) return undefined;
  const [run] = await store.query<{ since: string }>(
    'SELECT to_char(since, \'YYYYMMDD"T"HH24:MI:SS"Z"\') AS since FROM vm_run WHERE vm = $1',
    [ref],
  );
  return run ? secondsOf(run.since) : 0;
}
