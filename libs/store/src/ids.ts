/** References. Their randomness is injected, so that a seed can make them repeatable. */
import { randomUUID } from 'node:crypto';
import { asRef, type ClassName, type Ref } from '@xenplane/model';

export interface Ids {
  uuid(): string;
}
export const randomIds: Ids = { uuid: () => randomUUID() };

/** A reference that nothing has yet. */
export const newRef = <N extends ClassName>(ids: Ids = randomIds): Ref<N> =>
  asRef<N>(`OpaqueRef:${ids.uuid()}`);
