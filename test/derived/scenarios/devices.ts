import type { Kit, Scenarios } from '../kit';

const networkOf = async (kit: Kit): Promise<string> =>
  (await kit.call<string[]>('network.get_by_name_label', 'Pool-wide network associated with eth1'))[0] ?? '';

/** Only the agent of Windows takes addresses. */
const windows = 'Windows Server 2025';

export const devicesScenarios: Scenarios = {
  'VBD.plug': async (kit) => [await kit.device('VBD', false)],
  'VBD.unplug': async (kit) => [await kit.device('VBD', true)],
  'VBD.unplug_force': async (kit) => [await kit.device('VBD', true)],
  'VIF.plug': async (kit) => [await kit.device('VIF', false)],
  'VIF.unplug': async (kit) => [await kit.device('VIF', true)],
  'VIF.unplug_force': async (kit) => [await kit.device('VIF', true)],
  'VIF.move': async (kit) => [await kit.device('VIF', true), await networkOf(kit)],
  'VIF.configure_ipv4': async (kit) => [
    await kit.device('VIF', true, windows),
    'Static',
    '10.5.0.5/8',
    '10.0.0.1',
  ],
  'VIF.configure_ipv6': async (kit) => [await kit.device('VIF', true, windows), 'Static', 'fd00::5/64', ''],
};
