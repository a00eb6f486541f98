/** What operations on hosts ask before they begin, besides what their lifecycle says. */
import { asRef, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';
import { assertLive, assertUnused } from './host-use';

type Args = Readonly<Record<string, unknown>>;
const hostIn = (args: Args): Ref<'host'> => asRef<'host'>(String(args['host']));

export const assertHostLive = ({ tx }: Context, args: Args): Promise<void> => assertLive(tx, hostIn(args));

export async function assertMayGoDown(context: Context, args: Args): Promise<void> {
  await assertHostLive(context, args);
  await assertUnused(context.tx, hostIn(args));
}
