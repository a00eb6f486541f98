/** Fields that are computed when a record is read, by rules that live above the store. `View` is the replica, as they read it. */
import type { ClassName } from '@xenplane/model';

type Loose = Readonly<Record<string, unknown>>;
export type Lookers = readonly (readonly [ClassName, string])[];

/** The fields of other objects that derived fields look at. */
export interface Look<View> {
  /** The fields that are looked at; an object that is made or deleted is a change of all of them. */
  readonly fields: readonly string[];
  /** Objects whose derived fields look there. `row` is the object's before a change or after it, empty when it is not known any more. */
  readonly by: (row: Loose, ref: string, view: View) => Lookers;
  /** Only people change these fields: a row that is as it was before several changes is taken for one that stayed so. Needed where many objects look. */
  readonly seldom?: boolean;
}
export interface Derivation<View> {
  /** The derived fields, from the record with its computed sets and from whatever else is known. */
  readonly derive?: (record: Loose, ref: string, view: View) => Loose;
  /** The objects that look at this class: their texts become stale with it, and they have an event of their own. */
  readonly looks?: readonly Look<View>[];
}
export type Derivations<View> = Partial<Record<ClassName, Derivation<View>>>;
