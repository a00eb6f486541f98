/** Arguments that may not be written down are exchanged for others that may, before the operation is accepted. */
import type { Plane } from '../core/context';
import { logInToJoin, type JoinParams } from '../pool-join/sealed-session';

type Args = Readonly<Record<string, unknown>>;
export interface Sealed {
  readonly args: Args;
  /** Kept in the operation's context under this name. */
  readonly sealed: Args;
}

const joining =
  (force: boolean) =>
  async (plane: Plane, args: Args): Promise<Sealed> => ({
    sealed: { session: await logInToJoin(plane, args as Args & JoinParams, force) },
    args: { ...args, master_password: '' },
  });

const seals: Readonly<Partial<Record<string, (plane: Plane, args: Args) => Promise<Sealed>>>> = {
  'pool.join': joining(false),
  'pool.join_force': joining(true),
};
export const sealOf = (method: string): ((plane: Plane, args: Args) => Promise<Sealed>) | undefined =>
  seals[method];
