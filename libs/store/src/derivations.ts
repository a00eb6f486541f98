/** Fields that are computed when a record is read, by rules that live above the store. */
import type { ClassName } from '@xenplane/model';
import type { Replica } from './replica';

type Loose = Readonly<Record<string, unknown>>;

export interface Derivation {
  /** The derived fields, from the record with its computed sets and from whatever else is known. */
  derive(record: Loose, ref: string, view: Replica): Loose;
  /** Objects whose derived fields look at this one, besides those it points to. Asked before a change and after it. */
  stales?(record: Loose, ref: string, view: Replica): readonly (readonly [ClassName, string])[];
}
export type Derivations = Partial<Record<ClassName, Derivation>>;
