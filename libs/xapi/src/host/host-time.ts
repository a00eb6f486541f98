/** The clock of a host, its time zone, and where it learns the time. Hosts that nobody has set by hand go with the control plane. */
import { classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import { dateTime, type Context } from '../core/context';
import { hostSetting, setHostSetting } from '../core/host-settings';
import { assertLive } from './host-use';

type All = CallsOf<typeof classes.host, Context>;
const offset = 'clock-offset-ms';
const zones: ReadonlySet<string> = new Set(['UTC', ...Intl.supportedValuesOf('timeZone')]);
const factoryServers = [0, 1, 2, 3].map((n) => `${n}.pool.ntp.org`);

async function clockOf({ tx, plane }: Context, host: Ref<'host'>): Promise<Date> {
  await assertLive(tx, host);
  return new Date(plane.clock.now().getTime() + (await hostSetting(tx, host, offset, 0)));
}

/** The same moment as a clock on the wall of that zone shows it. */
function onTheWall(date: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(date);
  const part = (type: string): string => parts.find((p) => p.type === type)?.value ?? '';
  return `${part('year')}${part('month')}${part('day')}T${part('hour')}:${part('minute')}:${part('second')}`;
}

/** Both forms of the wire: with and without dashes; without a zone it is UTC. */
function momentOf(text: string): number {
  const [, year, month, day, rest = '', zone] =
    /^(\d{4})-?(\d\d)-?(\d\d)T([\d:.]+)(Z|[+-]\d\d:?\d\d)?$/.exec(text) ?? [];
  const moment = Date.parse(`${year}-${month}-${day}T${rest}${zone ?? 'Z'}`);
  if (Number.isNaN(moment)) throw new XenError('INVALID_VALUE', 'value', text);
  return moment;
}

function serversOf({ ntp_mode, ntp_custom_servers }: StoredRecord<'host'>): readonly string[] {
  if (ntp_mode === 'Custom') return ntp_custom_servers;
  return ntp_mode === 'Factory' ? factoryServers : [];
}

export const timeCalls = {
  get_servertime: async (context, { host }) => dateTime(await clockOf(context, host)),
  get_server_localtime: async (context, { host }) =>
    onTheWall(await clockOf(context, host), (await context.tx.get('host', host)).timezone || 'UTC'),
  set_servertime: async ({ tx, plane }, { self, value }) => {
    if ((await tx.lock('host', self)).ntp_mode !== 'Disabled')
      throw new XenError('NOT_ALLOWED_WHEN_NTP_IS_ENABLED', self);
    await setHostSetting(tx, self, offset, momentOf(value) - plane.clock.now().getTime());
  },
  set_timezone: async ({ tx }, { self, value }) => {
    if (!zones.has(value)) throw new XenError('INVALID_VALUE', 'timezone', value);
    await tx.update('host', self, { timezone: value });
  },
  list_timezones: async ({ tx }, { self }) => {
    await tx.get('host', self);
    return [...zones].sort();
  },
  set_ntp_mode: async ({ tx }, { self, value }) => {
    const { ntp_custom_servers } = await tx.lock('host', self);
    if (value === 'Custom' && ntp_custom_servers.length === 0)
      throw new XenError(
        'INVALID_NTP_CONFIG',
        "Can't set ntp_mode to Custom when ntp_custom_servers is empty",
      );
    await tx.update('host', self, { ntp_mode: value });
    if (value !== 'Disabled') await setHostSetting(tx, self, offset, 0);
  },
  set_ntp_custom_servers: async ({ tx }, { self, value }) => {
    const { ntp_mode } = await tx.lock('host', self);
    if (ntp_mode === 'Custom' && value.length === 0)
      throw new XenError('INVALID_NTP_CONFIG', "Can't set ntp_custom_servers empty when ntp_mode is Custom");
    await tx.update('host', self, { ntp_custom_servers: value });
  },
  get_ntp_servers_status: async ({ tx }, { self }) =>
    Object.fromEntries(
      serversOf(await tx.get('host', self)).map((server, i) => [
        server,
        i === 0 ? 'Current best' : 'Combined',
      ]),
    ),
  get_ntp_synchronized: async ({ tx }, { self }) => (await tx.get('host', self)).ntp_mode !== 'Disabled',
} satisfies Partial<All>;
