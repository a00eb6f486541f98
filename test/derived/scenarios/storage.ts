import type { Scenarios } from '../kit';

export const storageScenarios: Scenarios = {
  'VDI.copy': async (kit) => [
    (await kit.call<{ VDI: string }>('VBD.get_record', (await kit.call<string[]>('VM.get_VBDs', await kit.newVm()))[0])).VDI,
    await kit.call('pool.get_default_SR', (await kit.call<string[]>('pool.get_all'))[0]),
    'OpaqueRef:NULL',
    'OpaqueRef:NULL',
  ],
};
