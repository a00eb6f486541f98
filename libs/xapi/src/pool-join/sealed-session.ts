/** A password is exchanged for a session of the other pool before anything is written down: an operation keeps only that. */
import { reading } from '@xenplane/store';
import type { Plane } from '../core/context';
import { joiningObjectsOf } from './joining-objects';
import { assertAtHome, assertMayJoin } from './checks';
import { OtherPool } from './other-pool';

export interface JoinParams {
  readonly master_address: string;
  readonly master_username: string;
  readonly master_password: string;
}

/** Answers the token of the session. Who may not join is refused here, before there is an operation. */
export async function logInToJoin(
  plane: Plane,
  { master_address, master_username, master_password }: JoinParams,
  force: boolean,
): Promise<string> {
  await reading(plane.store, assertAtHome);
  const other = await OtherPool.logIn(plane.store, master_address, master_username, master_password);
  try {
    await assertMayJoin(plane, other, force);
    await reading(plane.store, joiningObjectsOf);
  } catch (error) {
    await other.logOut();
    throw error;
  }
  return other.session;
}
