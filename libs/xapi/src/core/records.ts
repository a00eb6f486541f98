/** Whole records to insert: what is not said has the model's default, or the type's zero. */
import { classNamed, storedFields, zeroOf, type ClassName, type StoredRecord } from '@xenplane/model';

export function recordWith<N extends ClassName>(cls: N, given: Partial<StoredRecord<N>>): StoredRecord<N> {
  const { fields } = classNamed(cls);
  const blank = Object.fromEntries(
    storedFields(classNamed(cls)).map((name) => [
      name,
      structuredClone(fields[name]?.default ?? zeroOf(fields[name]?.type ?? { kind: 'string' })),
    ]),
  );
  return { ...blank, ...given } as StoredRecord<N>;
}
