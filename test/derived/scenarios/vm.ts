import type { Scenarios } from '../kit';

export const vmScenarios: Scenarios = {
  'VM.start': async (kit) => [await kit.newVm(), false, false],
  'VM.start_on': async (kit) => [await kit.newVm(), await kit.hostOf(), true, false],
  'VM.pause': async (kit) => [await kit.runningVm()],
  'VM.unpause': async (kit) => [await kit.after(kit.runningVm(), 'VM.pause')],
  'VM.clean_shutdown': async (kit) => [await kit.runningVm()],
  'VM.hard_shutdown': async (kit) => [await kit.runningVm()],
  'VM.shutdown': async (kit) => [await kit.runningVm()],
  'VM.clean_reboot': async (kit) => [await kit.runningVm()],
  'VM.hard_reboot': async (kit) => [await kit.runningVm()],
  'VM.restart_device_models': async (kit) => [await kit.runningVm()],
  'VM.suspend': async (kit) => [await kit.runningVm()],
  'VM.resume': async (kit) => [await kit.after(kit.runningVm(), 'VM.suspend'), false, false],
  'VM.resume_on': async (kit) => [
    await kit.after(kit.runningVm(), 'VM.suspend'),
    await kit.hostOf(),
    false,
    false,
  ],
  'VM.copy': async (kit) => [await kit.newVm(), 'copied', 'OpaqueRef:NULL'],
  'VM.set_memory_dynamic_range': async (kit) => [await kit.runningVm(), 2 ** 30, 2 ** 31],
  'VM.set_memory_target_live': async (kit) => [await kit.runningVm(), 2 ** 30],
  'VM.wait_memory_target_live': async (kit) => [await kit.runningVm()],
  'VM.set_VCPUs_number_live': async (kit) => [await kit.runningVm(), 1],
};
