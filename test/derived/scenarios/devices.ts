import type { Scenarios } from '../kit';

export const devicesScenarios: Scenarios = {
  'VBD.plug': async (kit) => [await kit.device('VBD', false)],
  'VBD.unplug': async (kit) => [await kit.device('VBD', true)],
  'VBD.unplug_force': async (kit) => [await kit.device('VBD', true)],
  'VIF.plug': async (kit) => [await kit.device('VIF', false)],
  'VIF.unplug': async (kit) => [await kit.device('VIF', true)],
  'VIF.unplug_force': async (kit) => [await kit.device('VIF', true)],
};
