/** hyperthreading.py, ipmitool.py, netdata.py, service.py, sdncontroller.py, perfmon: the machine and what runs beside the toolstack. */
import { hostSetting, setHostSetting } from '../host-settings';
import { raiseAlarms } from '../rrd/alarms';
import { argument, failure, json, type Asked, type Plugin } from './plugin';

export const hyperthreading: Plugin = { get_hyperthreading: ({ host }) => json(Number(host.cpu_info['threads_per_core'] ?? 1) > 1) };

const noDevice = (fn: string) => (): never => {
  throw failure(fn, 'Exception', 'IPMI not available');
};
export const ipmitool: Plugin = {
  is_ipmi_device_available: () => json(false),
  get_all_sensors: noDevice('get_all_sensors'),
  get_sensor: noDevice('get_sensor'),
  get_ipmi_lan: noDevice('get_ipmi_lan'),
};

/** Clients call it when they have changed what is watched. */
export const perfmon: Plugin = {
  refresh: ({ tx, plane }) => {
    tx.afterCommit(() => void raiseAlarms(plane).catch((error: unknown) => plane.log.warn({ error }, 'alarms not looked for')));
    return 'True';
  },
};

const netdataKey = 'netdata-key';
export const netdata: Plugin = {
  is_netdata_installed: async ({ tx, host }) => json((await hostSetting(tx, host.ref, netdataKey, '')) !== ''),
  install_netdata: async ({ tx, host }, args) => {
    await setHostSetting(tx, host.ref, netdataKey, argument('install_netdata', args, 'api_key'));
    return json(true);
  },
  get_netdata_api_key: async ({ tx, host }) => {
    const key = await hostSetting(tx, host.ref, netdataKey, '');
    if (key === '') throw failure('get_netdata_api_key', 'Exception', 'netdata is not installed');
    return key;
  },
};

const services: ReadonlySet<string> = new Set(['chronyd', 'iscsid', 'multipathd', 'netdata', 'openvswitch', 'rsyslog', 'snmpd', 'sshd', 'xcp-rrdd']);
/** As systemd has it: a service that is not there is an error, any other does what it is told. */
const service =
  (fn: string, running: boolean) =>
  async ({ tx, host }: Asked, args: Readonly<Record<string, string>>): Promise<string> => {
    const name = argument(fn, args, 'service');
    if (!services.has(name)) throw failure(fn, 'ProcessException', `Unit ${name}.service not found.`);
    await setHostSetting(tx, host.ref, `service/${name}`, running);
    return json(true);
  };
export const serviceControl: Plugin = {
  start_service: service('start_service', true),
  stop_service: service('stop_service', false),
  restart_service: service('restart_service', true),
  try_restart_service: service('try_restart_service', true),
};

const rules = 'sdn-rules';
type Rule = Readonly<Record<string, string>>;
const sameRule = (a: Rule, b: Rule): boolean =>
  ['bridge', 'protocol', 'mac', 'iprange', 'direction', 'port', 'ofport'].every((k) => (a[k] ?? '') === (b[k] ?? ''));
async function bridgeOf(fn: string, { tx }: Asked, args: Rule): Promise<string> {
  const bridge = argument(fn, args, 'bridge');
  const [network] = await tx.find('network', { bridge });
  if (!network) throw failure(fn, 'Exception', `no bridge named ${bridge}`);
  return bridge;
}
export const sdnController: Plugin = {
  'add-rule': async (asked, args) => {
    await bridgeOf('add-rule', asked, args);
    await asked.tx.lock('host', asked.host.ref);
    const present = await hostSetting<Rule[]>(asked.tx, asked.host.ref, rules, []);
    await setHostSetting(asked.tx, asked.host.ref, rules, [...present.filter((rule) => !sameRule(rule, args)), args]);
    return json(true);
  },
  'del-rule': async (asked, args) => {
    await bridgeOf('del-rule', asked, args);
    await asked.tx.lock('host', asked.host.ref);
    const present = await hostSetting<Rule[]>(asked.tx, asked.host.ref, rules, []);
    await setHostSetting(
      asked.tx,
      asked.host.ref,
      rules,
      present.filter((rule) => !sameRule(rule, args)),
    );
    return json(true);
  },
  'dump-flows': async (asked, args) => {
    const bridge = await bridgeOf('dump-flows', asked, args);
    const present = await hostSetting<Rule[]>(asked.tx, asked.host.ref, rules, []);
    return json({
      returncode: 0,
      stdout: present
        .filter((rule) => rule['bridge'] === bridge)
        .map(json)
        .join('\n'),
      stderr: '',
    });
  },
};
