import type { Kit, Scenarios } from '../kit';

/** A VM that runs, and a host on which it does not. */
async function movable(kit: Kit): Promise<[string, string]> {
  const vm = await kit.runningVm();
  const here = await kit.call<string>('VM.get_resident_on', vm);
  const hosts = await kit.call<string[]>('host.get_all');
  return [vm, hosts.find((h) => h !== here) ?? ''];
}

export const hostScenarios: Scenarios = {
  'VM.pool_migrate': async (kit) => [...(await movable(kit)), { live: 'true' }],
};
