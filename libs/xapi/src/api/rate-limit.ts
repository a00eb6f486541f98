/** Calls are neither counted nor limited by caller here: what would need that is refused, as by a host without the feature. */
import { classes, XenError, type CallsOf, type ClassName, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';

async function restricted(): Promise<never> {
  throw new XenError('FEATURE_RESTRICTED');
}
/** An object that is not there is the first complaint. */
async function restrictedOn(
  { tx }: Context,
  cls: ClassName & ('Caller' | 'Rate_limit'),
  self: Ref<typeof cls>,
): Promise<never> {
  await tx.get<'Caller' | 'Rate_limit'>(cls, self);
  return restricted();
}

export const callerCalls: CallsOf<typeof classes.Caller, Context> = {
  add_group: (context, { self }) => restrictedOn(context, 'Caller', self),
  remove_group: (context, { self }) => restrictedOn(context, 'Caller', self),
  query_token_usage: (context, { self }) => restrictedOn(context, 'Caller', self),
  query_call_count: (context, { self }) => restrictedOn(context, 'Caller', self),
  query_group_token_usage: restricted,
  query_group_call_count: restricted,
  query_all_usage: restricted,
};
export const rateLimitCalls: CallsOf<typeof classes.Rate_limit, Context> = {
  add_caller: (context, { self }) => restrictedOn(context, 'Rate_limit', self),
  remove_caller: (context, { self }) => restrictedOn(context, 'Rate_limit', self),
  set_burst_size: (context, { self }) => restrictedOn(context, 'Rate_limit', self),
  set_fill_rate: (context, { self }) => restrictedOn(context, 'Rate_limit', self),
};
export const callerOverrides = { create: restricted };
export const rateLimitOverrides = { create: restricted };
