import { classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import type { Context } from '../core/context';
import { createPlain } from '../core/implied-calls';

type Traced = Partial<Pick<StoredRecord<'Observer'>, 'hosts' | 'attributes' | 'endpoints' | 'components'>>;
const known = ['xapi', 'xenopsd', 'xapi-clusterd', 'smapi'];
const attribute = /^[a-zA-Z0-9._-]+$/;
const isEndpoint = (text: string): boolean => text === 'bugtool' || /^https?:\/\/[^\s/]+/.test(text);

/** Values that cannot be traced are refused before they are stored. */
async function assertTraced(
  { tx }: Context,
  { hosts = [], attributes = {}, endpoints = [], components = [] }: Traced,
): Promise<void> {
  for (const host of hosts) await tx.get('host', host);
  for (const name of Object.keys(attributes))
    if (!attribute.test(name)) throw new XenError('INVALID_VALUE', 'attributes', name);
  for (const one of endpoints) if (!isEndpoint(one)) throw new XenError('INVALID_VALUE', 'endpoints', one);
  for (const one of components)
    if (!known.includes(one)) throw new XenError('INVALID_VALUE', 'components', one);
}
async function set(context: Context, self: Ref<'Observer'>, patch: Traced): Promise<void> {
  await context.tx.lock('Observer', self);
  await assertTraced(context, patch);
  await context.tx.update('Observer', self, patch);
}

export const observerCalls: CallsOf<typeof classes.Observer, Context> = {
  set_hosts: (context, { self, value }) => set(context, self, { hosts: value }),
  set_enabled: ({ tx }, { self, value }) => tx.update('Observer', self, { enabled: value }),
  set_attributes: (context, { self, value }) => set(context, self, { attributes: value }),
  set_endpoints: (context, { self, value }) => set(context, self, { endpoints: value }),
  set_components: (context, { self, value }) => set(context, self, { components: value }),
};
export const observerOverrides = {
  create: async (context: Context, { args }: { args: StoredRecord<'Observer'> }) => {
    await assertTraced(context, args);
    return createPlain(context, 'Observer', { ...args });
  },
};
