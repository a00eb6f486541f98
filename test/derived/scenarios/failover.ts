import { strangerIn } from '../../agents';
import type { Kit, Scenarios } from '../kit';
import { lose } from '../losing';

let seed = 600;
/** A host that is lost, on which a VM ran. */
async function lostHost(kit: Kit): Promise<string> {
  const { agent, host } = await strangerIn(kit.world, kit.call, (seed += 1));
  await kit.run('VM.start_on', await kit.newVm(), host, false, false);
  await agent.stop();
  await lose(kit.plane, host);
  return host;
}

export const failoverScenarios: Scenarios = { 'host.failover': async (kit) => [await lostHost(kit)] };
