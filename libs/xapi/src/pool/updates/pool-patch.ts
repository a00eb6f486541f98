/** Patches of the old kind: each a shell around an update, with the words of its own for what goes wrong. */
import { XenError, type CallsOf, type classes, type ErrorCode, type Ref } from '@xenplane/model';
import type { Context } from '../../core/context';
import {
  applyEverywhere,
  applyUpdate,
  cleanUpdate,
  destroyUpdate,
  precheckUpdate,
  updateOf,
} from './pool-update';

const codes: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  UPDATE_ALREADY_APPLIED: 'PATCH_ALREADY_APPLIED',
  UPDATE_ALREADY_APPLIED_IN_POOL: 'PATCH_ALREADY_APPLIED',
  UPDATE_PRECHECK_FAILED_OUT_OF_SPACE: 'PATCH_PRECHECK_FAILED_OUT_OF_SPACE',
  UPDATE_IS_APPLIED: 'PATCH_IS_APPLIED',
};

/** Does it to the update; an error that names the update names the patch instead. */
async function through(
  context: Context,
  self: Ref<'pool_patch'>,
  work: (update: Ref<'pool_update'>) => Promise<void>,
): Promise<void> {
  const update = await updateOf(context, self);
  try {
    await work(update);
  } catch (error) {
    const code = error instanceof XenError ? codes[error.code] : undefined;
    if (!code || !(error instanceof XenError)) throw error;
    throw new XenError(code, ...error.params.map((p) => (p === update ? self : p)));
  }
}

export const poolPatchCalls: CallsOf<typeof classes.pool_patch, Context> = {
  apply: async (context, { self, host }) => {
    await through(context, self, (update) => applyUpdate(context, update, host));
    return '';
  },
  pool_apply: (context, { self }) => through(context, self, (update) => applyEverywhere(context, update)),
  precheck: async (context, { self, host }) => {
    await through(context, self, (update) => precheckUpdate(context, update, host));
    return '';
  },
  clean: (context, { self }) => through(context, self, (update) => cleanUpdate(context, update)),
  pool_clean: (context, { self }) => through(context, self, (update) => cleanUpdate(context, update)),
  clean_on_host: (context, { self, host }) =>
    through(context, self, async (update) => {
      await context.tx.get('host', host);
      await cleanUpdate(context, update);
    }),
  destroy: (context, { self }) => through(context, self, (update) => destroyUpdate(context, update)),
};
