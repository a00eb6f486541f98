/** An agent of its own in a test, with hosts that come into the world's pool: it can die without the world's agent. */
import path from 'node:path';
import { agentSettings } from '@xenplane/config';
import { simulated } from '@xenplane/hypervisor';
import { startAgent, type RunningAgent } from '../apps/agent/src/agent';
import { eventually, joinKey, type Call, type World } from './world';

export interface Stranger {
  readonly agent: RunningAgent;
  readonly host: string;
  readonly uuid: string;
}

/** One host more, once it lives. */
export async function strangerIn(
  world: World,
  call: Call,
  seed: number,
  {
    apiUrl = world.url,
    imagesUrl = world.imagesUrl,
  }: { readonly apiUrl?: string; readonly imagesUrl?: string } = {},
): Promise<Stranger> {
  const agent = await startAgent(
    agentSettings({
      XENPLANE_HOSTS: '1',
      XENPLANE_SEED: String(seed),
      XENPLANE_SPEED: '0',
      XENPLANE_API_URL: apiUrl,
      XENPLANE_IMAGES_URL: imagesUrl,
      XENPLANE_JOIN_KEY: joinKey,
      XENPLANE_DATA: path.join(world.folder, `agent ${seed}`),
      XENPLANE_LOG_LEVEL: 'fatal',
    }),
    new simulated.SimulatedXen({ seed, speed: 0, hosts: 1 }),
  );
  const uuid = simulated.hostUuid(seed, 0);
  const host = await eventually(() => call<string>('host.get_by_uuid', uuid));
  await eventually(async () => {
    const metrics = await call<string>('host.get_metrics', host);
    if (!(await call<boolean>('host_metrics.get_live', metrics))) throw new Error('not registered yet');
  });
  return { agent, host, uuid };
}
