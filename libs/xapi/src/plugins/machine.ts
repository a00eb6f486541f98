/** hyperthreading.py, ipmitool.py, netdata.py, service.py, perfmon: the machine and what runs beside the toolstack. */
import { hostSetting, setHostSetting } from '../core/host-settings';
import { raiseAlarms } from '../metrics/alarms';
import { argument, failure, json, type PluginRequest, type Plugin } from './plugin';

export const hyperthreading: Plugin = {
  get_hyperthreading: ({ host }) => json(Number(host.cpu_info['threads_per_core'] ?? 1) > 1),
};

const noDevice = (): never => {
  throw failure(1, 'IPMI not available');
};
export const ipmitool: Plugin = {
  is_ipmi_device_available: () => json(false),
  get_all_sensors: noDevice,
  get_sensor: noDevice,
  get_ipmi_lan: noDevice,
};

/** Clients call it when they have changed what is watched. */
export const perfmon: Plugin = {
  refresh: ({ tx, plane }) => {
    tx.afterCommit(
      () =>
        void raiseAlarms(plane).catch((error: unknown) => plane.log.warn({ error }, 'alarms not looked for')),
    );
    return 'True';
  },
};

const netdataKey = 'netdata-key';
const keyOf = ({ tx, host }: PluginRequest): Promise<string> => hostSetting(tx, host.ref, netdataKey, '');
export const netdata: Plugin = {
  is_netdata_installed: async (asked) => json((await keyOf(asked)) !== ''),
  install_netdata: async ({ tx, host }, args) => {
    const key = argument(args, 'api_key');
    argument(args, 'destination');
    await setHostSetting(tx, host.ref, netdataKey, key);
    return json(true);
  },
  get_netdata_api_key: keyOf,
};

/** Only the services of LINSTOR may be controlled, and no host here has them. */
const services: ReadonlySet<string> = new Set(['linstor-controller', 'linstor-satellite']);
const service =
  (verb: string) =>
  (_asked: PluginRequest, { service: name = '' }: Readonly<Record<string, string>>): never => {
    if (name === '') throw failure(-1, 'Missing or empty argument `service`');
    if (!services.has(name)) throw failure(-1, 'This service is not whitelisted');
    throw failure(
      5,
      `Command '['systemctl', '${verb}', '${name}']' failed with code: 5`,
      `Unit ${name}.service not found.`,
    );
  };
export const serviceControl: Plugin = {
  start_service: service('start'),
  stop_service: service('stop'),
  restart_service: service('restart'),
  try_restart_service: service('try-restart'),
};
