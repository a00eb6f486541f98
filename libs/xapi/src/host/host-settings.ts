/** Fields of a host that are set by calls of their own: what may be in them, and what else they bring about. */
import {
  classes,
  type enums,
  isNullRef,
  nullRef,
  XenError,
  type CallsOf,
  type Ref,
  type StoredRecord,
  type TypeOf,
} from '@xenplane/model';
import type { Context } from '../core/context';
import { hostSetting, setHostSetting } from '../core/host-settings';
import { assertUnused } from './host-use';

type Host = StoredRecord<'host'>;
type All = CallsOf<typeof classes.host, Context>;
const granularity = 'sched_gran';

const unsupported = (field: string, value: unknown, why: string): XenError =>
  new XenError('VALUE_NOT_SUPPORTED', field, String(value), why);

/** A name of labels that a resolver takes. */
function assertHostname(name: string): void {
  if (name === '') throw new XenError('HOST_NAME_INVALID', 'hostname empty');
  if (name.length > 255 || name.split('.').some((label) => label.length > 63))
    throw new XenError('HOST_NAME_INVALID', 'hostname is too long');
  if (!/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(name))
    throw new XenError('HOST_NAME_INVALID', 'hostname contains invalid characters');
}

/** The value in its field and, as old clients look for it, in other_config. */
async function setBoth(
  { tx }: Context,
  self: Ref<'host'>,
  key: string,
  text: string,
  fields: Partial<Host>,
): Promise<void> {
  const { other_config } = await tx.lock('host', self);
  await tx.update('host', self, { ...fields, other_config: { ...other_config, [key]: text } });
}

async function setPowerOnMode(
  { tx }: Context,
  self: Ref<'host'>,
  { power_on_mode, power_on_config }: Pick<Host, 'power_on_mode' | 'power_on_config'>,
): Promise<void> {
  const before = (await tx.lock('host', self)).power_on_config['power_on_password_secret'];
  await tx.update('host', self, { power_on_mode, power_on_config });
  if (before !== undefined && before !== power_on_config['power_on_password_secret'])
    await tx.query('DELETE FROM secret WHERE uuid = $1', [before]);
}

const displays: Readonly<
  Record<'enable' | 'disable', Readonly<Partial<Record<Host['display'], Host['display']>>>>
> = {
  enable: { disabled: 'enable_on_reboot', disable_on_reboot: 'enabled' },
  disable: { enabled: 'disable_on_reboot', enable_on_reboot: 'disabled' },
};
async function setDisplay(
  { tx }: Context,
  host: Ref<'host'>,
  how: keyof typeof displays,
): Promise<Host['display']> {
  const { display } = await tx.lock('host', host);
  const after = displays[how][display] ?? display;
  await tx.update('host', host, { display: after });
  return after;
}

async function setCaching(context: Context, host: Ref<'host'>, sr: Ref<'SR'>): Promise<void> {
  await assertQuiet(context, host);
  const { type, shared } = await context.tx.get('SR', sr);
  if (shared || type !== 'ext') throw new XenError('SR_OPERATION_NOT_SUPPORTED', sr);
  const [pbd] = await context.tx.find('PBD', { SR: sr, host });
  if (!pbd) throw new XenError('HOST_CANNOT_SEE_SR');
  await dropCaching(context, host);
  await context.tx.update('SR', sr, { local_cache_enabled: true });
  await context.tx.update('host', host, { local_cache_sr: sr });
}
async function dropCaching({ tx }: Context, host: Ref<'host'>): Promise<void> {
  const { local_cache_sr } = await tx.lock('host', host);
  if (isNullRef(local_cache_sr)) return;
  await tx.update('SR', local_cache_sr, { local_cache_enabled: false });
  await tx.update('host', host, { local_cache_sr: nullRef() });
}
async function assertQuiet({ tx }: Context, host: Ref<'host'>): Promise<void> {
  if ((await tx.get('host', host)).enabled) throw new XenError('HOST_NOT_DISABLED');
  await assertUnused(tx, host);
}

type Granularity = TypeOf<typeof enums.host_sched_gran>;

export const settingCalls = {
  set_hostname_live: async ({ tx }, { host, hostname }) => {
    assertHostname(hostname);
    await tx.update('host', host, { hostname });
  },
  set_power_on_mode: (context, { self, ...mode }) => setPowerOnMode(context, self, mode),
  set_ssl_legacy: async ({ tx }, { self, value }) => {
    if (value) throw unsupported('ssl_legacy', value, 'Legacy SSL support has been removed');
    await tx.update('host', self, { ssl_legacy: false });
  },
  set_iscsi_iqn: async (context, { host, value }) => {
    if (value === '') throw new XenError('INVALID_VALUE', 'value', value);
    await setBoth(context, host, 'iscsi_iqn', value, { iscsi_iqn: value });
  },
  set_multipathing: (context, { host, value }) =>
    setBoth(context, host, 'multipathing', String(value), { multipathing: value }),
  set_uefi_certificates: async ({ tx }, { host, value }) =>
    tx.update('host', host, { uefi_certificates: value }),
  set_sched_gran: async ({ tx }, { self, value }) => {
    await tx.get('host', self);
    await setHostSetting(tx, self, granularity, value);
  },
  get_sched_gran: async ({ tx }, { self }) => {
    await tx.get('host', self);
    return hostSetting<Granularity>(tx, self, granularity, 'cpu');
  },
  set_numa_affinity_policy: async ({ tx }, { self, value }) =>
    tx.update('host', self, { numa_affinity_policy: value }),
  set_https_only: async ({ tx }, { self, value }) => tx.update('host', self, { https_only: value }),
  set_max_cstate: async ({ tx }, { self, value }) => {
    if (!/^(\d+(,\d+)?)?$/.test(value))
      throw unsupported('max_cstate', value, 'It must be empty, a C-state, or a C-state and a sub-state');
    await tx.update('host', self, { max_cstate: value });
  },
  set_console_idle_timeout: async ({ tx }, { self, value }) => {
    if (value < 0) throw unsupported('console_idle_timeout', value, 'Timeout must not be negative');
    await tx.update('host', self, { console_idle_timeout: value });
  },
  enable_display: (context, { host }) => setDisplay(context, host, 'enable'),
  disable_display: (context, { host }) => setDisplay(context, host, 'disable'),
  enable_local_storage_caching: (context, { host, sr }) => setCaching(context, host, sr),
  disable_local_storage_caching: async (context, { host }) => {
    await assertQuiet(context, host);
    await dropCaching(context, host);
  },
} satisfies Partial<All>;
